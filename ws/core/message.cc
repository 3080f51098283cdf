// SPDX-License-Identifier: MIT

#include "ws/core/message.h"

#include <algorithm>
#include <utility>

#include "ws/core/compression.h"

namespace hilo::ws {

Errc MessageAssembly::begin_frame(Opcode opcode, const MessageLimits& limits,
                                  bool compressed) noexcept {
  if (!active_) {
    active_ = true;
    opcode_ = opcode;
    compressed_ = compressed;
    fragments_ = 1;
    utf8_.reset();
    return Errc::none;
  }
  ++fragments_;
  std::uint64_t budget = limits.fragments_base;
  if (limits.bytes_per_fragment != 0) budget += arrived_bytes() / limits.bytes_per_fragment;
  return fragments_ > budget ? Errc::fragment_budget : Errc::none;
}

Errc MessageAssembly::append(Bytes masked, MaskKey key, std::size_t offset) noexcept {
  if (masked.empty()) return Errc::none;
  if (!bytes_.reserve(masked.size())) return Errc::no_memory;
  std::uint8_t* to = bytes_.writable().data();
  mask_copy(to, masked, key, offset);
  bytes_.commit(masked.size());
  return validate({to, masked.size()});
}

Errc MessageAssembly::pass(Bytes unmasked) noexcept {
  passed_bytes_ += unmasked.size();
  return validate(unmasked);
}

MutableBytes MessageAssembly::space(std::size_t wanted) noexcept {
  // Below this a copy out of the shared receive buffer is cheaper than a read of its own, and a
  // header alone, whatever it promises, buys no room at all.
  constexpr std::size_t arrived_min = std::size_t{16} * 1024;
  // What is read next is unmasked next, and should still lie in the processor's second cache then.
  constexpr std::size_t unmasked_at_once_max = std::size_t{128} * 1024;
  if (bytes_.size() < arrived_min) return {};
  if (bytes_.writable().empty() && !bytes_.reserve(std::min(wanted, bytes_.size()))) return {};
  return bytes_.writable().first(
      std::min({wanted, bytes_.writable().size(), unmasked_at_once_max}));
}

Errc MessageAssembly::commit(std::size_t bytes, MaskKey key, std::size_t offset) noexcept {
  const MutableBytes added = bytes_.writable().first(bytes);
  mask(added, key, offset);
  bytes_.commit(bytes);
  return validate(added);
}

Errc MessageAssembly::finish() const noexcept {
  return opcode_ == Opcode::text && !utf8_.complete() ? Errc::text_not_utf8 : Errc::none;
}

Errc MessageAssembly::expand(Compression& compression, const MessageLimits& limits) noexcept {
  return expand(std::as_const(bytes_).readable(), compression, limits);
}

Errc MessageAssembly::expand(Bytes wire, Compression& compression,
                             const MessageLimits& limits) noexcept {
  Buffer whole{bytes_.pool()};
  if (const Errc error = compression.expand(wire, limits, whole); error != Errc::none) return error;
  bytes_ = std::move(whole);  // and what it was made of goes with `whole`
  const bool is_good = opcode_ != Opcode::text || utf8_valid(std::as_const(bytes_).readable());
  return is_good ? Errc::none : Errc::text_not_utf8;
}

void MessageAssembly::release() noexcept {
  bytes_.release();
  passed_bytes_ = 0;
  active_ = false;
}

Errc MessageAssembly::validate(Bytes added) noexcept {
  if (opcode_ != Opcode::text || compressed_ || utf8_.feed(added)) return Errc::none;
  return Errc::text_not_utf8;
}

}  // namespace hilo::ws

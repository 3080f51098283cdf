// SPDX-License-Identifier: MIT
//
// EncodedMessage: one message made ready for many connections. What is the same for all of them,
// the header and the compressed payload, is made once; Connection::send() takes it from here. A
// short frame is put together when this is made; and what has to wait for slow readers waits in one
// copy for all of them, if it is large.
//
//   views   the payload is the caller's own bytes and must outlive this
//   thread  one

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/shared_bytes.h"
#include "ws/core/frame.h"
#include "ws/core/session.h"
#include "ws/sending.h"

namespace hilo::ws {

class EncodedMessage {
 public:
  // Less than that is copied to whom it waits for: many such messages then leave in one piece.
  static constexpr std::size_t shared_bytes_min = 4096;

  // Up to so many bytes of payload the frame is there in one piece, too.
  static constexpr std::size_t one_piece_bytes_max = 512;

  EncodedMessage(Opcode opcode, Bytes payload, SendOptions options) noexcept
      : plain_(Outgoing::frame(opcode, true, payload)), opcode_(opcode), options_(options) {
    if (payload.size() > one_piece_bytes_max) return;
    const auto behind = std::copy_n(plain_.header.begin(), plain_.header_bytes, one_piece_.begin());
    std::copy(payload.begin(), payload.end(), behind);
    one_piece_bytes_ = plain_.header_bytes + payload.size();
  }
  EncodedMessage(const EncodedMessage&) = delete;
  EncodedMessage& operator=(const EncodedMessage&) = delete;

  Opcode opcode() const noexcept { return opcode_; }
  Bytes payload() const noexcept { return plain_.payload; }
  SendOptions options() const noexcept { return options_; }
  // The whole frame, as a server sends it that does not compress it; empty if that is long.
  Bytes one_piece() const noexcept { return Bytes{one_piece_}.first(one_piece_bytes_); }
  // As this session of a server sends it. Where connections share a compression context, it is
  // compressed once for all of them; else into `scratch`, which is empty and must outlive the
  // Outgoing.
  Outgoing outgoing(Session& session, Buffer& scratch) noexcept {
    shrunk_ = nullptr;
    Compression* const compression = session.compression();
    if (compression == nullptr || !options_.compress) return plain_;
    const Compression* const shared = compression->shared();
    if (shared == nullptr) return session.send_compressed(opcode_, payload(), scratch);
    Shrunk& shrunk = find(shared, *compression, scratch.pool());
    if (!shrunk.is_smaller) return plain_;
    shrunk_ = &shrunk;
    return session.send_shrunk(opcode_, std::as_const(shrunk.bytes).readable());
  }
  // What outgoing() made, to be kept while it waits. None if it is few bytes, or this connection's
  // alone, or there is no memory for it.
  SharedBytes keep(const Outgoing& outgoing, Pool& pool) noexcept {
    if (outgoing.payload.size() < shared_bytes_min) return {};
    const bool is_plain = outgoing.payload.data() == payload().data();
    if (!is_plain && shrunk_ == nullptr) return {};
    SharedBytes& kept = is_plain ? kept_plain_ : shrunk_->kept;
    if (!kept) kept = SharedBytes::copy_of(pool, outgoing.slices());
    return kept;
  }

 private:
  // A compressed form, and whose it is, which is looked at only to be compared.
  struct Shrunk {
    const Compression* by;
    Buffer bytes;
    bool is_smaller;
    SharedBytes kept = {};
  };
  // One for each size of window, and for those of ours that zlib cannot do.
  static constexpr std::size_t forms_max = 8;

  Shrunk& find(const Compression* shared, Compression& compression, Pool& pool) noexcept {
    std::size_t place = 0;
    while (place + 1 < forms_max && forms_[place] && forms_[place]->by != shared) ++place;
    std::optional<Shrunk>& form = forms_[place];
    if (!form || form->by != shared) {
      form.emplace(Shrunk{shared, Buffer{pool}, false});
      form->is_smaller = compression.shrink(payload(), form->bytes);
    }
    return *form;
  }

  Outgoing plain_;
  std::array<std::uint8_t, frame_header_bytes_max + one_piece_bytes_max> one_piece_;
  std::size_t one_piece_bytes_ = 0;
  Opcode opcode_;
  SendOptions options_;
  std::array<std::optional<Shrunk>, forms_max> forms_;
  Shrunk* shrunk_ = nullptr;  // the one that outgoing() has just made use of
  SharedBytes kept_plain_;
};

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT

#include "ws/core/deflate_contexts.h"

#include <algorithm>
#include <new>

namespace hilo::ws {

// The Compression of one connection: a context of its own in the directions that take it over.
class DeflateContexts::Own final : public Compression {
 public:
  Own(DeflateContexts& contexts, Shared& shared) noexcept
      : contexts_(&contexts), shared_(&shared) {}

  // Bits of 0: the direction is shared.
  void own(std::uint8_t deflater_bits, std::uint8_t inflater_bits) noexcept {
    if (deflater_bits != 0) {
      deflater_.emplace(contexts_->memory_, contexts_->tuning(deflater_bits));
    }
    if (inflater_bits != 0) {
      inflater_.emplace(contexts_->memory_, std::max(inflater_bits, window_bits_min));
    }
    promised_bytes_ = contexts_->context_bytes(deflater_bits, inflater_bits);
    contexts_->promised_bytes_ += promised_bytes_;
  }

  Errc expand(Bytes wire, const MessageLimits& limits, Buffer& out) noexcept override {
    return inflater_ ? contexts_->expand(*inflater_, wire, limits, out)
                     : shared_->expand(wire, limits, out);
  }
  bool shrink(Bytes payload, Buffer& out) noexcept override {
    if (!deflater_) return shared_->shrink(payload, out);
    // A short message may grow by what its header is shorter than the largest: the ones after it
    // can refer to it.
    const std::size_t growth_max = payload.size() < 60'000 ? 4 : 0;
    return contexts_->shrink(*deflater_, payload, payload.size() + growth_max, out);
  }
  const Compression* shared() const noexcept override { return deflater_ ? nullptr : shared_; }
  void release() noexcept override {
    DeflateMemory& memory = contexts_->memory_;
    contexts_->promised_bytes_ -= promised_bytes_;
    this->~Own();
    memory.give(this);
  }

 private:
  DeflateContexts* contexts_;
  Shared* shared_;
  std::optional<Inflater> inflater_;
  std::optional<Deflater> deflater_;
  std::size_t promised_bytes_ = 0;
};

DeflateContexts::DeflateContexts(const DeflateOptions& options, std::size_t memory_bytes_max,
                                 DeflateCounters& counters) noexcept
    : options_(options),
      counters_(&counters),
      memory_(memory_bytes_max),
      inflater_(memory_, window_bits_max) {
  for (Shared& shared : shared_) shared.contexts = this;
  for (std::size_t i = 0; i < windows; ++i) {
    const auto window_bits = static_cast<std::uint8_t>(window_bits_min + i);
    shared_[i].deflater = &deflaters_[i].emplace(memory_, tuning(window_bits));
  }
}

DeflateTuning DeflateContexts::tuning(std::uint8_t window_bits) const noexcept {
  return {.window_bits = window_bits,
          .level = std::clamp<std::uint8_t>(options_.level, 1, 9),
          .memory_level = std::clamp<std::uint8_t>(options_.memory_level, 1, 9)};
}

CompressionPointer DeflateContexts::make(Role role, const DeflateParameters& agreed) noexcept {
  const bool is_server = role == Role::server;
  const std::uint8_t our_bits = is_server ? agreed.server_window_bits : agreed.client_window_bits;
  const std::uint8_t their_bits = is_server ? agreed.client_window_bits : agreed.server_window_bits;
  const bool can_deflate = our_bits >= window_bits_min;
  const bool we_take_over = can_deflate && !(is_server ? agreed.server_no_context_takeover
                                                       : agreed.client_no_context_takeover);
  const bool they_take_over =
      !(is_server ? agreed.client_no_context_takeover : agreed.server_no_context_takeover);
  // A window of 8 bits is asked for of a client only. It need not compress at all.
  Shared& shared = can_deflate ? shared_[std::size_t{our_bits} - window_bits_min] : shared_.back();
  if (!we_take_over && !they_take_over) return CompressionPointer{&shared};

  void* block = memory_.take(sizeof(Own));
  if (block == nullptr) return nullptr;
  Own* own = ::new (block) Own(*this, shared);
  own->own(we_take_over ? our_bits : 0, they_take_over ? their_bits : 0);
  return CompressionPointer{own};
}

std::size_t DeflateContexts::context_bytes(std::uint8_t deflater_bits,
                                           std::uint8_t inflater_bits) const noexcept {
  std::size_t bytes = sizeof(Own);
  if (deflater_bits != 0) {
    bytes += deflater_bytes(deflater_bits, tuning(deflater_bits).memory_level);
  }
  if (inflater_bits != 0) bytes += inflater_bytes(std::max(inflater_bits, window_bits_min));
  return bytes;
}

DeflateOptions DeflateContexts::agreeable() const noexcept {
  DeflateOptions options = options_;
  if (memory_.bytes_max() == 0) options.enabled = false;
  const auto bits = [](bool is_shared, std::uint8_t wanted) -> std::uint8_t {
    return is_shared ? 0 : std::clamp(wanted, window_bits_min, window_bits_max);
  };
  const std::size_t wanted =
      context_bytes(bits(options.server_no_context_takeover, options.server_max_window_bits),
                    bits(options.client_no_context_takeover, options.client_max_window_bits));
  // Those who do without must find the shared Inflater.
  const std::size_t spoken_for = promised_bytes_ + inflater_bytes(window_bits_max);
  if (spoken_for + wanted > memory_.bytes_max()) {
    options.server_no_context_takeover = options.client_no_context_takeover = true;
  }
  return options;
}

Errc DeflateContexts::expand(Inflater& inflater, Bytes wire, const MessageLimits& limits,
                             Buffer& out) noexcept {
  const Errc error = inflater.inflate(wire, limits, out);
  if (error != Errc::none) return error;
  ++counters_->messages_inflated;
  counters_->inflated_bytes += out.size();
  counters_->inflated_wire_bytes += wire.size();
  return Errc::none;
}

bool DeflateContexts::shrink(Deflater& deflater, Bytes payload, std::size_t wire_bytes_max,
                             Buffer& out) noexcept {
  if (payload.size() < options_.threshold_bytes) return false;
  if (!deflater.deflate(payload, wire_bytes_max, out)) return false;
  ++counters_->messages_deflated;
  counters_->deflated_bytes += payload.size();
  counters_->deflated_wire_bytes += out.size();
  return true;
}

Errc DeflateContexts::Shared::expand(Bytes wire, const MessageLimits& limits,
                                     Buffer& out) noexcept {
  contexts->inflater_.reset();
  return contexts->expand(contexts->inflater_, wire, limits, out);
}

bool DeflateContexts::Shared::shrink(Bytes payload, Buffer& out) noexcept {
  // So little that the room for it, with the tail, is no larger than the payload.
  constexpr std::size_t saving_min = 5;
  if (deflater == nullptr || payload.size() <= saving_min) return false;
  deflater->reset();
  return contexts->shrink(*deflater, payload, payload.size() - saving_min, out);
}

}  // namespace hilo::ws

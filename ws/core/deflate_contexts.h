// SPDX-License-Identifier: MIT
//
// DeflateContexts: the zlib contexts of one loop, and the Compression that each session gets.
//
//   without context takeover   all connections share: one Inflater, and one Deflater for each size
//                              of window that was agreed on. No memory per connection.
//   with it                    a connection owns its Inflater, its Deflater, or both, made when
//                              first needed: up to inflater_bytes() and deflater_bytes() each
//
//   limit    the memory of all contexts together. A server agrees on takeover only while there is
//            room for all that it has agreed on, whether these contexts are made yet or not
//   thread   the loop's
//   life     must outlive every session that got a Compression from it

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "ws/core/compression.h"
#include "ws/core/deflate.h"
#include "ws/core/deflate_counters.h"
#include "ws/core/deflate_negotiation.h"
#include "ws/core/rfc6455.h"

namespace hilo::ws {

class DeflateContexts {
 public:
  // `counters` must outlive this.
  DeflateContexts(const DeflateOptions& options, std::size_t memory_bytes_max,
                  DeflateCounters& counters) noexcept;
  DeflateContexts(const DeflateContexts&) = delete;
  DeflateContexts& operator=(const DeflateContexts&) = delete;

  // For a session of ours in this role. Null: no memory.
  [[nodiscard]] CompressionPointer make(Role role, const DeflateParameters& agreed) noexcept;

  const DeflateOptions& options() const noexcept { return options_; }
  // The same, for what a server agrees on now: without takeover where there is no room for it.
  DeflateOptions agreeable() const noexcept;
  DeflateMemory& memory() noexcept { return memory_; }

 private:
  // What both directions of one connection do, without context takeover.
  class Shared final : public Compression {
   public:
    Errc expand(Bytes wire, const MessageLimits& limits, Buffer& out) noexcept override;
    bool shrink(Bytes payload, Buffer& out) noexcept override;
    const Compression* shared() const noexcept override { return this; }
    void release() noexcept override {}

    DeflateContexts* contexts = nullptr;
    Deflater* deflater = nullptr;  // null: our window would be one that zlib cannot do
  };
  // With context takeover in at least one direction.
  class Own;

  static constexpr std::size_t windows = window_bits_max - window_bits_min + 1;

  std::size_t context_bytes(std::uint8_t deflater_bits, std::uint8_t inflater_bits) const noexcept;
  Errc expand(Inflater& inflater, Bytes wire, const MessageLimits& limits, Buffer& out) noexcept;
  bool shrink(Deflater& deflater, Bytes payload, std::size_t wire_bytes_max, Buffer& out) noexcept;
  DeflateTuning tuning(std::uint8_t window_bits) const noexcept;

  DeflateOptions options_;
  DeflateCounters* counters_;
  DeflateMemory memory_;
  std::size_t promised_bytes_ = 0;  // what all Own may come to take
  Inflater inflater_;
  std::array<std::optional<Deflater>, windows> deflaters_;  // by window bits
  std::array<Shared, windows + 1> shared_;                  // the last one has no deflater
};

}  // namespace hilo::ws

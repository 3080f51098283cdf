// SPDX-License-Identifier: MIT
//
// DEFLATE (RFC 1951) as permessage-deflate frames it (RFC 7692 §7.2), by zlib: a message is a run
// of blocks that ends in an empty stored one, whose last four bytes 00 00 FF FF are not sent.
//
//   Inflater   the payload of a compressed message -> the message; every limit inside the loop
//   Deflater   a message -> the payload of a compressed one, if that is short enough
//
// Both keep their sliding window from message to message ("context takeover", §7.1.1); reset()
// forgets it. Both take their memory from DeflateMemory when first used, and keep it:
//
//   Inflater   2^window_bits + 8 KiB                                 40 KiB with 15 bits
//   Deflater   2^(window_bits + 2) + 2^(memory_level + 9) + 8 KiB   264 KiB with 15 bits, level 8
//
//   errors   values; zlib's Z_MEM_ERROR is Errc::no_memory
//   thread   one at a time
//   life     the DeflateMemory must outlive them

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "ws/core/error.h"
#include "ws/core/message.h"

struct z_stream_s;  // zlib's

namespace hilo::ws {

// Window bits as zlib has them. RFC 7692 §7.1.2 has 8 too, which zlib's raw deflate cannot do; and
// older ones used 9 where 8 was asked for, so 8 bits are inflated with 9.
inline constexpr std::uint8_t window_bits_min = 9;
inline constexpr std::uint8_t window_bits_max = 15;

// An upper bound of what one context takes, once it is in use.
constexpr std::size_t inflater_bytes(std::uint8_t window_bits) noexcept {
  return (std::size_t{1} << window_bits) + (std::size_t{8} << 10);
}
constexpr std::size_t deflater_bytes(std::uint8_t window_bits, std::uint8_t memory_level) noexcept {
  return (std::size_t{4} << window_bits) + (std::size_t{512} << memory_level) +
         (std::size_t{8} << 10);
}

// Memory for contexts, counted, and refused beyond a limit.
class DeflateMemory {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  explicit DeflateMemory(std::size_t bytes_max = unlimited) noexcept : bytes_max_(bytes_max) {}
  DeflateMemory(const DeflateMemory&) = delete;
  DeflateMemory& operator=(const DeflateMemory&) = delete;
  ~DeflateMemory();

  // Null if there is none, or not that much.
  void* take(std::size_t bytes) noexcept;
  void give(void* block) noexcept;

  std::size_t taken_bytes() const noexcept { return taken_bytes_; }
  std::size_t bytes_max() const noexcept { return bytes_max_; }
  // What is taken stays; what would exceed the new limit is refused from now on.
  void set_bytes_max(std::size_t bytes_max) noexcept { bytes_max_ = bytes_max; }

 private:
  std::size_t bytes_max_;
  std::size_t taken_bytes_ = 0;
};

class Inflater {
 public:
  // `window_bits`: the sender's, from window_bits_min to window_bits_max.
  Inflater(DeflateMemory& memory, std::uint8_t window_bits) noexcept
      : memory_(&memory), window_bits_(window_bits) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // Compression::expand. After an error only reset() makes sense.
  [[nodiscard]] Errc inflate(Bytes wire, const MessageLimits& limits, Buffer& out) noexcept;
  void reset() noexcept;

 private:
  struct Run;
  Errc prepare() noexcept;
  Errc run(Run& run, Bytes input) noexcept;
  Errc run_to_end(Run& run, Bytes wire) noexcept;

  DeflateMemory* memory_;
  z_stream_s* stream_ = nullptr;
  std::uint8_t window_bits_;
};

struct DeflateTuning {
  std::uint8_t window_bits = window_bits_max;
  std::uint8_t level = 6;         // 1 is fastest, 9 smallest
  std::uint8_t memory_level = 8;  // 1 to 9
};

class Deflater {
 public:
  Deflater(DeflateMemory& memory, const DeflateTuning& tuning) noexcept
      : memory_(&memory), tuning_(tuning) {}
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater();

  // True: `out`, empty before, holds the payload of a compressed message, `wire_bytes_max` bytes of
  // it at most. False: it would have more, or there is no memory; `out` is empty, and what came
  // before is forgotten, since the peer will not have seen this message in its window.
  [[nodiscard]] bool deflate(Bytes payload, std::size_t wire_bytes_max, Buffer& out) noexcept;
  void reset() noexcept;

 private:
  bool prepare() noexcept;

  DeflateMemory* memory_;
  z_stream_s* stream_ = nullptr;
  DeflateTuning tuning_;
};

}  // namespace hilo::ws

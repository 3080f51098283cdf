// SPDX-License-Identifier: MIT
//
// How large a message may be, and of how many fragments: what a session asks of its peer
// (message.h, session.h).

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace hilo::ws {

struct MessageLimits {
  // The largest message, in bytes, also when it is one frame.
  std::size_t message_bytes_max = std::size_t{1} << 20;
  // The same where messages are received in chunks, of which none is held; 0: no limit.
  std::uint64_t streamed_bytes_max = 0;
  // A message may have this many fragments, at least one, and one more for every
  // `bytes_per_fragment` received (0: no more): a flood of tiny fragments costs work without ever
  // reaching message_bytes_max.
  std::uint32_t fragments_base = 1024;
  std::uint32_t bytes_per_fragment = 64;
  // A compressed message may inflate to `inflate_ratio_free_bytes`, and beyond that to
  // `inflate_ratio_max` times its compressed size (0: no such limit). DEFLATE reaches 1032.
  std::uint32_t inflate_ratio_max = 100;
  std::size_t inflate_ratio_free_bytes = std::size_t{64} << 10;

  // What the frames of a compressed message may carry together: whatever fits into
  // message_bytes_max, even if the peer's compressor made it larger.
  std::size_t compressed_bytes_max() const noexcept {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 2;
    const std::size_t bytes = message_bytes_max < most ? message_bytes_max : most;
    return bytes + bytes / 8 + 64;
  }
};

}  // namespace hilo::ws

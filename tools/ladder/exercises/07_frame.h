// SPDX-License-Identifier: MIT
//
// Exercise 7: read the head of a frame, and unmask what follows.
//
// clang-format off
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-+-+-+-+-------+-+-------------+-------------------------------+
//     |F| RSV | opcode|M| length      | 16 bits more if length is 126,|
//     |I|     | (4)   |A| (7)         | 64 bits if it is 127          |
//     |N|     |       |S|             |                               |
//     +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
//     |            masking key, 4 bytes, only if MASK is set          |
//     +---------------------------------------------------------------+
// clang-format on
//
// A head has 2 to 14 bytes, and they may come one by one: as long as one is missing there is no
// head yet. What stands behind it is the payload, or not there yet; it is not looked at. Whether
// the head is a good one is not asked here (engine: check_header()).
//
// Each byte of the payload is XORed with one of the four bytes of the key, in turn. A payload may
// come in pieces: `offset` is the place of the piece's first byte in the whole payload, and the
// turn of the key goes on from there.
//
//   to know   the most significant byte of a length comes first. A byte is an int as soon as it is
//             shifted, and an int has no room for 64 bits: load_be16() and load_be64() of
//             net/base/bytes.h do it right
//   to see    build/release/hilo explain --frame text Hello --mask 37fa213d
//   RFC       6455 §5.2, §5.3, and the examples of §5.7
//   stuck?    ws/core/frame.cc, parse_header(); ws/core/mask.h

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "net/base/bytes.h"

namespace hilo::exercise {

struct FrameHead {
  bool final = false;
  std::uint8_t opcode = 0;
  bool masked = false;
  std::uint64_t payload_bytes = 0;
  std::array<std::uint8_t, 4> key = {};  // zeros if it is not masked
  std::size_t head_bytes = 0;            // where the payload begins
};

// Nothing as long as it is not complete.
std::optional<FrameHead> read_frame_head(Bytes so_far);

void unmask(MutableBytes piece, std::array<std::uint8_t, 4> key, std::size_t offset);

}  // namespace hilo::exercise

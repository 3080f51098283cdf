// SPDX-License-Identifier: MIT
//
// The frame header of RFC 6455 §5.2: read it, judge it, write it. Pure functions, no state.
//
// clang-format off
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-+-+-+-+-------+-+-------------+-------------------------------+
//     |F|R|R|R| opcode|M| length      | extended length, 16 bits if   |
//     |I|S|S|S| (4)   |A| (7)         | length is 126, 64 bits if 127 |
//     |N|V|V|V|       |S|             |                               |
//     | |1|2|3|       |K|             |                               |
//     +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
//     |            masking key, 4 bytes, only if MASK is set          |
//     +---------------------------------------------------------------+
// clang-format on
//
// A header is 2 to 14 bytes and may arrive one byte at a time. parse_header() reads as far as the
// bytes go and says how far that was; check_header() judges what is known, so that a forbidden
// opcode is refused with its first byte and a monstrous length without its payload.

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "ws/core/error.h"
#include "ws/core/mask.h"
#include "ws/core/rfc6455.h"

namespace hilo::ws {

// How much of a header has arrived.
enum class HeaderProgress : std::uint8_t {
  nothing,
  first_byte,   // final, rsv and opcode are known
  second_byte,  // and masked, and the 7-bit length
  length,       // and the whole length
  complete,     // and the masking key, if there is one
};

struct FrameHeader {
  HeaderProgress progress = HeaderProgress::nothing;
  bool final = false;
  std::uint8_t rsv = 0;  // the three reserved bits: 4, 2, 1
  Opcode opcode = Opcode::continuation;
  bool masked = false;
  std::uint8_t length7 = 0;       // as on the wire: 126 and 127 announce an extended length
  std::uint8_t header_bytes = 0;  // of the whole header; known from second_byte on
  MaskKey key{};
  std::uint64_t payload_bytes = 0;
};

// What a header is judged against.
struct FrameRules {
  Role role = Role::server;             // ours: a server wants masked frames, a client unmasked
  bool in_message = false;              // a fragmented message is unfinished
  std::uint64_t payload_bytes_max = 0;  // what this data frame may carry at most
  bool may_compress = false;            // permessage-deflate was negotiated
  // What it may carry if it begins a compressed message, which does not always shrink.
  std::uint64_t compressed_bytes_max = 0;
};

// RSV1 of the first frame of a message: the message is compressed (RFC 7692 §6).
inline constexpr std::uint8_t rsv1 = 4;         // in FrameHeader::rsv
inline constexpr std::uint8_t rsv1_bit = 0x40;  // in the first byte

// Reads the header at the front of `bytes`, as far as they go.
FrameHeader parse_header(Bytes bytes) noexcept;

// Every rule of the RFC about a header, in the order in which its fields arrive. Errc::none if
// nothing known so far breaks one.
Errc check_header(const FrameHeader& header, const FrameRules& rules) noexcept;

// Writes a header and returns its size, at most frame_header_bytes_max. With `key` null the frame
// is not masked. The shortest form of the length is chosen.
std::size_t write_header(std::uint8_t* to, Opcode opcode, bool final, std::uint64_t payload_bytes,
                         const MaskKey* key) noexcept;

// The same for a whole message of a server that is short enough, which is worth no call.
inline constexpr std::size_t short_header_bytes = 2;
inline constexpr std::size_t short_payload_bytes_max = 125;
inline void write_short_header(std::uint8_t* to, Opcode opcode,
                               std::size_t payload_bytes) noexcept {
  to[0] = static_cast<std::uint8_t>(0x80 | static_cast<std::uint8_t>(opcode));
  to[1] = static_cast<std::uint8_t>(payload_bytes);
}

}  // namespace hilo::ws

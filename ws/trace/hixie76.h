// SPDX-License-Identifier: MIT
//
// The handshake and the frames of draft-hixie-thewebsocketprotocol-76 (May 2010), which browsers
// spoke for a year and older texts still show. Kept for the museum: `hilo explain` tells it,
// `hilo serve --hixie76` speaks it, and everybody else refuses it with 400 (catalogue 89).
//
//   client  Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5     digits 4146546015, 5 spaces: 829309203
//           Sec-WebSocket-Key2: 12998 5 Y3 1  .P00       digits 1299853100, 5 spaces: 259970620
//           and behind the head eight bytes: ^n:ds[4U
//   server  behind its head, MD5 of both numbers (32 bits, big-endian) and the eight bytes:
//           8jKS'y:G*Co,Wxa-
//   frames  00 text FF; FF 00 ends the conversation
//
// Why it went: the eight bytes belong to no body that HTTP knows of, so proxies held them back or
// took them for the next request; nothing is masked, so a page could write what looks like a
// request into a cache on the way; a text cannot say how long it is, there is no binary message,
// no fragment, no ping, and no code that tells why it ended. RFC 6455 has one key, and masks.
//
// Pure functions; no socket. One thread at a time.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/base/bytes.h"

namespace hilo::hixie76 {

constexpr std::size_t body_bytes = 8;

// The number that a key hides (§5.2, steps 4 to 8): its digits, as a number, divided by how many
// spaces it has. Nothing if it has no spaces, does not divide, or needs more than 32 bits.
std::optional<std::uint32_t> number_of(std::string_view key) noexcept;

using Answer = std::array<std::uint8_t, 16>;
// Nothing where OpenSSL has no MD5, as under FIPS.
std::optional<Answer> answer_to(std::uint32_t number1, std::uint32_t number2,
                                std::array<std::uint8_t, body_bytes> body) noexcept;

// What stands at the front of a stream.
struct Frame {
  enum class Kind : std::uint8_t {
    incomplete,  // more is needed
    text,
    close,  // FF 00
    wrong,  // anything else; of binary frames, which have a length, nobody ever made use
  };
  Kind kind = Kind::incomplete;
  Bytes text = {};        // UTF-8, if the peer keeps its word
  std::size_t bytes = 0;  // all of the frame
};
// `looked_at`: so many bytes of it were seen in vain before.
Frame read_frame(Bytes all_so_far, std::size_t looked_at = 0) noexcept;

}  // namespace hilo::hixie76

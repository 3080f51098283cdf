// SPDX-License-Identifier: MIT
//
// Engine.IO packets, and what one looks like as one message of a WebSocket.
//
//                  text                       binary (message packets only)
//   revision 4     <type digit><data>         <data>           or, as text,  b<base64>
//   revision 3     <type digit><data>         0x04 <data>      or, as text,  b4<base64>
//
// The forms in base64 are for clients that cannot do binary frames; theirs are read over every
// transport.
//
// Over polling several packets share a body: payload.h.

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "ws/engineio/error.h"

namespace hilo::engineio {

// The EIO parameter: 3 is spoken by Socket.IO 1 and 2, 4 by Socket.IO 3 and 4.
enum class Revision : std::uint8_t { v3 = 3, v4 = 4 };

enum class PacketType : std::uint8_t {
  open,     // the server's first packet: JSON, see session.h
  close,    // the end of the session
  ping,     // revision 4: from the server; revision 3: from the client
  pong,     // the answer
  message,  // the application's
  upgrade,  // the client: everything goes over this WebSocket from now on
  noop,     // frees a waiting poll
};

// One packet. The data is a view into whatever it was decoded from, which may be changed in place.
struct Packet {
  PacketType type = PacketType::noop;
  bool binary = false;  // messages only
  MutableBytes data = {};
};

constexpr char type_digit(PacketType type) noexcept {
  return static_cast<char>('0' + static_cast<int>(type));
}
// What stands in front of a binary message over a WebSocket in revision 3.
inline constexpr std::uint8_t binary_message_byte = 4;

// What stands in front of base64, in revision 3 with the digit of a message behind it.
inline constexpr char base64_mark = 'b';

// One message of a WebSocket as a packet: Errc::none, packet_empty, packet_type, packet_binary or
// packet_base64. Text is taken for UTF-8, which the WebSocket has checked; base64 is overwritten by
// what it says.
[[nodiscard]] Errc decode_text(Revision revision, MutableBytes message, Packet& into) noexcept;
[[nodiscard]] Errc decode_binary(Revision revision, MutableBytes message, Packet& into) noexcept;

// The same, but base64 is left as it is: `is_base64` says that it is the data.
[[nodiscard]] Errc split_text(Revision revision, MutableBytes message, Packet& into,
                              bool& is_base64) noexcept;

}  // namespace hilo::engineio

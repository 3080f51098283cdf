// SPDX-License-Identifier: MIT
//
// The numbers of RFC 6455: opcodes, close codes, and what may be asked of each.
// Constants and pure predicates only.

#pragma once

#include <cstddef>
#include <cstdint>

namespace hilo::ws {

// Which side of the connection we are. Clients mask what they send, servers never do (§5.1).
enum class Role : std::uint8_t { server, client };

// §5.2. The values between and behind these are reserved.
enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

constexpr bool is_control(Opcode opcode) noexcept {
  return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}
constexpr bool is_reserved(Opcode opcode) noexcept {
  const auto value = static_cast<std::uint8_t>(opcode);
  return (value & 0x7) > 2;
}

// §5.5: the payload of a control frame fits into the 7-bit length.
constexpr std::size_t control_payload_bytes_max = 125;
// §5.5.1: what is left of that beside the two bytes of the code.
constexpr std::size_t close_reason_bytes_max = control_payload_bytes_max - 2;
// §5.2: 2 bytes, 8 bytes of extended length, 4 bytes of masking key.
constexpr std::size_t frame_header_bytes_max = 14;

// §7.4.1 and the IANA registry. A close code is any 16-bit number; these have names.
enum class CloseCode : std::uint16_t {
  none = 0,  // no code at all: for those who say an empty Close; its peer hears no_status
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  // never on the wire: the peer's Close carried no code
  abnormal = 1006,   // never on the wire: the connection ended without a Close
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls_handshake = 1015,  // never on the wire
};

// §7.4: may this code stand in a Close frame? 1000-1003, 1007-1014 and 3000-4999.
constexpr bool is_wire_close_code(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace hilo::ws

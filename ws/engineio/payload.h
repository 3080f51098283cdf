// SPDX-License-Identifier: MIT
//
// Several packets in one HTTP body, for polling.
//
//   v4         4hello 0x1e 2 0x1e bAQID        joined by 0x1e; 'b' and base64 for binary data
//   v3_text    6:4hello1:2 8:b4AQID            lengths in UTF-16 units, as JavaScript counts
//   v3_binary  00 06 ff 4hello 01 04 ff 04..   00 text or 01 binary, the decimal digits of the
//                                              length as bytes 0 to 9, ff; lengths in bytes
//
// A body is refused whole or read whole: check_payload() looks at all of it before the first packet
// is handed out.
//
//   time    linear in the size of the body, whatever its lengths say
//   memory  none on the way in: base64 is decoded where it lies. On the way out the output buffer.

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/result.h"
#include "ws/engineio/packet.h"

namespace hilo::engineio {

enum class Framing : std::uint8_t { v4, v3_text, v3_binary };

inline constexpr std::uint8_t payload_separator = 0x1e;

// Errc::none, or the first rule of packets and payloads that the body breaks. Changes nothing.
[[nodiscard]] Errc check_payload(Framing framing, MutableBytes body,
                                 std::uint32_t packets_max) noexcept;

// Reads a body for which check_payload() said none.
//
//   PayloadReader reader{Framing::v4, body};
//   Packet packet;
//   while (reader.next(packet)) ...
class PayloadReader {
 public:
  PayloadReader(Framing framing, MutableBytes body) noexcept : rest_(body), framing_(framing) {}

  // False at the end. The data lies in the body, where base64 is overwritten by what it says.
  bool next(Packet& into) noexcept;

 private:
  MutableBytes rest_;
  Framing framing_;
};

// Appends one packet to a body, with the separator in front if `out` is not empty: it must hold
// nothing but this body. out_of_memory() may leave a part of the packet behind.
Status append_packet(Framing framing, const Packet& packet, Buffer& out) noexcept;

}  // namespace hilo::engineio

// SPDX-License-Identifier: MIT

#include "ws/engineio/packet.h"

#include <optional>

#include "ws/engineio/base64.h"

namespace hilo::engineio {

Errc split_text(Revision revision, MutableBytes message, Packet& into, bool& is_base64) noexcept {
  is_base64 = false;
  if (message.empty()) return Errc::packet_empty;
  if (message[0] == base64_mark) {
    is_base64 = true;
    into = {.type = PacketType::message, .binary = true, .data = message.subspan(1)};
    if (revision == Revision::v4) return Errc::none;
    if (into.data.empty() || into.data[0] != type_digit(PacketType::message)) {
      return Errc::packet_binary;
    }
    into.data = into.data.subspan(1);
    return Errc::none;
  }
  const unsigned type = message[0] - unsigned{'0'};
  if (type > static_cast<unsigned>(PacketType::noop)) return Errc::packet_type;
  into = {.type = static_cast<PacketType>(type), .binary = false, .data = message.subspan(1)};
  return Errc::none;
}

Errc decode_text(Revision revision, MutableBytes message, Packet& into) noexcept {
  bool is_base64 = false;
  const Errc error = split_text(revision, message, into, is_base64);
  if (error != Errc::none || !is_base64) return error;
  const std::optional<std::size_t> size = decode_base64(into.data);
  if (!size) return Errc::packet_base64;
  into.data = into.data.first(*size);
  return Errc::none;
}

Errc decode_binary(Revision revision, MutableBytes message, Packet& into) noexcept {
  into = {.type = PacketType::message, .binary = true, .data = message};
  if (revision == Revision::v4) return Errc::none;
  if (message.empty()) return Errc::packet_empty;
  // Nothing but messages has a binary form that anybody sends.
  if (message[0] != binary_message_byte) return Errc::packet_binary;
  into.data = message.subspan(1);
  return Errc::none;
}

}  // namespace hilo::engineio

// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 11: it looks at all of a body before it reads any of it.

#include "tools/ladder/exercises/11_engineio.h"
#include "ws/engineio/payload.h"

namespace hilo::exercise {
namespace {

Packets split_body(engineio::Framing framing, std::string body) {
  constexpr std::uint32_t packets_max = 1000;
  const MutableBytes bytes{reinterpret_cast<std::uint8_t*>(body.data()), body.size()};
  if (check_payload(framing, bytes, packets_max) != engineio::Errc::none) return std::nullopt;
  std::vector<std::string> packets;
  engineio::PayloadReader reader{framing, bytes};
  for (engineio::Packet packet; reader.next(packet);) {
    packets.push_back(type_digit(packet.type) + std::string(as_text(packet.data)));
  }
  return packets;
}

}  // namespace

Packets split_v4(std::string_view body) {
  return split_body(engineio::Framing::v4, std::string(body));
}
Packets split_v3(std::string_view body) {
  return split_body(engineio::Framing::v3_text, std::string(body));
}

}  // namespace hilo::exercise

// SPDX-License-Identifier: MIT
//
// Our readers and writers of Engine.IO and Socket.IO packets, for packet_parsers.mjs, which holds
// them against those of npm. Each line of standard input is one thing to read, each line of
// standard output what it says, as JSON, or null where a rule is broken:
//
//   4|3|b HEX        a payload of Engine.IO 4, or of 3 as text or as bytes
//   server|client tHEX bHEX ...   the messages of one packet of Socket.IO, text and binary, as that
//                                 side reads them
//
// `again` is what our writer makes of it. Bytes among the values are {"$bytes": HEX}.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "ws/engineio/payload.h"
#include "ws/socketio/decoder.h"
#include "ws/socketio/encoded_packet.h"

namespace {

using namespace hilo;
using socketio::Json;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    bytes += static_cast<char>(std::strtol(std::string(hex.substr(0, 2)).c_str(), nullptr, 16));
  }
  return bytes;
}

std::string to_hex(Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

MutableBytes bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

Json read_payload(engineio::Framing framing, std::string body) {
  constexpr std::uint32_t packets_max = 4096;
  if (check_payload(framing, bytes_of(body), packets_max) != engineio::Errc::none) return nullptr;
  Pool pool;
  Buffer out{pool};
  Json packets = Json::array();
  engineio::PayloadReader reader{framing, bytes_of(body)};
  engineio::Packet packet;
  while (reader.next(packet)) {
    packets.push_back({{"type", static_cast<int>(packet.type)},
                       {"binary", packet.binary},
                       {"data", to_hex(packet.data)}});
    if (!append_packet(framing, packet, out)) std::abort();
  }
  return {{"packets", packets}, {"again", to_hex(out.readable())}};
}

Json shown(const Json& value) {
  if (value.is_binary()) return {{"$bytes", to_hex(Bytes{value.get_binary()})}};
  if (!value.is_structured()) return value;
  Json copy = value;
  for (Json& each : copy) each = shown(each);
  return copy;
}

Json read_packet(socketio::Side side, const std::vector<std::string>& messages) {
  const socketio::PacketLimits limits;
  socketio::Decoder decoder(limits, side);
  socketio::Packet packet;
  bool is_whole = false;
  std::string bytes;  // where the packet may lie
  for (const std::string& message : messages) {
    if (is_whole) return nullptr;
    bytes = from_hex(std::string_view(message).substr(1));
    const socketio::Errc error = message.front() == 'b'
                                     ? decoder.take_binary(as_bytes(bytes), packet, is_whole)
                                     : decoder.take_text(bytes, packet, is_whole);
    if (error != socketio::Errc::none) return nullptr;
  }
  if (!is_whole) return nullptr;
  Json told{{"type", static_cast<int>(packet.head.type)},
            {"nsp", std::string(packet.head.nsp)},
            {"query", std::string(packet.head.query)},
            {"data", shown(packet.data)}};
  if (packet.head.id) told["id"] = *packet.head.id;
  const socketio::EncodedPacket encoded(packet.head, packet.data);
  told["again"] = {to_hex(as_bytes(encoded.text(engineio::Revision::v4).substr(1)))};
  for (const Json::binary_t& each : encoded.attachments()) {
    told["again"].push_back(to_hex(Bytes{each}));
  }
  return told;
}

Json read_line(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string kind;
  words >> kind;
  const std::vector<std::string> rest{std::istream_iterator<std::string>(words), {}};
  if (kind == "server") return read_packet(socketio::Side::server, rest);
  if (kind == "client") return read_packet(socketio::Side::client, rest);
  const std::string body = rest.empty() ? std::string{} : from_hex(rest.front());
  if (kind == "4") return read_payload(engineio::Framing::v4, body);
  if (kind == "3") return read_payload(engineio::Framing::v3_text, body);
  return read_payload(engineio::Framing::v3_binary, body);
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << read_line(line) << '\n';
  return 0;
}

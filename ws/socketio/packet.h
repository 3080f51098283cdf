// SPDX-License-Identifier: MIT
//
// Socket.IO packets, and what one looks like as the text of an Engine.IO message.
//
//   <type digit> [<attachments>-] [</namespace>,] [<ack id>] [JSON]
//
//   0              connect to "/"                    0/news,{"token":"t"}     with auth
//   2["stats",1]   an event                          2/news,7["read",3]       that wants ack 7
//   37[true]       that ack                          51-["file",{"_placeholder":true,"num":0}]
//
// Binary leaves of a value travel behind the text, each as a binary message; a placeholder stands
// where it was taken from. Protocol 5 (Engine.IO 4) and protocol 4 (Engine.IO 3) share this form;
// in the latter a namespace may carry a query ("/news?x=1,") and type 4 is called ERROR.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ws/socketio/error.h"

namespace hilo::socketio {

// How packets are written. Both sides have to be of one mind.
enum class Parser : std::uint8_t {
  json,     // as text, see above: socket.io-parser, the default everywhere
  msgpack,  // as MessagePack (msgpack.h): socket.io-msgpack-parser
};

enum class PacketType : std::uint8_t {
  connect,
  disconnect,
  event,
  ack,
  connect_error,  // a server's alone
  binary_event,
  binary_ack,
};

// What stands in front of the JSON. The views point into the text that was split.
struct PacketHead {
  PacketType type = PacketType::event;
  std::uint32_t attachments = 0;
  std::string_view nsp = "/";            // with its slash
  std::string_view query = {};           // behind its '?'
  std::optional<std::uint64_t> id = {};  // of the acknowledgement, at most id_max
  std::string_view json = {};            // all that is left
};

// The greatest integer that JavaScript can tell from its neighbours.
inline constexpr std::uint64_t id_max = (std::uint64_t{1} << 53) - 1;

struct PacketLimits {
  std::uint32_t attachments_max = 10;
  std::size_t namespace_bytes_max = 256;
  std::size_t event_bytes_max = 256;             // the name of an event
  std::size_t json_depth_max = 64;               // of arrays and objects in each other
  std::size_t attachment_bytes_max = 1'000'000;  // of one packet, all together
};

// Errc::none, or which rule the head breaks. What the JSON is worth is not looked at.
[[nodiscard]] Errc split_packet(std::string_view text, const PacketLimits& limits,
                                PacketHead& into) noexcept;

// A namespace as it stands in a packet: with its slash, and maybe a query. Errc::none or
// packet_namespace.
[[nodiscard]] Errc set_namespace(std::string_view name, const PacketLimits& limits,
                                 PacketHead& into) noexcept;

// Appends what stands in front of the JSON. The namespace "/" is left out; attachments are written
// for the two types that have some.
void write_head(const PacketHead& head, std::string& out);

// Names that mean something to the protocol, and that no peer may use for an event of its own.
bool is_reserved_event(std::string_view name) noexcept;

constexpr bool is_binary(PacketType type) noexcept {
  return type == PacketType::binary_event || type == PacketType::binary_ack;
}

}  // namespace hilo::socketio

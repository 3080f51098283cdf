// SPDX-License-Identifier: MIT
//
// Exercise 12: read what stands in front of the JSON.
//
//     <type digit> [<attachments>-] [</namespace>,] [<ack id>] [JSON]
//
//     2["stats",1]                   an event in the namespace "/"
//     2/chat,7["say","hola"]         one in "/chat", which wants the answer 7
//     3/chat,7["ok"]                 the answer 7
//     0/chat                         connect to "/chat"; with nothing behind it, it needs no comma
//     51-/chat,7["file",...]         an event with one attachment, which follows as binary
//
// Over a WebSocket the last one is 451-/chat,7["file",...]: the 4 is Engine.IO's, and gone by now.
//
//   - The type is a digit from 0 to 6. Attachments are told for 5 and 6, always, and for no other:
//     in 21-["a"] the id is 1, and the rest begins with a minus.
//   - A namespace begins with a slash and ends with a comma, or with the text.
//   - There are at most 10 attachments; an id has at most 53 bits, as JavaScript counts.
//   - All that is left is JSON, and whether it is good JSON is not asked here.
//
//   to know   std::from_chars of <charconv> reads a number, says where it ended, and does not fit a
//             number that is too large into a small one
//   protocol  Socket.IO, revision 5: "Packet encoding"
//   stuck?    ws/socketio/packet.cc, split_packet()

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hilo::exercise {

struct PacketHead {
  char type = '2';
  std::uint32_t attachments = 0;
  std::string nsp = "/";
  std::optional<std::uint64_t> id = {};
  std::string json = {};
};

// Nothing if it breaks one of these rules.
std::optional<PacketHead> read_packet_head(std::string_view text);

}  // namespace hilo::exercise

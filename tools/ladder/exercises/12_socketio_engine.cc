// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 12: socketio::split_packet(), whose views are copied here.

#include "tools/ladder/exercises/12_socketio.h"
#include "ws/socketio/packet.h"

namespace hilo::exercise {

std::optional<PacketHead> read_packet_head(std::string_view text) {
  socketio::PacketHead head;
  if (split_packet(text, {.attachments_max = 10}, head) != socketio::Errc::none)
    return std::nullopt;
  return PacketHead{.type = static_cast<char>('0' + static_cast<int>(head.type)),
                    .attachments = head.attachments,
                    .nsp = std::string(head.nsp),
                    .id = head.id,
                    .json = std::string(head.json)};
}

}  // namespace hilo::exercise

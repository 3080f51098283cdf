// SPDX-License-Identifier: MIT
//
// SharedPacket: an EncodedPacket on its way to many clients of one loop. Each of its messages is
// framed and compressed once, and waits in one place for all who read slowly.
//
//   views    the packet outlives this
//   thread   the loop's

#pragma once

#include <array>
#include <list>
#include <optional>
#include <string_view>

#include "net/base/bytes.h"
#include "ws/encoded_message.h"
#include "ws/engineio/packet.h"
#include "ws/socketio/encoded_packet.h"

namespace hilo::socketio {

class SharedPacket {
 public:
  SharedPacket(const EncodedPacket& packet, bool compress) : packet_(&packet), compress_(compress) {
    for (const Json::binary_t& attachment : packet.attachments()) {
      attachments_.emplace_back(ws::Opcode::binary, Bytes{attachment},
                                ws::SendOptions{.compress = compress});
    }
  }

  // Null with Parser::msgpack.
  ws::EncodedMessage* text(engineio::Revision revision) {
    std::optional<ws::EncodedMessage>& made = texts_[revision == engineio::Revision::v3 ? 1 : 0];
    if (made) return &*made;
    const std::string_view text = packet_->text(revision);
    if (text.empty()) return nullptr;
    return &made.emplace(ws::Opcode::text, as_bytes(text), ws::SendOptions{.compress = compress_});
  }
  std::list<ws::EncodedMessage>& attachments() noexcept { return attachments_; }

 private:
  const EncodedPacket* packet_;
  bool compress_;
  std::array<std::optional<ws::EncodedMessage>, 2> texts_;  // of the revisions 4 and 3
  std::list<ws::EncodedMessage> attachments_;  // which cannot be moved; an empty one owns nothing
};

}  // namespace hilo::socketio

// SPDX-License-Identifier: MIT
//
// EncodedPacket: a packet as it goes out, encoded once for all who get it.
//
// The text begins with the digit of an Engine.IO message, so that it needs no copy on its way to a
// WebSocket. For revision 3 it is ASCII alone: clients of Socket.IO 1 and 2 count what is above it
// differently, and both can read that. With Parser::msgpack there is no text, and one attachment.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ws/engineio/packet.h"
#include "ws/socketio/packet.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

class EncodedPacket {
 public:
  // Of the head, type, nsp and id count. A null `data` is left out. An event or an ack with bytes
  // becomes a binary one.
  EncodedPacket(const PacketHead& head, OwnedJson data, Parser parser = Parser::json);

  // Valid as long as this is. Empty with Parser::msgpack.
  std::string_view text(engineio::Revision revision) const;
  // Whether text() has been asked for it. What several threads read must be.
  bool is_written(engineio::Revision revision) const noexcept {
    return !(revision == engineio::Revision::v3 ? ascii_ : text_).empty();
  }
  std::span<const Json::binary_t> attachments() const noexcept { return attachments_; }
  // Gives the values back: from here on there is the text of revision 4 alone.
  void keep_text_alone();

 private:
  std::string write(bool ascii) const;

  Parser parser_;
  PacketType type_;
  std::string nsp_;
  std::optional<std::uint64_t> id_;
  OwnedJson data_;
  std::vector<Json::binary_t> attachments_;
  mutable std::string text_;  // written when first asked for
  mutable std::string ascii_;
};

}  // namespace hilo::socketio

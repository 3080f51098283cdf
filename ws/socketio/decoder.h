// SPDX-License-Identifier: MIT
//
// Decoder: the messages of one peer, put together to packets.
//
//   decoder.take_text(text, packet)     whole, unless attachments are due: then waiting()
//   decoder.take_binary(bytes, packet)  whole with the last attachment; with Parser::msgpack always
//
// It holds memory only while it is waiting. What it refuses ends the conversation: after an error
// it is not to be called again.
//
//   lifetime  a packet's views are good until the decoder's next call, and as long as the text, or
//             with Parser::msgpack the bytes

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "ws/socketio/packet.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

// The type is never a binary one: bytes are leaves of the data by then.
struct Packet {
  PacketHead head;
  Json data;  // null if there was none

  ~Packet() { dispose(data); }
};

// Who reads. Only a server may refuse with CONNECT_ERROR, and in protocol 4 with any value.
enum class Side : std::uint8_t { server, client, client_v3 };

class Decoder {
 public:
  // The limits must outlive it.
  explicit Decoder(const PacketLimits& limits, Side side = Side::server,
                   Parser parser = Parser::json) noexcept
      : limits_(&limits), side_(side), parser_(parser) {}

  // Errc::none, and `is_whole` says whether there is a packet. The data of an earlier one may lend
  // its memory (plain_json.h).
  [[nodiscard]] Errc take_text(std::string_view text, Packet& into, bool& is_whole);
  [[nodiscard]] Errc take_binary(Bytes bytes, Packet& into, bool& is_whole);
  // For attachments.
  bool waiting() const noexcept { return pending_ != nullptr; }

 private:
  struct Pending {
    std::string text;
    std::vector<Json::binary_t> attachments;
    std::size_t bytes = 0;
    PacketHead head = {};  // of text
  };
  Errc take_msgpack(Bytes message, Packet& into);
  Errc finish(const PacketHead& head, std::span<const Json::binary_t> attachments, Packet& into);

  const PacketLimits* limits_;
  Side side_;
  Parser parser_;
  std::unique_ptr<Pending> pending_;
  std::unique_ptr<Pending> finished_;  // what the last packet points into
};

}  // namespace hilo::socketio

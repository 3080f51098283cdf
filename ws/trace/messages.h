// SPDX-License-Identifier: MIT
//
// MessageReader: what the messages of one direction mean: inflated where they were compressed
// (RFC 7692), and taken for Engine.IO and Socket.IO packets where the connection speaks these.
//
//   memory  one inflated message, of message_bytes_max at most; the window of an Inflater
//   thread  one at a time

#pragma once

#include <cstdint>
#include <optional>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "ws/core/deflate.h"
#include "ws/engineio/packet.h"
#include "ws/trace/frames.h"
#include "ws/trace/part.h"

namespace hilo::trace {

struct MessageOptions {
  std::uint8_t window_bits = ws::window_bits_max;  // of the sender of these messages
  bool context_takeover = true;                    // each message refers to those before it
  std::optional<engineio::Revision> engineio;      // nothing: messages are the application's own
  std::size_t message_bytes_max = std::size_t{1} << 20;
};

class MessageReader {
 public:
  MessageReader(Direction direction, const MessageOptions& options, PartSink& sink);

  // A message of the WebSocket.
  void on_message(const WireMessage& message);
  // A message broke a rule: those behind it have no meaning.
  bool failed() const noexcept { return failed_; }

  // The body of a request or a response of Engine.IO polling.
  void on_payload(MutableBytes body);

 private:
  std::optional<MutableBytes> inflate(const WireMessage& message);
  void tell_message(const WireMessage& message, Bytes content);
  void tell_packet(const engineio::Packet& packet, Place place, Place data);
  void tell_event(std::string_view text, Place place);
  void tell_arguments(std::string_view json);
  void tell(Layer layer, std::uint8_t depth, Place place, std::string_view name, std::string value,
            std::string_view section, std::string_view source, Fault fault = {});

  Direction direction_;
  MessageOptions options_;
  PartSink* sink_;
  Pool pool_;
  ws::DeflateMemory memory_;
  ws::Inflater inflater_;
  Buffer inflated_;
  bool failed_ = false;
  bool window_is_lost_ = false;        // a message was too large, and those behind it refer to it
  std::uint32_t attachments_due_ = 0;  // of the Socket.IO packet before
};

}  // namespace hilo::trace

// SPDX-License-Identifier: MIT
//
// Dialogue: a connection explained from its bytes, layer by layer and in both directions: heads,
// the opening handshake with its accept key, frames, messages, Engine.IO and Socket.IO packets.
//
//   Dialogue dialogue({}, [](const Part& part) { ... });
//   dialogue.feed(Direction::to_server, bytes);   // as they come, in pieces of any size
//   dialogue.feed(Direction::to_client, bytes);
//   dialogue.end(Direction::to_server);
//
// Where it begins is found out, unless the options say it: a first byte that opens an HTTP message
// is taken for one, any other for a frame, so that a frame alone can be explained, or one
// direction. What was agreed on in the handshake (permessage-deflate, Engine.IO by its query) holds
// for what follows; without one the options say it.
//
//   memory  see heads.h, frames.h and messages.h; and `waiting_bytes_max` of what a client sends
//           before its request is answered
//   thread  one at a time
//   errors  none: what is wrong with the bytes is a Part with a Fault

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/base/bytes.h"
#include "ws/core/deflate_negotiation.h"
#include "ws/core/http_head.h"
#include "ws/engineio/packet.h"
#include "ws/trace/hixie76_reader.h"
#include "ws/trace/part.h"

namespace hilo::trace {

struct DialogueOptions {
  // The handshake is over: what comes are frames, whatever they look like, and of these it is
  // known:
  bool upgraded = false;
  std::optional<ws::DeflateParameters> deflate = {};
  std::optional<engineio::Revision> engineio = {};
  std::size_t message_bytes_max = std::size_t{1} << 20;
};

class Dialogue {
 public:
  Dialogue(const DialogueOptions& options, PartSink sink);
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;
  ~Dialogue();

  void feed(Direction direction, Bytes bytes);
  // The stream of that direction has ended; tells what it left unfinished.
  void end(Direction direction);

  // Frames come in that direction, and the next byte begins one.
  bool at_boundary(Direction direction) const noexcept;
  // What the handshake that passed has agreed on, or what the options say.
  const std::optional<ws::DeflateParameters>& deflate() const noexcept { return options_.deflate; }

  static constexpr std::size_t waiting_bytes_max = std::size_t{64} << 10;
  static constexpr std::size_t waiting_answers_max = 1000;

 private:
  struct Side;

  Side& side(Direction direction) noexcept;
  void read(Side& side, Bytes bytes);
  void begin(Side& side, std::uint8_t first);
  void begin_heads(Side& side);
  void begin_frames(Side& side);
  void read_waiting(Side& side);
  bool on_request(const ws::RequestHead& head);
  bool on_response(const ws::ResponseHead& head);
  void tell_accept_key(std::string_view key, std::optional<std::string_view> answer);
  void note_polling(const ws::RequestHead& head);
  void tell_handshake(Direction direction, std::string_view name, std::string value,
                      std::string_view section, std::string_view source, Fault fault = {});

  DialogueOptions options_;
  PartSink sink_;
  std::unique_ptr<Side> to_server_;
  std::unique_ptr<Side> to_client_;
  std::optional<Hixie76Reader> museum_;  // the draft's keys were shown
  std::deque<bool> answers_payload_;     // of the requests that wait for theirs
  std::string key_;                      // of the upgrade request that waits for its answer
  bool asked_ = false;                   // there is one
};

}  // namespace hilo::trace

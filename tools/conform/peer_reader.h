// SPDX-License-Identifier: MIT
//
// PeerReader: from a peer's bytes to what it said: messages, pings, pongs, a Close, and the first
// rule that it broke.
//
// What a peer sends is held to every rule that the cases hold a peer's reading to: the sequence of
// fragments, UTF-8, close codes, RSV1 only where it was agreed on, nothing behind a Close.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/conform/deflate.h"
#include "tools/conform/frame.h"

namespace hilo::tools::conform {

struct Event {
  enum class Kind : std::uint8_t { message, ping, pong, close, violation };
  Kind kind = Kind::message;
  std::uint8_t opcode = op_text;  // of a message: text or binary
  Octets payload;                 // of a Close: the reason; of a violation: which rule
  std::uint16_t code = 0;         // of a Close; 0: it carried none
  std::uint32_t key = 0;          // of a message: the masking key of its last frame
  bool compressed = false;
  std::size_t sends = 0;  // how many sends of the case were complete when it came
};

class PeerReader {
 public:
  explicit PeerReader(bool peer_is_client) : reader_(peer_is_client), is_client_(peer_is_client) {}

  // From now on messages may be compressed.
  void agree(const DeflateTerms& terms);

  void feed(std::string_view octets) { reader_.feed(octets); }
  struct Reading {
    SeenFrame frame;             // for the log
    std::optional<Event> event;  // what it completed, if anything
  };
  // The next frame; nothing after a violation.
  std::optional<Reading> next();
  bool in_frame() const { return reader_.in_frame(); }
  bool in_message() const { return in_message_; }

 private:
  std::string check_sequence(const SeenFrame& frame) const;
  std::optional<Event> take_data(const SeenFrame& frame);
  static Event take_close(const SeenFrame& frame);

  FrameReader reader_;
  bool is_client_;
  std::unique_ptr<Inflater> inflater_;
  bool broken_ = false;
  bool closed_ = false;
  bool in_message_ = false;
  bool compressed_ = false;
  std::uint8_t opcode_ = op_text;
  Octets message_;
};

bool may_be_sent(std::uint16_t close_code);  // RFC 6455 §7.4 and the IANA registry

}  // namespace hilo::tools::conform

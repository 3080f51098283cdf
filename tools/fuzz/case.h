// SPDX-License-Identifier: MIT
//
// A case of the network fuzzer: steps on one or two connections, and what the server may answer to
// each. Cases are data: the grammar (generator.h) makes them from a seed, the player plays them,
// the oracle judges what came back, the minimiser leaves steps and bytes out, and a reproducer is a
// case as a file.
//
// What is expected stands at the step that it is expected of, so that a case without that step is a
// case again.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/conform/octets.h"

namespace hilo::tools::fuzz {

using conform::Octets;

enum class Protocol : std::uint8_t { ws, engineio, socketio };
std::string_view to_string(Protocol protocol);
std::optional<Protocol> find_protocol(std::string_view name);

// legal: breaks no rule, and what is due is known exactly. one_fault: breaks one. noise: anything.
enum class Level : std::uint8_t { legal, one_fault, noise };
std::string_view to_string(Level level);
std::optional<Level> find_level(std::string_view name);

// A message or a pong that a step is answered with.
struct Reply {
  enum class Kind : std::uint8_t { text, binary, pong, begins };
  Kind kind = Kind::text;
  Octets payload;  // begins: a text that begins so
  friend bool operator==(const Reply&, const Reply&) = default;
};

struct Step {
  enum class Kind : std::uint8_t {
    send,           // the bytes, in these pieces
    await_answer,   // an HTTP response, with its body
    await_replies,  // until all replies that are due on this connection have come
    watch,          // for `milliseconds`, unless the server ends it before
    await_end,      // until the server has ended the connection
    half_close,     // our FIN
    reset,          // our RST
  };
  Kind kind = Kind::send;
  std::uint8_t line = 0;  // which connection: 0 or 1. It is made when a step first names it

  Octets bytes;
  std::vector<std::uint32_t> pieces = {};  // sizes of the writes; the last one takes what is left
  std::uint32_t milliseconds = 0;          // send: between the pieces; watch: in all
  std::vector<Reply> replies = {};         // what `bytes` are answered with
  bool closes = false;                     // `bytes` hold our Close
  bool names_sid = false;  // "$SID" in `bytes` stands for the session that the server has opened

  // await_answer: any of these is right; none named: whatever comes. `begins`: of the body.
  std::vector<int> statuses = {};
  Octets begins = {};
  bool or_end = false;  // the end of the connection is right, too
  // await_end: the codes of the server's Close that are right; 0: a Close without one. None named:
  // the end is right with any, and without.
  std::vector<std::uint16_t> codes = {};

  bool spare = false;  // the case means the same without it
  friend bool operator==(const Step&, const Step&) = default;
};

struct Case {
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  Level level = Level::legal;
  Protocol protocol = Protocol::ws;
  std::string name;            // "rsv": of a fault, or of what is legal
  std::string rule;            // of a fault: what it breaks, and where that is said
  std::string catalogue;       // of a fault: its number among the bad inputs
  bool exact = false;          // messages that no step is due are wrong
  bool needs_deflate = false;  // without permessage-deflate there is nothing to play
  std::vector<Step> steps;
  friend bool operator==(const Case&, const Case&) = default;
};

// What a fault's case asks with, when the server has not ended the connection: who answers it has
// accepted the fault.
inline constexpr std::string_view probe_payload = "still there?";

// All bytes of the case, for tests and for comparing.
Octets all_bytes(const Case& subject);

}  // namespace hilo::tools::fuzz

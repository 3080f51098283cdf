// SPDX-License-Identifier: MIT
//
// A case: what is said to the peer, and what it may answer. Cases are data; the files cases_*.cc
// are the tables, conversation.cc plays them, judge.cc compares.
//
// One table serves both roles. A frame is masked when it is sent, according to who we are; where a
// rule binds only servers or only clients, `side` says who is under test.
//
// The peer is expected to echo: every message comes back with its opcode and its payload.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/conform/frame.h"
#include "tools/conform/head.h"
#include "tools/conform/octets.h"

namespace hilo::tools::conform {

enum class Side : std::uint8_t { server, client, both };  // who is under test

// From best to worst; of several, the worst counts.
enum class Verdict : std::uint8_t { ok, informational, unimplemented, non_strict, failed };
std::string_view to_string(Verdict verdict);
Verdict worse(Verdict a, Verdict b);

// A frame, or bytes as they are.
struct Part {
  bool is_frame = true;
  Frame frame;
  Octets raw;

  Part(Frame f) : frame(std::move(f)) {}  // implicit: tables list frames
  static Part bytes(Octets octets) {
    Part part{Frame{}};
    part.is_frame = false;
    part.raw = std::move(octets);
    return part;
  }
};

struct Step {
  enum class Kind : std::uint8_t {
    send,        // the parts, in one write or in pieces
    await,       // until so many replies have come
    watch,       // for a while, whether the peer fails the connection by now
    half_close,  // our FIN, without a Close
  };
  Kind kind = Kind::send;
  std::vector<Part> parts;
  std::size_t piece = 0;    // send: bytes a write; 0: all in one
  std::size_t cut = 0;      // send: a write of so many bytes, then the rest
  std::size_t replies = 0;  // await: in all, since the beginning
};

// A message or a pong that the peer is to send.
struct Reply {
  bool is_pong = false;
  std::uint8_t opcode = op_text;
  Octets payload;
};

// How the connection is to end.
enum class Ending : std::uint8_t {
  we_close,     // Close 1000 from us when all replies are there; the peer answers it
  peer_echoes,  // our Close is among the steps; the peer answers it
  peer_fails,   // the peer fails the connection (§7.1.7)
  dropped,      // we end it without a Close; the peer just lets go
  still_open,   // the peer goes on waiting
};

struct Outcome {
  Verdict verdict = Verdict::ok;
  std::vector<Reply> replies;
  Ending ending = Ending::we_close;
  std::vector<std::uint16_t> codes = {1000};  // of the peer's Close; 0: it may carry none
  std::vector<std::uint16_t> loose_codes;     // accepted as non_strict
  // The peer has to fail before so many sends are complete. 0: at any time.
  std::size_t before_send = 0;
  bool replies_optional = false;  // they may be missing: the peer may see the end first
};

// The opening handshake of a case: our request to a server, or our response to a client.
struct Opening {
  // A request with $PATH, $HOST, $ORIGIN and $KEY to be filled in, and $AND for what a query begins
  // with; a response with $ACCEPT, or with what is nearly that: $SWAPPED, $SHORT, $SPACED, $ECHOED.
  // empty: the ordinary one.
  Octets head;
  // Sec-WebSocket-Extensions to add to the ordinary one. To a client it is our answer; a client
  // has to accept it exactly if it fits what the client offered, and `accepted` and `refused` are
  // of no meaning then.
  std::string offer;
  std::string subprotocols;  // Sec-WebSocket-Protocol likewise
  std::size_t piece = 0;     // bytes a write; 0: all in one
  std::size_t cut_back = 0;  // the last so many bytes in a write of their own
  bool glued = false;        // the first send step leaves in the same write as the head

  Verdict accepted = Verdict::ok;     // if the upgrade takes place
  Verdict refused = Verdict::failed;  // if not, with one of `statuses` (a client: at all)
  std::vector<int> statuses;          // empty: any
  Verdict other_status = Verdict::non_strict;
  Verdict dropped = Verdict::non_strict;  // the connection ends, or nothing comes, without answer
  std::string refusal_names;              // a field that the refusal must carry
  bool bare = false;                      // no head at all
  bool ends_after_head = false;           // our FIN follows the head
  // Of a client's request: the one rule that this case is about; what is wrong, or empty.
  std::string (*check)(const Head& request) = nullptr;
};

// What has to be there for a case to mean anything.
enum class Need : std::uint8_t {
  nothing,
  deflate,              // permessage-deflate is agreed on
  deflate_takeover,     // and the peer keeps its context of what we send
  deflate_no_takeover,  // and the peer does not
};

struct Case {
  std::string id;  // "3.2.7"
  std::string section;
  std::string title;
  Side side = Side::both;
  Need need = Need::nothing;
  Opening opening;
  std::vector<Step> steps;
  std::vector<Outcome> outcomes;  // the first one is what the peer is waited for
  bool distinct_keys = false;     // each message is to be masked with a key of its own

  std::string expectation() const;  // in words, from the outcomes
  std::string sends() const;        // in words, from the steps
};

// --- words for the tables ------------------------------------------------------------------------

Frame text(std::string_view payload, bool final = true);
Frame binary(std::string_view payload, bool final = true);
Frame more(std::string_view payload, bool final = false);  // a continuation
Frame last(std::string_view payload);                      // the final continuation
Frame ping(std::string_view payload = {});
Frame pong(std::string_view payload = {});
Frame close(std::uint16_t code, std::string_view reason = {});
Frame close_with(std::string_view body);
Frame with_rsv(Frame frame, std::uint8_t rsv);
Frame with_opcode(Frame frame, std::uint8_t opcode);

Step send(std::vector<Part> parts);
Step send_in_pieces(std::vector<Part> parts, std::size_t piece);
Step send_cut(std::vector<Part> parts, std::size_t cut);
Step await(std::size_t replies);
Step watch();
Step half_close();

Reply echo(std::string_view payload);
Reply echo_binary(std::string_view payload);
Reply answer(std::string_view pong_payload);

Outcome echoes(std::vector<Reply> replies);
Outcome fails(std::vector<std::uint16_t> codes, std::vector<Reply> replies = {});
Outcome answers_close(std::vector<std::uint16_t> codes, std::vector<Reply> replies = {});
Outcome as(Verdict verdict, Outcome outcome);

}  // namespace hilo::tools::conform

// SPDX-License-Identifier: MIT
//
// Feeds a Session with one stream of bytes, cut in different ways, and writes down what it said:
// however the stream was cut, the transcript has to be the same. What must hold after every single
// call is checked here; the first thing that did not is named in `fault`.
//
// Free of doctest, because the fuzzers use it too.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/pool.h"
#include "tests/support/frames.h"
#include "ws/core/deflate_contexts.h"
#include "ws/core/error.h"
#include "ws/core/frame.h"
#include "ws/core/message.h"
#include "ws/core/rfc6455.h"
#include "ws/core/session.h"

namespace hilo::test {

// An Event whose payload is its own.
struct Seen {
  ws::Event::Kind kind = ws::Event::Kind::need_input;
  ws::Opcode opcode = ws::Opcode::continuation;
  ws::Errc error = ws::Errc::none;
  ws::CloseCode code = ws::CloseCode::no_status;
  std::string payload = {};
  bool operator==(const Seen&) const = default;
};

inline Seen seen_message(ws::Opcode opcode, std::string_view payload) {
  return {.kind = ws::Event::Kind::message, .opcode = opcode, .payload = std::string(payload)};
}
inline Seen seen_text(std::string_view payload) {
  return seen_message(ws::Opcode::text, payload);
}
inline Seen seen_binary(std::string_view payload) {
  return seen_message(ws::Opcode::binary, payload);
}
inline Seen seen_ping(std::string_view payload) {
  return {
      .kind = ws::Event::Kind::ping, .opcode = ws::Opcode::ping, .payload = std::string(payload)};
}
inline Seen seen_pong(std::string_view payload) {
  return {
      .kind = ws::Event::Kind::pong, .opcode = ws::Opcode::pong, .payload = std::string(payload)};
}
inline Seen seen_close(ws::CloseCode code, std::string_view reason = {}) {
  return {.kind = ws::Event::Kind::close,
          .opcode = ws::Opcode::close,
          .code = code,
          .payload = std::string(reason)};
}
inline Seen seen_failure(ws::Errc error) {
  return {.kind = ws::Event::Kind::failure, .error = error, .code = ws::close_code_for(error)};
}

inline Seen seen(const ws::Event& event) {
  return {event.kind, event.opcode, event.error, event.code, std::string(as_text(event.payload))};
}

inline std::string describe(const Seen& event) {
  constexpr std::array<std::string_view, 7> kinds = {"need_input", "message", "chunk",  "ping",
                                                     "pong",       "close",   "failure"};
  return std::string(kinds[static_cast<std::size_t>(event.kind)]) + " opcode " +
         std::to_string(static_cast<int>(event.opcode)) + " error " +
         std::string(ws::rule(event.error).label) + " code " +
         std::to_string(static_cast<int>(event.code)) + " bytes " +
         std::to_string(event.payload.size()) + "; ";
}

struct Transcript {
  std::vector<Seen> events;
  std::string replies;  // as frames without a mask, whatever the role
  bool unfinished = false;
  bool wants_transport_close = false;
  std::string fault;
  bool operator==(const Transcript&) const = default;
};

inline std::string describe(const Transcript& transcript) {
  std::string text;
  for (const Seen& event : transcript.events) text += describe(event);
  return text + "replies " + std::to_string(transcript.replies.size()) + " " + transcript.fault;
}

// Undoes the masks of whole frames of a client. A frame that breaks a rule, or is cut, stays as the
// word "malformed".
inline std::string unmasked_frames(std::string_view frames) {
  std::string result;
  while (!frames.empty()) {
    const ws::FrameHeader header = ws::parse_header(as_bytes(frames));
    const ws::FrameRules rules{.role = ws::Role::server,
                               .in_message = header.opcode == ws::Opcode::continuation,
                               .payload_bytes_max = ~std::uint64_t{0}};
    if (header.progress != ws::HeaderProgress::complete ||
        ws::check_header(header, rules) != ws::Errc::none ||
        header.header_bytes + header.payload_bytes > frames.size()) {
      return result + "malformed";
    }
    const std::string_view payload =
        frames.substr(header.header_bytes, static_cast<std::size_t>(header.payload_bytes));
    result += plain_frame(static_cast<std::uint8_t>(frames[0]), masked(payload, header.key));
    frames.remove_prefix(header.header_bytes + payload.size());
  }
  return result;
}

enum class Way : std::uint8_t {
  whole,
  single_bytes,
  chunks,
  into_space,
  plain_first  // in chunks or more, and next_plain() is asked before next(), as a server does
};
inline constexpr std::array<Way, 5> all_ways = {Way::whole, Way::single_bytes, Way::chunks,
                                                Way::into_space, Way::plain_first};

struct FeedOptions {
  Way way = Way::whole;
  std::uint32_t seed = 1;
  std::size_t chunk_bytes_max = 0;                    // 0: small ones for small streams
  std::size_t close_after = ~std::size_t{0};          // our own Close follows this many events
  std::optional<ws::DeflateParameters> deflate = {};  // what was negotiated
  bool in_chunks = false;  // received so, and written down as the messages they make up
};

class Feed {
 public:
  Feed(ws::Role role, const ws::MessageLimits& limits, Transcript& transcript)
      : shared_{limits, &pool_}, session_(role, shared_), transcript_(&transcript) {}

  void run(std::string_view stream, const FeedOptions& options) {
    if (options.deflate) {
      session_.compress_with(contexts_.make(session_.role(), *options.deflate));
      inflated_bytes_max_ = 2 * shared_.limits.message_bytes_max;
    }
    std::mt19937 random(options.seed);
    close_after_ = options.close_after;
    session_.receive_chunks(options.in_chunks);
    std::size_t chunk_max = options.chunk_bytes_max;
    if (chunk_max == 0) chunk_max = std::max<std::size_t>(stream.size() / 8, 20);
    while (!stream.empty()) {
      std::size_t size = stream.size();
      if (options.way == Way::single_bytes) size = 1;
      // Whole frames are what next_plain() takes.
      const bool rest_at_once = options.way == Way::plain_first && random() % 2 == 0;
      if (options.way != Way::whole && options.way != Way::single_bytes && !rest_at_once) {
        size = std::min(size, 1 + random() % chunk_max);
      }
      const bool taken = options.way == Way::into_space && read_into_space(stream, size);
      if (!taken) read(stream.substr(0, size), options.way == Way::plain_first);
      if (!taken) stream.remove_prefix(size);
    }
    last_view_still_there();
    transcript_->unfinished = session_.unfinished();
    transcript_->wants_transport_close = session_.wants_transport_close();
  }

  ws::Session& session() { return session_; }
  const Pool& pool() const { return pool_; }

 private:
  bool read_into_space(std::string_view& stream, std::size_t size) {
    last_view_still_there();
    const MutableBytes space = session_.receive_space(stream.size());
    last_ = {};
    if (space.empty()) return false;
    demand(space.size() <= std::max<std::size_t>(arrived_, 1), "space for more than has arrived");
    size = std::min(size, space.size());
    std::memcpy(space.data(), stream.data(), size);
    stream.remove_prefix(size);
    arrived_ += size;
    take(session_.commit(size));
    return true;
  }

  // Each piece lies in a block of exactly its size, so that AddressSanitizer sees a step beyond.
  void read(std::string_view piece, bool plain_first) {
    last_view_still_there();
    arrived_ += piece.size();
    std::vector<std::uint8_t> block(piece.begin(), piece.end());
    MutableBytes input = block;
    while (true) {
      last_view_still_there();
      const ws::Event event = plain_first ? next_plain_first(input) : session_.next(input);
      if (!take(event)) break;
    }
    demand(input.empty(), "input was left over");
    block_.swap(block);
  }

  ws::Event next_plain_first(MutableBytes& input) {
    const ws::Session::Plain message = session_.next_plain(input);
    if (!message) return session_.next(input);
    return {
        .kind = ws::Event::Kind::message, .opcode = message.opcode, .payload = message.payload()};
  }

  bool take(const ws::Event& event) {
    last_ = event.payload;
    last_copy_.assign(as_text(event.payload));
    if (event.kind == ws::Event::Kind::chunk) return take_chunk(event);
    demand(pool_.taken_bytes() <= 2 * arrived_ + 4096 + inflated_bytes_max_,
           "more memory than twice what arrived");
    demand(pool_.taken_bytes() == session_.held_bytes(),
           "memory that the session does not tell of");
    demand(event || session_.unfinished() || session_.held_bytes() == 0, "memory of nothing");
    demand(session_.assembled_bytes() <= assembled_bytes_max(), "assembled over the limit");
    demand(session_.is_open() || event.kind != ws::Event::Kind::message, "message after the end");
    if (!event) return false;
    demand(!ended_, "an event after the last one");
    ended_ = event.kind == ws::Event::Kind::failure || event.kind == ws::Event::Kind::close;
    transcript_->events.push_back(seen(event));
    if (transcript_->events.size() == close_after_) close();
    take_replies();
    return true;
  }

  // Nothing is held of a message that is handed on as it comes, and the whole is the sum.
  bool take_chunk(const ws::Event& event) {
    demand(session_.is_open() && !ended_, "a chunk after the end");
    demand(session_.assembled_bytes() == 0 || inflated_bytes_max_ != 0, "a chunk was held");
    demand(event.first == !in_message_, "first is not first");
    demand(event.final || !event.payload.empty(), "a chunk of nothing");
    demand(event.first || event.opcode == message_.opcode, "the opcode changed");
    in_message_ = !event.final;
    if (event.first) message_ = seen_message(event.opcode, {});
    message_.payload += as_text(event.payload);
    if (event.final) {
      transcript_->events.push_back(message_);
      if (transcript_->events.size() == close_after_) close();
    }
    take_replies();
    return true;
  }

  void close() {
    if (session_.role() == ws::Role::server) {
      say(session_.close(ws::CloseCode::going_away, "bye"));
      return;
    }
    Pool pool;
    Buffer out(pool);
    const Status status = session_.close(ws::CloseCode::going_away, "bye", example_key, out);
    demand(static_cast<bool>(status), "no memory for our Close");
    const Buffer& frames = out;
    transcript_->replies += unmasked_frames(as_text(frames.readable()));
  }

  void say(const ws::Outgoing& outgoing) {
    for (const Bytes slice : outgoing.slices()) transcript_->replies += as_text(slice);
  }

  void take_replies() {
    if (session_.role() == ws::Role::server) {
      say(session_.take_replies());
    } else {
      Pool pool;
      Buffer out(pool);
      demand(static_cast<bool>(session_.take_replies(example_key, out)), "no memory for replies");
      const Buffer& frames = out;
      transcript_->replies += unmasked_frames(as_text(frames.readable()));
    }
    demand(!session_.has_replies(), "a reply was left over");
  }

  void last_view_still_there() {
    demand(as_text(last_) == last_copy_.substr(0, last_.size()),
           "a view changed before the next call");
  }

  void demand(bool condition, std::string_view what) {
    if (!condition && transcript_->fault.empty()) transcript_->fault = what;
  }

  std::size_t assembled_bytes_max() const {
    return inflated_bytes_max_ != 0 ? shared_.limits.compressed_bytes_max()
                                    : shared_.limits.message_bytes_max;
  }

  Pool pool_;
  ws::DeflateCounters counters_;
  ws::DeflateContexts contexts_{{.enabled = true}, ws::DeflateMemory::unlimited, counters_};
  std::size_t inflated_bytes_max_ = 0;
  ws::Session::Shared shared_;
  ws::Session session_;
  Transcript* transcript_;
  std::size_t arrived_ = 0;
  bool ended_ = false;
  bool in_message_ = false;
  Seen message_;  // as far as its chunks have arrived
  std::size_t close_after_ = 0;
  std::vector<std::uint8_t> block_;  // the last piece, which views may show
  Bytes last_;
  std::string last_copy_;
};

inline Transcript feed(ws::Role role, const ws::MessageLimits& limits, std::string_view stream,
                       const FeedOptions& options = {}) {
  Transcript transcript;
  Feed(role, limits, transcript).run(stream, options);
  return transcript;
}

}  // namespace hilo::test

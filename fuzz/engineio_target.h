// SPDX-License-Identifier: MIT
//
// What the targets of both Engine.IO revisions do. The first byte says what the rest is:
//
//   even   a payload (and one message of a WebSocket): read, written again, read again
//   odd    calls of a session, one byte each: what it accepts comes out once, in order, over
//          whichever transport, and nothing of it is lost before the session ends

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/base/check.h"
#include "net/base/pool.h"
#include "ws/engineio/payload.h"
#include "ws/engineio/session.h"

namespace hilo::engineio::fuzz {

struct Read {
  PacketType type;
  bool binary;
  std::string data;
  bool operator==(const Read&) const = default;
};

inline Read copy(const Packet& packet) {
  return {packet.type, packet.binary, std::string(as_text(packet.data))};
}
inline MutableBytes bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

inline std::vector<Read> read_all(Framing framing, std::string body) {
  std::vector<Read> all;
  PayloadReader reader{framing, bytes_of(body)};
  Packet packet;
  while (reader.next(packet)) all.push_back(copy(packet));
  return all;
}

inline void check_payloads(Framing framing, std::string body) {
  const std::string before = body;
  const Errc error = check_payload(framing, bytes_of(body), 64);
  HILO_CHECK(body == before);
  if (error != Errc::none) return;
  const std::vector<Read> packets = read_all(framing, body);
  HILO_CHECK(!packets.empty() && packets.size() <= 64);
  Pool pool;
  Buffer out{pool};
  for (Read each : packets) {
    HILO_CHECK(!each.binary || each.type == PacketType::message);
    HILO_CHECK(append_packet(framing, {each.type, each.binary, bytes_of(each.data)}, out));
  }
  const std::string written{as_text(Bytes{out.readable()})};
  HILO_CHECK(check_payload(framing, bytes_of(body = written), 64) == Errc::none);
  HILO_CHECK(read_all(framing, written) == packets);
}

inline void check_messages(Revision revision, std::string message) {
  Packet packet;
  std::string text = message;
  if (decode_text(revision, bytes_of(text), packet) == Errc::none) {
    HILO_CHECK(packet.data.size() < message.size());
    HILO_CHECK(!packet.binary || packet.type == PacketType::message);
  }
  if (decode_binary(revision, bytes_of(message), packet) == Errc::none) {
    HILO_CHECK(packet.binary && packet.type == PacketType::message);
  }
}

// A session, and what its client has seen of the numbers that were sent to it.
class SessionModel {
 public:
  explicit SessionModel(Revision revision) {
    options_.queue_bytes_max = 512;
    session_.emplace(pool_, options_, Session::Start{.revision = revision}, now_);
  }

  void step(std::uint8_t byte) {
    Session& session = *session_;
    const bool was_open = session.is_open();
    const Transport before = session.transport();
    switch (byte & 0x0F) {
      case 0: send(byte >= 0x80); break;
      case 1: poll(); break;
      case 2: answer(); break;
      case 3: posting_ = session.begin_post() == Errc::none || posting_; break;
      case 4: end_post(); break;
      case 5: probing_ = session.begin_probe(now_) == Errc::none || probing_; break;
      case 6: probe({.type = PacketType::ping, .data = bytes_of(probe_text_)}); break;
      case 7: probe({.type = PacketType::upgrade}); break;
      case 8: end_probe(); break;
      case 9: expire(net::Duration::milliseconds(byte >> 4)); break;
      case 10: expire(net::Duration::seconds(byte >> 4)); break;
      case 11: receive(static_cast<PacketType>((byte >> 4) % 7)); break;
      case 12: drain(); break;
      case 13: session.close(now_); break;
      case 14: session.drop_poll(); break;
      case 15:
        if (byte >= 0xF0) session.end(PacketType::close);
        break;
      default: break;
    }
    HILO_CHECK(session.is_open() ? was_open : true);
    HILO_CHECK(before == Transport::polling || session.transport() == Transport::websocket);
    HILO_CHECK(session.queue().size_bytes() <= options_.queue_bytes_max + 16);
    // Whoever is heard of no more has a deadline, or is closed.
    const bool is_closed = session.state() == Session::State::closed;
    HILO_CHECK(is_closed || session.deadline() < net::Time{} + net::Duration::seconds(1'000'000));
  }

  // All that was accepted and not taken away by the end is still there.
  void finish() {
    if (!session_->is_open()) return;
    answer();
    drain();
    if (session_->transport() == Transport::websocket) HILO_CHECK(seen_ == sent_);
  }

 private:
  void send(bool binary) {
    const std::string number = std::to_string(sent_);
    if (session_->send(binary, as_bytes(number))) ++sent_;
  }
  void see(const Packet& packet) {
    if (packet.type != PacketType::message) return;
    HILO_CHECK(as_text(packet.data) == std::to_string(seen_));
    ++seen_;
  }
  void poll() {
    if (session_->state() != Session::State::closed) {
      static_cast<void>(session_->begin_poll());
    }
  }
  void answer() {
    if (!session_->poll_is_due()) return;
    Buffer body{pool_};
    bool is_binary = false;
    HILO_CHECK(session_->write_poll(body, is_binary, now_));
    const Framing text = session_->revision() == Revision::v4 ? Framing::v4 : Framing::v3_text;
    const Framing framing = is_binary ? Framing::v3_binary : text;
    HILO_CHECK(check_payload(framing, body.readable(), 4096) == Errc::none);
    PayloadReader reader{framing, body.readable()};
    Packet packet;
    while (reader.next(packet)) see(packet);
    HILO_CHECK(!session_->poll_waits());
  }
  // Over the WebSocket.
  void drain() {
    if (session_->transport() != Transport::websocket) return;
    PacketQueue& queue = session_->queue();
    for (; !queue.empty() && session_->is_open(); queue.pop()) see(queue.front());
  }
  void end_post() {
    if (!posting_) return;
    posting_ = false;
    if (session_->end_post()) probing_ = false;
  }
  void probe(Packet packet) {
    if (!probing_ || !session_->is_probing()) return;
    using Kind = Reaction::Kind;
    const Kind kind = session_->receive_probe(packet, now_).kind;
    if (kind == Kind::failed) end_probe();
    if (kind == Kind::upgraded) probing_ = false;
  }
  void end_probe() {
    session_->end_probe();
    probing_ = false;
  }
  void receive(PacketType type) {
    const Reaction reaction = session_->receive({.type = type}, now_);
    using Kind = Reaction::Kind;
    if (reaction.kind == Kind::failed || reaction.kind == Kind::ended) {
      session_->end(PacketType::noop);
    }
  }
  void expire(net::Duration passed) {
    now_ = now_ + passed;
    using Expired = Session::Expired;
    for (int i = 0; i < 4; ++i) {
      const Expired expired = session_->expire(now_);
      if (expired == Expired::nothing) return;
      if (expired == Expired::silence) session_->end(PacketType::close);
      if (expired == Expired::probe) probing_ = false;
    }
    HILO_CHECK(false);
  }

  Pool pool_;
  Options options_;
  net::Time now_{};
  std::optional<Session> session_;
  std::string probe_text_ = "probe";
  unsigned sent_ = 0;
  unsigned seen_ = 0;
  bool posting_ = false;
  bool probing_ = false;
};

inline void run_session(Revision revision, Bytes calls) {
  SessionModel model{revision};
  for (const std::uint8_t byte : calls) model.step(byte);
  model.finish();
}

}  // namespace hilo::engineio::fuzz

// SPDX-License-Identifier: MIT

#include "net/observed_transport.h"

#include <doctest/doctest.h>

#include <string>

#include "net/tls.h"
#include "tests/support/stream_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::test;

namespace {

// Writes down what it is shown; what it was told to, it changes or holds back.
class Notes final : public WireObserver {
 public:
  void on_begin(ObservedTransport& begun) noexcept override {
    transport = &begun;
    if (tells_moves) events += "begin;";
  }
  void on_leave() noexcept override { events += "leave;"; }
  void on_read(const Io& io, MutableBytes bytes) noexcept override {
    if (io.kind == Io::Kind::end) events += "end;";
    if (io.kind == Io::Kind::failed) events += "failed;";
    if (io.kind == Io::Kind::done) events += "read " + std::string(as_text(bytes)) + ";";
    if (spoils && !bytes.empty()) bytes[0] = '#';
  }
  void on_write(const Io& io, std::span<const Bytes> slices) noexcept override {
    if (io.kind != Io::Kind::done) return;
    std::size_t left = io.bytes;
    for (const Bytes slice : slices) {
      const Bytes taken = slice.first(std::min(left, slice.size()));
      written += as_text(taken);
      left -= taken.size();
    }
    CHECK(left == 0);
  }
  void on_tls(const TlsNote& note) noexcept override {
    constexpr std::string_view kinds[] = {"record", "inner type", "message", "alert"};
    std::string& told = note.sent ? tls_sent : tls_received;
    told += kinds[static_cast<std::size_t>(note.kind)];
    told += ' ' + std::to_string(note.bytes[note.kind == TlsNote::Kind::alert ? 1 : 0]) + ';';
    if (note.sent && note.kind == TlsNote::Kind::alert) events += "alert;";
  }
  void on_shutdown() noexcept override { events += "shutdown;"; }
  std::size_t may_write(std::size_t bytes) noexcept override { return std::min(bytes, allowed); }
  void on_gone() noexcept override { events += "gone;"; }

  ObservedTransport* transport = nullptr;
  std::string events;
  std::string written;
  std::string tls_sent;  // kinds of notes, and their first bytes; of alerts the second
  std::string tls_received;
  std::size_t allowed = std::size_t{1} << 30;
  bool spoils = false;
  bool tells_moves = false;
};

}  // namespace

TEST_CASE("an observer is shown what a stream reads and writes, and how it ends, once") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    const auto notes = std::make_shared<Notes>();
    CHECK(pair.a->stream->observer() == nullptr);
    REQUIRE(pair.a->stream->observe(notes));
    CHECK(pair.a->stream->observer() == notes.get());
    REQUIRE(pair.b->stream->write(as_bytes("question")));
    REQUIRE(turn_until(loop, [&] { return pair.a->received == "question"; }));
    const std::string large(300'000, 'x');
    REQUIRE(pair.a->stream->write(as_bytes("answer")));
    REQUIRE(pair.a->stream->write(as_bytes(large)));
    REQUIRE(turn_until(loop, [&] { return pair.b->received.size() == 300'006; }));
    CHECK(notes->written == "answer" + large);
    pair.b->stream->shutdown_write();
    REQUIRE(turn_until(loop, [&] { return notes->events.ends_with("end;"); }));
    pair.a->stream->shutdown_write();
    REQUIRE(turn_until(loop, [&] { return notes->events.ends_with("shutdown;"); }));
    pair.a->stream->close();
    settle(loop);
    CHECK(notes->events == "read question;end;shutdown;gone;");
  }
}

TEST_CASE("what an observer changes is what the stream reads") {
  Loop loop;
  PeerPair pair(loop, Kind::tcp);
  const auto notes = std::make_shared<Notes>();
  notes->spoils = true;
  REQUIRE(pair.a->stream->observe(notes));
  REQUIRE(pair.b->stream->write(as_bytes("abc")));
  REQUIRE(turn_until(loop, [&] { return pair.a->received.size() == 3; }));
  CHECK(pair.a->received == "#bc");
}

TEST_CASE("what an observer holds back waits in the queue until it is released") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    const auto notes = std::make_shared<Notes>();
    REQUIRE(pair.a->stream->observe(notes));
    notes->allowed = 0;
    REQUIRE(pair.a->stream->write(as_bytes("0123456789")));
    settle(loop);
    CHECK(pair.a->stream->queued_bytes() == 10);
    CHECK(notes->written.empty());
    // Reading goes on meanwhile.
    REQUIRE(pair.b->stream->write(as_bytes("b")));
    REQUIRE(turn_until(loop, [&] { return pair.a->received == "b"; }));
    notes->allowed = 10;
    notes->transport->release();
    REQUIRE(turn_until(loop, [&] { return pair.b->received == "0123456789"; }));
    CHECK(pair.a->stream->queued_bytes() == 0);
    notes->transport->release();  // of nothing
    settle(loop);
  }
}

TEST_CASE("a reset is shown, and a stream that is destroyed unasked ends its observer") {
  Loop loop;
  const auto notes = std::make_shared<Notes>();
  {
    PeerPair pair(loop, Kind::tcp);
    REQUIRE(pair.a->stream->observe(notes));
    pair.b->stream->abort();
    REQUIRE(turn_until(loop, [&] { return notes->events.find("failed;") != std::string::npos; }));
  }
  CHECK(notes->events.ends_with("gone;"));
  CHECK(notes.use_count() == 1);
}

TEST_CASE(
    "a stream that moves to another loop takes its observer along, and it may be another's turn") {
  Loop first;
  Loop second;
  PeerPair pair(first, Kind::tcp);
  const auto notes = std::make_shared<Notes>();
  notes->tells_moves = true;
  REQUIRE(pair.a->stream->observe(notes));
  Stream::Parts parts = pair.a->stream->take_apart();
  CHECK(notes->events == "begin;leave;");
  Peer moved(second, std::move(parts.transport), std::move(parts.fd));
  CHECK(notes->events == "begin;leave;begin;");
  CHECK(&notes->transport->stream() == moved.stream.get());
  const auto others = std::make_shared<Notes>();
  REQUIRE(moved.stream->observe(others));
  CHECK(notes->events == "begin;leave;begin;gone;");
  REQUIRE(pair.b->stream->write(as_bytes("abc")));
  REQUIRE(turn_until(first, [&] { return pair.b->stream->made_progress(); }));
  REQUIRE(turn_until(second, [&] { return moved.received == "abc"; }));
  CHECK(others->events == "read abc;");
}

TEST_CASE(
    "who observes TLS from the start hears of each record, message and alert, on both sides") {
  Loop loop;
  const auto server_context = tls::ServerContext::create({.self_signed = true});
  const auto client_context = tls::ClientContext::create({.insecure = true});
  REQUIRE(server_context);
  REQUIRE(client_context);
  auto [near, far] = connected_sockets(Kind::tcp);
  const int near_fd = near.value();
  const int far_fd = far.value();
  Peer client(loop, (*client_context)->connect(near_fd, "hilo.test"), std::move(near));
  Peer server(loop, (*server_context)->accept(far_fd), std::move(far));
  const auto client_notes = std::make_shared<Notes>();
  const auto server_notes = std::make_shared<Notes>();
  REQUIRE(client.stream->observe(client_notes));
  REQUIRE(server.stream->observe(server_notes));
  client.write("question");
  REQUIRE(turn_until(loop, [&] { return server.received == "question"; }));
  server.write("answer");
  REQUIRE(turn_until(loop, [&] { return client.received == "answer"; }));
  // A ClientHello (1), then Finished (20) and what is said, encrypted as application data (23).
  const std::string& sent = client_notes->tls_sent;
  CHECK(sent.starts_with("record 22;message 1;"));
  CHECK(sent.ends_with("record 23;inner type 23;"));
  CHECK(sent.find("record 23;inner type 22;message 20;") != std::string::npos);
  CHECK(client_notes->tls_received.starts_with("record 22;message 2;"));
  CHECK(client_notes->tls_received.find("message 8;") != std::string::npos);
  CHECK(server_notes->tls_received.starts_with("record 22;message 1;"));
  CHECK(server_notes->tls_received.ends_with("record 23;inner type 23;"));

  // Another observer hears of what follows, and the one before of nothing more.
  const auto others = std::make_shared<Notes>();
  REQUIRE(client.stream->observe(others));
  const std::string before = client_notes->tls_sent;
  client.stream->shutdown_write();
  REQUIRE(turn_until(loop, [&] { return server_notes->events.ends_with("end;"); }));
  CHECK(client_notes->tls_sent == before);
  CHECK(others->tls_sent == "record 23;inner type 21;alert 0;");
  CHECK(others->events == "alert;shutdown;");  // close_notify, and FIN behind it
  CHECK(server_notes->tls_received.ends_with("record 23;inner type 21;alert 0;"));
}

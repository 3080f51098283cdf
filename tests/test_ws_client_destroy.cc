// SPDX-License-Identifier: MIT
//
// A client that is destroyed from within each of its own callbacks: the callback runs to its end
// with all that it captured, its connection can still be asked, on_close comes if it is owed and
// nothing after it, and a turn later nothing is left.

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/raw_server.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/core/http_head.h"

using namespace hilo;
using namespace hilo::test;

namespace {

// Many of them are more than any kernel holds.
const std::string large(20'000, 'x');

ws::ClientOptions options_of(ws::Overflow overflow, ws::LogSink log) {
  ws::ClientOptions options;
  options.limits.queue_bytes_max = 64 << 10;
  options.limits.overflow = overflow;
  options.log = std::move(log);
  return options;
}

// A client with a handler for everything, of which the one that is named destroys it.
class Doomed {
 public:
  Doomed(net::Loop& loop, std::string_view where, ws::Overflow overflow = ws::Overflow::drop)
      : where_(where), captured_(std::make_shared<std::string>("captured")) {
    client = std::make_unique<ws::Client>(
        loop, options_of(overflow, [this, held = captured_](ws::LogLevel, std::string_view line) {
          const std::string kept(line);
          reach("log");
          CHECK(line == kept);
          CHECK(*held == "captured");
        }));
    hear();
  }

  void reach(std::string_view here) {
    if (reached) after_end = true;
    if (here != where_ || !client) return;
    reached = true;
    captured_.reset();
    client.reset();
    if (here != "close") after_end = false;
  }
  // What a callback may still do with its connection.
  void use(ws::Connection& c) {
    if (!reached) return;
    CHECK_FALSE(c.is_open());
    CHECK(c.is_gone());
    CHECK(c.send_text("too late") == ws::Sent::closed);
    CHECK(c.send_fragment(ws::Opcode::text, {}, true) == ws::Sent::closed);
    CHECK_FALSE(c.ping());
    CHECK_FALSE(c.close());
    c.abort();
    c.pause();
    c.resume();
    CHECK(c.path() == "/chat");
    CHECK(c.buffered_bytes() == c.buffered_bytes());
    CHECK(c.held_bytes() == c.held_bytes());
  }

  std::unique_ptr<ws::Client> client;
  bool in_chunks = false;
  bool reached = false;
  bool after_end = false;  // something was called behind what destroyed it
  int opened = 0;
  int closed = 0;
  int failed = 0;

 private:
  void hear() {
    client->on_open([this, held = captured_](ws::Connection& c) {
      ++opened;
      reach("open");
      use(c);
      CHECK(*held == "captured");
    });
    client->on_message([this, held = captured_](ws::Connection& c, ws::Message m) {
      const std::string text(m.text());
      if (text == "flood") {
        for (int i = 0; i < 1000 && !reached; ++i) c.send_text(large);
      }
      if (text == "ping") CHECK(c.ping());
      reach("message");
      CHECK(m.text() == text);
      use(c);
      CHECK(*held == "captured");
    });
    client->on_pong([this, held = captured_](ws::Connection& c, Bytes) {
      reach("pong");
      use(c);
      CHECK(*held == "captured");
    });
    client->on_drained([this, held = captured_](ws::Connection& c) {
      reach("drained");
      use(c);
      CHECK(*held == "captured");
    });
    client->on_dropped([this, held = captured_](ws::Connection& c, ws::Opcode, Bytes payload) {
      reach("dropped");
      CHECK((as_text(payload) == large));
      use(c);
      CHECK(*held == "captured");
    });
    client->on_close([this, held = captured_](ws::Connection& c, ws::CloseInfo) {
      ++closed;
      reach("close");
      use(c);
      CHECK(*held == "captured");
    });
    client->on_failed([this, held = captured_](std::error_code) {
      ++failed;
      ws::Client* const raw = client.get();
      const ws::ResponseHead* const response = raw->response();
      reach("failed");
      if (response != nullptr) CHECK(response->status == 404);
      CHECK(*held == "captured");
    });
  }

  std::string_view where_;
  std::shared_ptr<std::string> captured_;
};

// What the server does so that the handler is called.
struct Way {
  std::string_view where;
  std::string answer;  // instead of the 101
  std::string bytes;   // behind it
  ws::Overflow overflow = ws::Overflow::drop;
};

const std::vector<Way>& all_ways() {
  static const std::vector<Way> ways = {
      {"open", {}, server_frame(0x81, "never seen")},
      {"message", {}, server_frame(0x81, "hello") + server_frame(0x81, "never seen")},
      {"message", {}, server_frame(0x01, "hel") + server_frame(0x80, "lo") + "\x89"},
      {"pong", {}, server_frame(0x81, "ping") + server_frame(0x8A, "") + server_frame(0x89, "")},
      {"drained", {}, server_frame(0x81, "flood")},
      {"dropped", {}, server_frame(0x81, "flood")},
      {"log", {}, server_frame(0x81, "flood"), ws::Overflow::close},
      {"log", {}, server_frame(0x83, "no such opcode") + server_frame(0x81, "never seen")},
      {"close", {}, server_frame(0x88, close_body(1000))},
      {"close", {}, server_frame(0x83, "no such opcode")},
      {"failed", "HTTP/1.1 404 Not Found\r\n\r\n", {}},
      {"log", "HTTP/1.1 404 Not Found\r\n\r\n", {}},
  };
  return ways;
}

}  // namespace

TEST_CASE("a client may be destroyed in every one of its callbacks") {
  for (const Way& way : all_ways()) {
    CAPTURE(way.where);
    CAPTURE(way.answer);
    net::Loop loop;
    RawServer server;
    Doomed doomed(loop, way.where, way.overflow);
    REQUIRE(doomed.client->connect({.url = server.url("/chat")}));
    REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
    server.send((way.answer.empty() ? server.good_answer() : way.answer) + way.bytes);
    const bool hangs_up = way.where == "close";
    REQUIRE(turn_until(loop, [&] {
      if (way.where != "log") server.poll();
      if (hangs_up && (server.ended || !server.received.empty())) server.finish_sending();
      return doomed.reached;
    }));
    // The turn after the one of the callback.
    for (int i = 0; i < 3; ++i) REQUIRE(loop.run_once(net::Duration{}));
    CHECK(doomed.closed == doomed.opened);
    CHECK(doomed.failed == (way.where == "failed" ? 1 : 0));
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
    CHECK(loop.pool().taken_bytes() == 0);
    REQUIRE(turn_until(loop, [&] {
      server.poll();
      return server.ended || server.was_reset;
    }));
  }
}

TEST_CASE("a chunk is the last of a client that is destroyed there") {
  net::Loop loop;
  RawServer server;
  ws::Client* client = nullptr;
  auto owned = std::make_unique<ws::Client>(loop);
  client = owned.get();
  int chunks = 0;
  int closed = 0;
  client->on_chunk([&](ws::Connection& c, ws::Chunk chunk) {
    ++chunks;
    owned.reset();
    CHECK(as_text(chunk.bytes) == "first");
    CHECK(c.is_gone());
  });
  client->on_close([&](ws::Connection&, ws::CloseInfo) { ++closed; });
  REQUIRE(client->connect({.url = server.url()}));
  REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
  server.send(server.good_answer() + server_frame(0x01, "first") + server_frame(0x80, "second"));
  REQUIRE(turn_until(loop, [&] { return closed == 1; }));
  settle(loop);
  CHECK(chunks == 1);
  CHECK(loop.watched_count() == 0);
}

TEST_CASE("a loop may go without another turn after a client was destroyed in a callback") {
  for (const Way& way : all_ways()) {
    CAPTURE(way.where);
    RawServer server;
    auto loop = std::make_unique<net::Loop>();
    Doomed doomed(*loop, way.where, way.overflow);
    REQUIRE(doomed.client->connect({.url = server.url("/chat")}));
    REQUIRE(turn_until(*loop, [&] { return server.take_request(); }));
    server.send((way.answer.empty() ? server.good_answer() : way.answer) + way.bytes);
    REQUIRE(turn_until(*loop, [&] {
      if (way.where != "log") server.poll();
      if (way.where == "close" && (server.ended || !server.received.empty())) {
        server.finish_sending();
      }
      return doomed.reached;
    }));
    loop.reset();
    CHECK(doomed.closed == doomed.opened);
  }
}

TEST_CASE("a client that is destroyed while another of its callbacks runs around it") {
  net::Loop loop;
  RawServer server;
  auto client = std::make_unique<ws::Client>(loop, options_of(ws::Overflow::drop, nullptr));
  int dropped = 0;
  int closed = 0;
  // on_dropped runs within send(), which runs within on_message.
  client->on_message([&](ws::Connection& c, ws::Message m) {
    for (int i = 0; i < 1000 && dropped == 0; ++i) c.send_text(large);
    CHECK(m.text() == "flood");
    CHECK(c.is_gone());
  });
  client->on_dropped([&](ws::Connection&, ws::Opcode, Bytes) {
    ++dropped;
    client.reset();
  });
  client->on_close([&](ws::Connection& c, ws::CloseInfo) {
    ++closed;
    CHECK_FALSE(c.is_open());
  });
  REQUIRE(client->connect({.url = server.url()}));
  REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
  server.send(server.good_answer() + server_frame(0x81, "flood"));
  REQUIRE(turn_until(loop, [&] { return dropped == 1; }));
  settle(loop);
  CHECK(closed == 1);
  CHECK(loop.watched_count() == 0);
  CHECK(loop.pool().taken_bytes() == 0);
}

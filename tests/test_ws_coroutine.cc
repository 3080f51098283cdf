// SPDX-License-Identifier: MIT
//
// Conversations in coroutines over real sockets: no message is lost, none is held without a bound,
// every end is heard once and leaves no coroutine behind, an exception costs its connection alone.

#include "ws/coroutine.h"

#include <doctest/doctest.h>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/allocation_counter.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::net::literals;
using ws::CloseCode;
using ws::Errc;

namespace {

// Lies in a coroutine's frame and counts what is there.
struct Alive {
  explicit Alive(int& of) : count(of) { ++count; }
  Alive(const Alive&) = delete;
  ~Alive() { --count; }
  int& count;
};

ws::Task echo(ws::Conversation c) {
  while (const auto message = co_await c.receive()) {
    c.send(*message);
    co_await c.drained();
  }
}

std::string numbered(int count, bool echoes) {
  std::string frames;
  for (int i = 0; i < count; ++i) {
    const std::string text = "message " + std::to_string(i);
    frames += echoes ? server_frame(0x81, text) : client_frame(0x81, text);
  }
  return frames;
}

// Sends many frames and FIN at once, and wants every answer.
void check_all_answered(WireServer& server) {
  constexpr int many = 3000;
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  REQUIRE(peer.send(numbered(many, false)));
  peer.finish_sending();
  REQUIRE(peer.until_end());
  CHECK((peer.received == numbered(many, true)));
  peer.close();
  REQUIRE(server.settle());
  CHECK(server.loop.pool().taken_bytes() == 0);
}

// What a coroutine waits in, by name.
ws::Task wait_in(std::string_view where, ws::Conversation c, int& alive, int& ended) {
  const Alive here(alive);
  if (where == "receive") {
    CHECK_FALSE(co_await c.receive());
  } else if (where == "drained") {
    while (co_await c.drained()) c.send_text(std::string(20'000, 'x'));
  } else if (where == "sleep") {
    CHECK_FALSE(co_await c.sleep(1_min));
  } else {
    co_await ws::sleep(c.loop(), 50_ms);
  }
  // From here on nothing waits.
  CHECK_FALSE(co_await c.receive());
  CHECK_FALSE(co_await c.drained());
  CHECK_FALSE(co_await c.sleep(1_min));
  CHECK_FALSE(c.is_open());
  CHECK(c.send_text("too late") == ws::Sent::closed);
  CHECK_FALSE(c.close());
  CHECK_FALSE(c.ping());
  ++ended;
}

}  // namespace

TEST_CASE("pipelined messages and FIN are all answered, whatever stops the reading") {
  ws::Limits limits;
  SUBCASE("nothing") {}
  SUBCASE("the budget of a turn") {
    limits.messages_per_turn_max = 7;
  }
  SUBCASE("back-pressure") {
    limits.queue_bytes_pause = 100;
  }
  WireServer server(limits);
  ws::on_coroutine(server.server, "/talk", echo);
  check_all_answered(server);
}

TEST_CASE("messages that come while the coroutine does something else wait for it") {
  WireServer server;
  ws::on_coroutine(server.server, "/talk", [](ws::Conversation c) -> ws::Task {
    for (int count = 1; const auto message = co_await c.receive(); ++count) {
      c.send(*message);
      if (count % 500 == 0) co_await c.sleep(1_ms);
      if (count % 700 == 0) co_await ws::sleep(c.loop(), net::Duration{});
    }
  });
  check_all_answered(server);
}

TEST_CASE("while nobody receives, one message is kept and the reading stops behind it") {
  WireServer server;
  std::optional<ws::Conversation> kept;
  std::vector<std::string> heard;
  const auto listen = [&](ws::Conversation c) -> ws::Task {
    while (const auto message = co_await c.receive()) heard.emplace_back(message->text());
    heard.emplace_back("the end");
  };
  ws::on_coroutine(server.server, "/talk", [&](ws::Conversation c) -> ws::Task {
    kept = c;
    co_return;
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  // Pings are answered for as long as there is no message.
  REQUIRE(peer.send(client_frame(0x89, "before")));
  REQUIRE(peer.until_received(server_frame(0x8A, "before").size()));
  REQUIRE(peer.send(client_frame(0x81, "one") + client_frame(0x81, "two") +
                    client_frame(0x89, "behind")));
  settle(server.loop);
  peer.receive();
  CHECK(peer.received == server_frame(0x8A, "before"));
  CHECK(kept->is_open());
  listen(*kept);
  REQUIRE(peer.until_contains(server_frame(0x8A, "behind")));
  CHECK(heard == std::vector<std::string>{"one", "two"});
  // What was kept is heard before the end, also where that came first.
  REQUIRE(peer.send(client_frame(0x88, {})));
  REQUIRE(peer.until_end());
  peer.close();
  REQUIRE(server.settle());
  CHECK(heard.back() == "the end");
}

TEST_CASE("when memory is short, who has most kept is ended, and nobody else (159)") {
  ws::Limits limits;
  limits.memory_bytes_max = std::size_t{1} << 20;
  WireServer server(limits);
  const auto doze = [](ws::Conversation c) -> ws::Task {
    if (co_await c.receive()) static_cast<void>(co_await c.sleep(1_min));
  };
  SUBCASE("one path") {
    ws::on_coroutine(server.server, "/slow", doze);
  }
  SUBCASE("all paths that have no handlers of their own") {
    ws::on_coroutine(server.server, doze);
  }
  server.server.at("/honest").on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  WirePeer honest(server);
  REQUIRE(honest.upgrade("/honest"));
  REQUIRE(honest.send(client_frame(0x81, std::string(100, 'h')).substr(0, 90)));
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(std::make_unique<WirePeer>(server));
    REQUIRE(peers.back()->upgrade("/slow"));
    static_cast<void>(peers.back()->send(client_frame(0x81, "first") +
                                         client_frame(0x82, std::string(100'000, 'k'))));
  }
  REQUIRE(server.until([&] { return server.rejects(Errc::memory_pressure) >= 8; }));
  REQUIRE(
      server.until([&] { return server.loop.pool().taken_bytes() <= limits.memory_bytes_max; }));
  honest.received.clear();
  REQUIRE(honest.send(client_frame(0x81, std::string(100, 'h')).substr(90)));
  REQUIRE(honest.until_received(2 + 100));
}

TEST_CASE("a message that was kept is heard, and the end behind it") {
  WireServer server;
  std::optional<ws::Conversation> kept;
  ws::on_coroutine(server.server, "/talk", [&](ws::Conversation c) -> ws::Task {
    kept = std::move(c);
    co_return;
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  REQUIRE(peer.send(client_frame(0x81, "last words")));
  settle(server.loop);
  peer.reset();
  REQUIRE(server.until([&] { return kept->connection() == nullptr; }));
  std::string heard;
  const auto listen = [&](ws::Conversation c) -> ws::Task {
    while (const auto message = co_await c.receive()) heard += message->text();
    heard += ", the end";
  };
  listen(std::move(*kept));
  CHECK(heard == "last words, the end");
  kept.reset();
  CHECK(server.loop.pool().taken_bytes() == 0);
}

TEST_CASE("a peer's Close is seen while its coroutine sleeps") {
  WireServer server;
  int alive = 0;
  int ended = 0;
  ws::on_coroutine(server.server, "/talk", [&](ws::Conversation c) {
    return wait_in("sleep", std::move(c), alive, ended);
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  REQUIRE(peer.send(client_frame(0x88, close_body(1000, "bye"))));
  REQUIRE(peer.until_end());
  CHECK(peer.received == server_frame(0x88, close_body(1000)));
  peer.close();
  REQUIRE(server.until([&] { return ended == 1; }));
  CHECK(alive == 0);
}

TEST_CASE("every end is heard once, wherever the coroutine waits, and leaves nothing behind") {
  for (const std::string_view where : {"receive", "drained", "sleep", "loop"}) {
    for (const std::string_view how : {"Close", "FIN", "RST", "abort", "our Close", "destroyed"}) {
      CAPTURE(where);
      CAPTURE(how);
      WireServer outer;
      ws::Limits limits;
      limits.close_timeout = 100_ms;
      auto server = std::make_unique<ws::Server>(outer.loop, limits);
      std::optional<ws::ConnectionId> id;
      int alive = 0;
      int ended = 0;
      ws::on_coroutine(*server, [&](ws::Conversation c) {
        id = c.connection()->id();
        return wait_in(where, std::move(c), alive, ended);
      });
      const auto bound = server->listen({.host = "127.0.0.1"});
      REQUIRE(bound);
      outer.address = *bound;
      WirePeer peer(outer, 4096);
      REQUIRE(peer.send(upgrade_request("/")));
      REQUIRE(outer.until([&] { return id.has_value(); }));
      settle(outer.loop);
      CHECK(alive == 1);
      if (how == "Close") REQUIRE(peer.send(client_frame(0x88, close_body(1000))));
      if (how == "FIN") peer.finish_sending();
      if (how == "RST") peer.reset();
      if (how == "abort") server->find(*id)->abort();
      if (how == "our Close") CHECK(server->find(*id)->close());
      if (how == "destroyed") server.reset();
      REQUIRE(outer.until([&] {
        if (how != "RST") peer.receive();
        return ended == 1 && alive == 0;
      }));
      if (server) CHECK(server->connection_count() == 0);
      CHECK(outer.loop.pool().taken_bytes() == 0);
    }
  }
}

TEST_CASE("a connection is closed when its coroutine returns, and tells how it ended") {
  WireServer server;
  ws::on_coroutine(server.server, "/one", [](ws::Conversation c) -> ws::Task {
    const auto message = co_await c.receive();
    c.send_text("you said " + std::string(message->text()));
  });
  ws::on_coroutine(server.server, "/none", [](ws::Conversation) -> ws::Task { co_return; });
  ws::CloseInfo info;
  std::string reason;
  ws::on_coroutine(server.server, "/code", [&](ws::Conversation c) -> ws::Task {
    REQUIRE(c.close(CloseCode::service_restart, "later"));
    CHECK_FALSE(co_await c.sleep(1_min));
    while (co_await c.receive()) {
    }
    info = c.close_info();
    reason = info.reason;
  });
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade("/one"));
    REQUIRE(peer.send(client_frame(0x81, "hola")));
    const std::string answer =
        server_frame(0x81, "you said hola") + server_frame(0x88, close_body(1000));
    REQUIRE(peer.until_received(answer.size()));
    CHECK(peer.received == answer);
  }
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade("/none"));
    REQUIRE(peer.until_received(4));
    CHECK(peer.received == server_frame(0x88, close_body(1000)));
  }
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade("/code"));
    REQUIRE(peer.until_received(9));
    CHECK(peer.received == server_frame(0x88, close_body(1012, "later")));
    REQUIRE(
        peer.send(client_frame(0x81, "not heard") + client_frame(0x88, close_body(1012, "so"))));
    REQUIRE(peer.until_end());
  }
  REQUIRE(server.settle());
  CHECK(info.clean);
  CHECK(info.by == ws::ClosedBy::us);
  CHECK(reason == "so");
}

TEST_CASE("large messages are echoed, whole, in fragments and in pieces") {
  WireServer server;
  ws::on_coroutine(server.server, "/talk", echo);
  const std::string large(std::size_t{1} << 20, 'l');
  const std::string_view half = std::string_view(large).substr(large.size() / 2);
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  REQUIRE(peer.send(client_frame(0x82, large)));
  REQUIRE(peer.send(client_frame(0x02, half) + client_frame(0x80, half)));
  const std::string frame = client_frame(0x82, large);
  for (std::size_t at = 0; at < frame.size(); at += 100'003) {
    REQUIRE(peer.send(std::string_view(frame).substr(at, 100'003)));
    settle(server.loop);
  }
  const std::string echoed = server_frame(0x82, large);
  REQUIRE(peer.until_received(3 * echoed.size()));
  CHECK((peer.received == echoed + echoed + echoed));
}

TEST_CASE("a large message is kept whole while the coroutine sleeps") {
  WireServer server;
  std::size_t heard = 0;
  ws::on_coroutine(server.server, "/talk", [&](ws::Conversation c) -> ws::Task {
    while (co_await c.sleep(20_ms)) {
      const auto message = co_await c.receive();
      if (!message) co_return;
      CHECK(message->payload[0] == 'l');
      CHECK(message->payload.back() == 'l');
      heard += message->payload.size();
    }
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  const std::string large(std::size_t{1} << 20, 'l');
  REQUIRE(peer.send(client_frame(0x82, large) + client_frame(0x82, large)));
  REQUIRE(server.until([&] { return heard == 2 * large.size(); }));
}

TEST_CASE("drained() keeps what waits below its limit, however slow the peer") {
  for (const std::size_t low : {std::size_t{0}, std::size_t{30'000}}) {
    CAPTURE(low);
    ws::Limits limits;
    limits.queue_bytes_low = low;
    WireServer server(limits);
    std::size_t most = 0;
    ws::on_coroutine(server.server, "/talk", [&](ws::Conversation c) -> ws::Task {
      for (int i = 0; i < 1000; ++i) {
        // The small ones collect until the end of the call.
        const std::string payload(i % 2 == 0 ? 20'000 : 100, 'x');
        CHECK(c.send_binary(as_bytes(payload)) == ws::Sent::accepted);
        most = std::max(most, c.connection()->buffered_bytes());
        // Waited for from a call of the connection's, from a timer, and once more for nothing.
        if (i % 3 == 0) co_await c.sleep(net::Duration{});
        CHECK(co_await c.drained());
        CHECK(co_await c.drained());
      }
    });
    WirePeer peer(server, 4096);
    REQUIRE(peer.upgrade("/talk"));
    REQUIRE(peer.until_contains(server_frame(0x88, close_body(1000))));
    CHECK(peer.received.size() == 500 * (20'004 + 102) + 4);
    CHECK(most <= low + 3 * 20'004 + 16'384);
  }
}

TEST_CASE("who sends without an end to a peer as fast gives the others their turn") {
  constexpr int many = 20'000;
  WireServer server;
  WirePeer peer(server);
  bool others_turn = false;
  int sent = 0;
  ws::on_coroutine(server.server, "/talk", [&](ws::Conversation c) -> ws::Task {
    server.loop.post([&] { others_turn = true; });
    while (!others_turn && sent < many) {
      c.send_text(std::string(1000, 'x'));
      ++sent;
      peer.receive();  // so that nothing ever waits
      CHECK(co_await c.drained());
    }
  });
  REQUIRE(peer.upgrade("/talk"));
  REQUIRE(peer.until_contains(server_frame(0x88, close_body(1000))));
  CHECK(others_turn);
  CHECK(sent < many);
}

TEST_CASE("an exception costs its connection, wherever it is thrown, and no other") {
  WireServer server;
  int alive = 0;
  const auto fail_in = [&alive](std::string_view where, ws::Conversation c) -> ws::Task {
    const Alive here(alive);
    if (where == "drained") {
      while (c.connection()->buffered_bytes() < 500'000) c.send_text(std::string(20'000, 'x'));
      co_await c.drained();
    }
    if (where == "message") co_await c.receive();
    if (where == "sleep") co_await c.sleep(1_ms);
    if (where == "loop") co_await ws::sleep(c.loop(), 1_ms);
    // Also where the coroutine has given its Conversation away.
    const ws::Conversation mine = std::move(c);
    throw std::runtime_error("of the application");
  };
  ws::on_coroutine(server.server, "/echo2", echo);
  for (const std::string_view where : {"open", "message", "drained", "sleep", "loop"}) {
    ws::on_coroutine(server.server, "/" + std::string(where),
                     [&fail_in, where](auto c) { return fail_in(where, std::move(c)); });
  }
  WirePeer other(server);
  REQUIRE(other.upgrade("/echo2"));
  std::uint64_t expected = 0;
  for (const std::string_view where : {"open", "message", "drained", "sleep", "loop"}) {
    CAPTURE(where);
    WirePeer peer(server, 4096);
    REQUIRE(peer.upgrade("/" + std::string(where)));
    if (where == "message") REQUIRE(peer.send(client_frame(0x81, "go")));
    REQUIRE(peer.until_contains(server_frame(0x88, close_body(1011))));
    CHECK(alive == 0);
    expected += where != "sleep" && where != "loop" ? 1 : 0;
    CHECK(server.rejects(Errc::handler_threw) == expected);
  }
  REQUIRE(other.send(client_frame(0x81, "still there")));
  REQUIRE(other.until_received(server_frame(0x81, "still there").size()));
}

TEST_CASE("an exception of a handler that is no coroutine, and of one that tells of the end") {
  WireServer server;
  ws::on_coroutine(server.server, "/plain", [](ws::Conversation) -> ws::Task {
    throw std::runtime_error("before there is a coroutine");
  });
  int alive = 0;
  ws::on_coroutine(server.server, "/end", [&](ws::Conversation c) -> ws::Task {
    const Alive here(alive);
    while (co_await c.receive()) {
    }
    throw std::runtime_error("too late to matter");
  });
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade("/plain"));
    REQUIRE(peer.until_received(4));
    CHECK(peer.received == server_frame(0x88, close_body(1011)));
  }
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/end"));
  CHECK(alive == 1);
  peer.reset();
  REQUIRE(server.until([&] { return alive == 0; }));
}

TEST_CASE("several coroutines share a connection, and the last one closes it") {
  WireServer server;
  int alive = 0;
  const auto tick = [&alive](ws::Conversation c) -> ws::Task {
    const Alive here(alive);
    for (int i = 0; i < 3 && co_await c.sleep(1_ms); ++i) c.send_text("tick");
  };
  ws::on_coroutine(server.server, "/talk", [&](ws::Conversation c) -> ws::Task {
    const Alive here(alive);
    tick(c);
    const auto message = co_await c.receive();
    c.send(*message);
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  CHECK(alive == 2);
  REQUIRE(peer.send(client_frame(0x81, "tock")));
  REQUIRE(peer.until_contains(server_frame(0x88, close_body(1000))));
  CHECK(peer.received.size() == 4 * 6 + 4);
  CHECK(peer.received.find("tock") != std::string::npos);
  CHECK(alive == 0);
}

namespace {

// A coroutine of another kind: it starts when it is awaited, and gives a value.
struct Length {
  struct promise_type {
    Length get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Back : std::suspend_always {
        auto await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
          return ended.promise().awaiting;
        }
      };
      return Back{};
    }
    void return_value(std::size_t length) { value = length; }
    void unhandled_exception() { std::terminate(); }
    std::coroutine_handle<> awaiting;
    std::size_t value = 0;
  };

  bool await_ready() const { return false; }
  auto await_suspend(std::coroutine_handle<> awaiting) {
    coroutine.promise().awaiting = awaiting;
    return coroutine;
  }
  std::size_t await_resume() const {
    const std::size_t value = coroutine.promise().value;
    coroutine.destroy();
    return value;
  }
  std::coroutine_handle<promise_type> coroutine;
};

Length length_of_two(const ws::Conversation& c) {
  std::size_t length = 0;
  for (int i = 0; i < 2; ++i) {
    const auto message = co_await c.receive();
    if (message) length += message->payload.size();
  }
  co_return length;
}

}  // namespace

TEST_CASE("coroutines of other kinds wait for a connection as well") {
  WireServer server;
  ws::on_coroutine(server.server, "/talk", [](ws::Conversation c) -> ws::Task {
    const std::size_t length = co_await length_of_two(c);
    c.send_text(std::to_string(length));
  });
  const std::string answer = server_frame(0x81, "11") + server_frame(0x88, close_body(1000));
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/talk"));
  REQUIRE(peer.send(client_frame(0x81, "hello ") + client_frame(0x81, "world")));
  REQUIRE(peer.until_received(answer.size()));
  CHECK(peer.received == answer);
  // Where the end comes first, too.
  WirePeer other(server);
  REQUIRE(other.upgrade("/talk"));
  other.reset();
  peer.close();
  REQUIRE(server.settle());
}

TEST_CASE("what a handler captured lives as long as its coroutines") {
  WireServer outer;
  auto server = std::make_unique<ws::Server>(outer.loop);
  const auto text = std::make_shared<std::string>("still here");
  std::string heard;
  ws::on_coroutine(*server, [text, &heard](ws::Conversation c) -> ws::Task {
    co_await ws::sleep(c.loop(), 20_ms);
    heard = *text;
  });
  const auto bound = server->listen({.host = "127.0.0.1"});
  REQUIRE(bound);
  outer.address = *bound;
  WirePeer peer(outer);
  REQUIRE(peer.upgrade("/"));
  server.reset();
  CHECK(text.use_count() == 2);
  REQUIRE(outer.until([&] { return !heard.empty(); }));
  CHECK(heard == "still here");
  CHECK(text.use_count() == 1);
}

TEST_CASE("who sleeps is gone with the loop") {
  int alive = 0;
  {
    net::Loop loop;
    const auto doze = [&alive](net::Loop& in) -> ws::Task {
      const Alive here(alive);
      co_await ws::sleep(in, 1_min);
      FAIL("woken");
    };
    doze(loop);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

// --- Caller --------------------------------------------------------------------------------------

TEST_CASE("a client asks, hears the answers, and may call again") {
  WireServer server;
  const std::string url = "ws://" + server.address.to_string() + "/echo";
  std::vector<std::string> heard;
  const auto talk = [&](ws::Caller& caller) -> ws::Task {
    for (int round = 0; round < 2; ++round) {
      const Result<ws::Conversation> c = co_await caller.connect({.url = url});
      REQUIRE(c);
      for (int i = 0; i < 3; ++i) {
        c->send_text("hola " + std::to_string(i));
        const auto message = co_await c->receive();
        REQUIRE(message);
        heard.emplace_back(message->text());
      }
      // Not while there is one.
      const Result<ws::Conversation> second = co_await caller.connect({.url = url});
      CHECK(second.error() == std::errc::already_connected);
      REQUIRE(c->close());
      CHECK_FALSE(co_await c->receive());
      CHECK(c->close_info().clean);
    }
    heard.emplace_back("done");
  };
  ws::Caller caller(server.loop);
  talk(caller);
  REQUIRE(server.until([&] { return heard.size() == 7; }));
  CHECK(heard[5] == "hola 2");
  CHECK(heard.back() == "done");
}

TEST_CASE("a client hears why it could not connect") {
  WireServer server(WireServer::ExactPaths{});
  const std::string base = "ws://" + server.address.to_string();
  std::vector<std::error_code> errors;
  const auto talk = [&](ws::Caller& caller, std::string url) -> ws::Task {
    const Result<ws::Conversation> c = co_await caller.connect({.url = url});
    CHECK_FALSE(c);
    if (errors.empty()) CHECK(caller.client().response() == nullptr);
    errors.push_back(c.error());
  };
  ws::Caller caller(server.loop);
  talk(caller, "gopher://not.for.us/");
  CHECK(errors.size() == 1);
  talk(caller, base + "/nowhere");
  REQUIRE(server.until([&] { return errors.size() == 2; }));
  CHECK(errors[0] == Errc::url_scheme);
  CHECK(errors[1] == Errc::response_status);
}

TEST_CASE("a Caller that is destroyed ends what waits for it") {
  for (const std::string_view where : {"connecting", "receiving", "sleeping"}) {
    CAPTURE(where);
    WireServer server;
    int alive = 0;
    bool connected = false;
    std::error_code error;
    const auto talk = [&](ws::Caller& caller, std::string url) -> ws::Task {
      const Alive here(alive);
      const Result<ws::Conversation> c = co_await caller.connect({.url = url});
      if (!c) {
        error = c.error();
        co_return;
      }
      connected = true;
      if (where == "receiving") CHECK_FALSE(co_await c->receive());
      if (where == "sleeping") CHECK_FALSE(co_await c->sleep(1_min));
    };
    auto caller = std::make_unique<ws::Caller>(server.loop);
    talk(*caller, "ws://" + server.address.to_string() + "/mute");
    if (where != "connecting") REQUIRE(server.until([&] { return connected; }));
    CHECK(alive == 1);
    caller.reset();
    CHECK(alive == 0);
    CHECK((error == std::errc::operation_canceled) == (where == "connecting"));
    REQUIRE(server.settle());
  }
}

TEST_CASE("a Caller that is destroyed under a coroutine that calls again tells it so") {
  WireServer server;
  const std::string url = "ws://" + server.address.to_string() + "/echo";
  for (const bool is_open : {true, false}) {
    CAPTURE(is_open);
    int opened = 0;
    std::vector<std::error_code> errors;
    const auto talk = [&](ws::Caller& caller) -> ws::Task {
      while (errors.size() < 2) {
        const Result<ws::Conversation> c = co_await caller.connect({.url = url});
        if (!c) {
          errors.push_back(c.error());
          continue;
        }
        ++opened;
        while (co_await c->receive()) {
        }
      }
    };
    {
      ws::Caller caller(server.loop);
      talk(caller);
      if (is_open) REQUIRE(server.until([&] { return opened == 1; }));
    }
    CHECK(errors.size() == 2);
    for (const std::error_code& each : errors) CHECK(each == std::errc::operation_canceled);
    CHECK(opened == (is_open ? 1 : 0));
    REQUIRE(server.settle());
  }
}

TEST_CASE("a Caller may be part of its coroutine, and go with it in any call") {
  WireServer server;
  int alive = 0;
  const auto talk = [&](net::Loop& loop, std::string url, bool receives) -> ws::Task {
    const Alive here(alive);
    ws::Caller caller(loop);
    const Result<ws::Conversation> c = co_await caller.connect({.url = url});
    REQUIRE(c);
    c->send_text("hola");
    if (receives) CHECK((co_await c->receive())->text() == "hola");
  };
  for (const bool receives : {true, false}) {
    talk(server.loop, "ws://" + server.address.to_string() + "/echo", receives);
    CHECK(alive == 1);
    REQUIRE(server.until([&] { return alive == 0; }));
    REQUIRE(server.settle());
  }
}

TEST_CASE("an exception in a client's coroutine closes its connection with 1011") {
  for (const bool asleep : {false, true}) {
    WireServer server;
    const auto talk = [&](ws::Caller& caller, std::string url) -> ws::Task {
      const Result<ws::Conversation> c = co_await caller.connect({.url = url});
      REQUIRE(c);
      if (asleep) co_await c->sleep(1_ms);
      throw std::runtime_error("of the application");
    };
    ws::Caller caller(server.loop);
    talk(caller, "ws://" + server.address.to_string() + "/echo");
    REQUIRE(server.until([&] { return server.closed.size() == 1; }));
    CHECK(server.closed[0].code == CloseCode::internal_error);
  }
}

// --- memory --------------------------------------------------------------------------------------

TEST_CASE("a Task is one allocation, and ten thousand echoes are none") {
  net::Loop loop;
  ws::Server server(loop);
  std::uint64_t made = 0;
  ws::on_coroutine(server, [&](ws::Conversation c) {
    const std::uint64_t before = allocation_counter::count();
    const ws::Task task = echo(std::move(c));
    made += allocation_counter::count() - before;
    return task;
  });
  const auto bound = server.listen({.host = "127.0.0.1"});
  REQUIRE(bound);
  int left = 0;
  const auto ask = [&](ws::Caller& caller) -> ws::Task {
    const Result<ws::Conversation> c =
        co_await caller.connect({.url = "ws://" + bound->to_string()});
    REQUIRE(c);
    do {
      c->send_text("twenty bytes of text");
      --left;
    } while (co_await c->receive());
  };
  ws::Caller caller(loop);
  ask(caller);
  REQUIRE(turn_until(loop, [&] { return left < -100; }));
  CHECK(made == (allocation_counter::available ? 1 : 0));
  left = 10'000;
  const std::uint64_t before = allocation_counter::count();
  while (left > 0) {
    if (!loop.run_once(net::Duration{})) FAIL("the loop failed");
  }
  CHECK(allocation_counter::count() == before);
  CHECK(server.metrics().messages_received >= 10'000);
}

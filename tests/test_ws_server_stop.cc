// SPDX-License-Identifier: MIT
//
// The end of a server: stop() with peers in every state, and its destruction.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/wire.h"
#include "ws/metrics.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;

namespace {

// Short enough not to be waited for, long enough for what happens at once to come first.
ws::Limits impatient() {
  ws::Limits limits;
  limits.close_timeout = net::Duration::milliseconds(300);
  return limits;
}

// Answers a Close if one has come, and hangs up when the server has.
void behave(WirePeer& peer, bool& answered) {
  peer.receive();
  if (!answered && peer.received.find(server_frame(0x88, close_body(1001))) != std::string::npos) {
    answered = true;
    static_cast<void>(peer.send(client_frame(0x88, close_body(1001))));
  }
}

}  // namespace

TEST_CASE("stop ends peers in every state, and says so once") {
  WireServer server(impatient());
  const Baseline before = server.baseline();
  int stopped = 0;
  int waiting = 0;
  int gone = 0;
  server.server.get("/wait", [&](ws::http::Exchange& exchange) {
    ++waiting;
    static_cast<void>(exchange.later());
    exchange.on_gone([&] { ++gone; });
  });
  {
    WirePeer polite(server);
    WirePeer silent(server);
    WirePeer closing(server);
    WirePeer waits(server);
    WirePeer half_a_head(server);
    WirePeer quiet(server);
    WirePeer kept_alive(server);
    REQUIRE(polite.upgrade());
    REQUIRE(silent.upgrade());
    REQUIRE(closing.upgrade("/mute"));
    server.server.for_each([](ws::Connection& c) {
      if (c.path() == "/mute") CHECK(c.close());
    });
    REQUIRE(waits.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    REQUIRE(half_a_head.send(upgrade_request().substr(0, 60)));
    REQUIRE(kept_alive.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n"));
    REQUIRE(kept_alive.until_contains("a page"));
    REQUIRE(server.until([&] { return waiting == 1; }));
    CHECK(server.server.connection_count() == 3);
    CHECK(server.server.http_connection_count() == 4);

    server.server.stop(CloseCode::going_away, [&] { ++stopped; });
    CHECK(stopped == 0);
    bool answered = false;
    REQUIRE(server.until([&] {
      behave(polite, answered);
      if (answered && polite.ended) polite.close();
      return stopped != 0;
    }));
    CHECK(answered);
    for (WirePeer* peer : {&silent, &closing, &waits, &half_a_head, &quiet, &kept_alive}) {
      REQUIRE(peer->until_end());
    }
    CHECK(silent.received == server_frame(0x88, close_body(1001)));
    CHECK(closing.received == server_frame(0x88, close_body(1000)));
    CHECK(half_a_head.received.empty());
    CHECK(waits.received.empty());
  }
  for (int i = 0; i < 5; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
  CHECK(stopped == 1);
  CHECK(gone == 1);
  CHECK(server.closed.size() == 3);
  Baseline after = server.baseline();
  // The listening socket is gone, too, and with it the spare descriptor.
  CHECK(after.watched + 1 == before.watched);
  CHECK(after.descriptors <= before.descriptors - 1);
  CHECK(after.timers == before.timers);
  CHECK(after.pool_bytes == before.pool_bytes);
  CHECK(after.connections == 0);
}

TEST_CASE("a request that waits when the server stops may still be answered") {
  WireServer server;
  ws::http::ExchangeId id;
  bool asked = false;
  bool stopped = false;
  server.server.get("/wait", [&](ws::http::Exchange& exchange) {
    id = exchange.later();
    asked = true;
  });
  WirePeer peer(server);
  REQUIRE(peer.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(server.until([&] { return asked; }));
  server.server.stop(CloseCode::going_away, [&] { stopped = true; });
  REQUIRE(server.server.exchange(id) != nullptr);
  REQUIRE(server.server.exchange(id)->respond(200, "text/plain", "in time"));
  REQUIRE(peer.until_end());
  CHECK(peer.received.ends_with("\r\nConnection: close\r\n\r\nin time"));
  peer.close();
  CHECK(server.until([&] { return stopped; }));
}

TEST_CASE("a page that is on its way when the server stops arrives whole") {
  const std::string page(8'000'000, 'p');
  WireServer server;
  bool stopped = false;
  server.server.get("/large", [&](ws::http::Exchange& exchange) {
    CHECK(exchange.respond(200, "text/plain", page));
  });
  WirePeer peer(server, 4096);
  REQUIRE(peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(server.until([&] { return server.server.metrics().http_requests == 1; }));
  server.server.stop(CloseCode::going_away, [&] { stopped = true; });
  REQUIRE(peer.until_end());
  CHECK(peer.ended);
  CHECK(peer.received.size() > page.size());
  peer.close();
  CHECK(server.until([&] { return stopped; }));
}

TEST_CASE("a server that nobody is at has stopped by the next turn, not within the call") {
  WireServer server;
  int stopped = 0;
  server.server.stop(CloseCode::going_away, [&] { ++stopped; });
  CHECK(stopped == 0);
  REQUIRE(server.until([&] { return stopped != 0; }));
  // Nobody can connect any more.
  WirePeer late(server);
  REQUIRE(late.until_end());
  CHECK(late.was_reset);
  CHECK(stopped == 1);
}

TEST_CASE("stopping twice tells once, and forgets no callback") {
  WireServer server;
  int first = 0;
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  server.server.stop(CloseCode::going_away, [&] { ++first; });
  server.server.stop();
  bool answered = false;
  REQUIRE(server.until([&] {
    behave(peer, answered);
    if (peer.ended) peer.close();
    return first != 0;
  }));
  CHECK(peer.received == server_frame(0x88, close_body(1001)));
  for (int i = 0; i < 5; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
  CHECK(first == 1);
  // Stopped is stopped: whoever asks again hears it again.
  int second = 0;
  server.server.stop(CloseCode::going_away, [&] { ++second; });
  REQUIRE(server.until([&] { return second != 0; }));
  CHECK(first == 1);
}

TEST_CASE("a code that may not be sent stops all the same") {
  WireServer server;
  bool stopped = false;
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  server.server.stop(CloseCode::abnormal, [&] { stopped = true; });
  REQUIRE(server.until([&] { return stopped; }));
  REQUIRE(peer.until_end());
  CHECK(peer.was_reset);
  CHECK(peer.received.empty());
}

TEST_CASE("stop may be called in every handler") {
  for (const std::string_view where : {"upgrade", "open", "message", "close", "route"}) {
    CAPTURE(where);
    WireServer server(impatient());
    int stopped = 0;
    bool within = false;
    const auto stop = [&](std::string_view here) {
      if (here != where) return;
      within = true;
      server.server.stop(CloseCode::going_away, [&] {
        CHECK_FALSE(within);
        ++stopped;
      });
      within = false;
    };
    server.server.at("/stop")
        .on_upgrade([&](const ws::Request&) -> ws::Decision {
          stop("upgrade");
          return ws::Accept{};
        })
        .on_open([&](ws::Connection&) { stop("open"); })
        .on_message([&](ws::Connection&, ws::Message) { stop("message"); })
        .on_close([&](ws::Connection&, ws::CloseInfo) { stop("close"); });
    server.server.get("/route", [&](ws::http::Exchange& exchange) {
      stop("route");
      CHECK(exchange.respond(200, "text/plain", "the last page"));
    });
    WirePeer peer(server);
    WirePeer asker(server);
    if (where == "route") {
      REQUIRE(asker.send("GET /route HTTP/1.1\r\nHost: a\r\n\r\n"));
    } else {
      REQUIRE(peer.send(upgrade_request("/stop") + client_frame(0x81, "x")));
      if (where == "close") {
        REQUIRE(peer.until_contains("\r\n\r\n"));
        peer.reset();
      }
    }
    REQUIRE(server.until([&] {
      for (WirePeer* one : {&peer, &asker}) {
        if (one->fd() >= 0) one->receive();
        if (one->ended) one->close();
      }
      return stopped != 0;
    }));
    CHECK(stopped == 1);
    CHECK(server.server.connection_count() == 0);
    CHECK(server.server.http_connection_count() == 0);
    if (where == "upgrade") {
      CHECK(peer.received.starts_with("HTTP/1.1 503 "));
    }
    if (where == "route") {
      CHECK(asker.received.ends_with("Connection: close\r\n\r\nthe last page"));
    }
  }
}

TEST_CASE("on_stopped may destroy the server") {
  net::Loop loop;
  auto server = std::make_unique<ws::Server>(loop);
  REQUIRE(server->listen({.host = "127.0.0.1"}));
  server->stop(CloseCode::going_away, [&] { server.reset(); });
  for (int i = 0; i < 5 && server; ++i) REQUIRE(loop.run_once(net::Duration{}));
  CHECK_FALSE(server);
  CHECK(loop.watched_count() == 0);
}

TEST_CASE("a server that is destroyed resets who is there, and tells on_close of each") {
  WireServer outer;  // turns the loop and connects the peers
  int opened = 0;
  int closed = 0;
  int gone = 0;
  ws::ClosedBy by{};
  std::vector<std::unique_ptr<WirePeer>> peers;
  const Baseline before = outer.baseline();
  const net::Address own_address = outer.address;
  {
    ws::Server server(outer.loop);
    server
        .on_open([&](ws::Connection& c) {
          ++opened;
          c.emplace_data<std::string>("data that has to go, too, and is no short string");
        })
        .on_close([&](ws::Connection&, ws::CloseInfo info) {
          ++closed;
          by = info.by;
          // The others may still be spoken to; nothing comes of it.
          server.for_each([](ws::Connection& other) { other.send_text("farewell"); });
        });
    server.get("/wait", [&](ws::http::Exchange& exchange) {
      static_cast<void>(exchange.later());
      exchange.on_gone([&] { ++gone; });
      ++opened;
    });
    const auto bound = server.listen({.host = "127.0.0.1"});
    REQUIRE(bound);
    outer.address = *bound;
    for (int i = 0; i < 10; ++i) {
      peers.push_back(std::make_unique<WirePeer>(outer));
      REQUIRE(peers.back()->upgrade());
    }
    peers.push_back(std::make_unique<WirePeer>(outer));  // says nothing
    peers.push_back(std::make_unique<WirePeer>(outer));
    REQUIRE(peers.back()->send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    REQUIRE(outer.until([&] { return opened == 11; }));
    // One is being closed at this very moment.
    server.for_each([first = true](ws::Connection& c) mutable {
      if (first) c.abort();
      first = false;
    });
  }
  CHECK(closed == 10);
  CHECK(by == ws::ClosedBy::us);
  CHECK(gone == 1);
  for (const auto& peer : peers) REQUIRE(peer->until_end());
  peers.clear();
  outer.address = own_address;
  REQUIRE(outer.settle());
  CHECK(outer.baseline() == before);
}

TEST_CASE("a server that is stopped while it is destroyed leaves no timer behind") {
  WireServer outer;
  auto server = std::make_unique<ws::Server>(outer.loop);
  ws::Server& alias = *server;
  bool closed = false;
  bool stopped = false;
  server->at("/").on_close([&](ws::Connection&, ws::CloseInfo) {
    closed = true;
    alias.stop(CloseCode::going_away, [&] { stopped = true; });
  });
  const auto bound = server->listen({.host = "127.0.0.1"});
  REQUIRE(bound);
  outer.address = *bound;
  const std::size_t timers = outer.loop.timers().armed_count();
  WirePeer peer(outer);
  REQUIRE(peer.upgrade("/"));
  server.reset();
  CHECK(closed);
  CHECK(outer.loop.timers().armed_count() == timers);
  REQUIRE(outer.loop.run_once({}));
  CHECK_FALSE(stopped);
}

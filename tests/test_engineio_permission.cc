// SPDX-License-Identifier: MIT
//
// Who may open a session, where the application takes its time over it (204).

#include <optional>
#include <string>
#include <utility>

#include "tests/support/engineio_wire.h"

using namespace hilo;
using namespace hilo::engineio;
using namespace hilo::test;

namespace {

struct Door : EngineServer {
  explicit Door(Options options = {}) : EngineServer(std::move(options)) {
    engine.allow_later([this](const ws::Request& request, Permission permission) {
      ++asked;
      key = request.header("X-Key").value_or("");
      if (answers_at_once) return permission();
      if (!drops) kept.emplace(std::move(permission));
    });
  }
  // The handshake of either transport, as far as the question.
  void knock(HttpPeer& peer, bool by_websocket) {
    const int before = asked;
    if (by_websocket) {
      REQUIRE(peer.send(upgrade_request(websocket(), "X-Key: 1\r\n")));
    } else {
      REQUIRE(peer.ask("GET", polling(), {}, "X-Key: 1\r\n"));
    }
    REQUIRE(until([&] { return asked > before; }));
    turns();
    CHECK(key == "1");
  }
  int asked = 0;
  bool answers_at_once = false;
  bool drops = false;
  std::string key;
  std::optional<Permission> kept;
};

void refused(Door& server, HttpPeer& peer, std::string_view message) {
  const HttpPeer::Answer answer = peer.answer();
  CHECK(answer.status == 403);
  CHECK(answer.body == "{\"code\":4,\"message\":\"" + std::string(message) + "\"}");
  server.told_once(Errc::refused);
  CHECK(server.engine.socket_count() == 0);
}

bool opened(HttpPeer& peer, bool by_websocket) {
  if (by_websocket) {
    return peer.until_contains("\r\n\r\n") && peer.received.starts_with("HTTP/1.1 101 ") &&
           peer.until_contains("0{\"sid\":");
  }
  const HttpPeer::Answer answer = peer.answer();
  return answer.status == 200 && answer.body.starts_with("0{\"sid\":");
}

}  // namespace

TEST_CASE("a session begins when the application says so, by either transport") {
  for (const bool by_websocket : {false, true}) {
    CAPTURE(by_websocket);
    for (const bool at_once : {false, true}) {
      Door server({.close_timeout = net::Duration::milliseconds(20), .cookie = {.name = "io"}});
      server.engine.on_initial_headers([](const ws::Request&, std::vector<ws::Field>& fields) {
        fields.push_back({"X-A", "b"});
      });
      server.answers_at_once = at_once;
      const Baseline before = server.baseline();
      {
        HttpPeer peer(server);
        server.knock(peer, by_websocket);
        if (!at_once) {
          CHECK(server.events.empty());
          CHECK(peer.received.empty());
          (*server.kept)();
          CHECK(server.events.empty());
          // The first answer counts.
          (*server.kept)("changed its mind");
        }
        REQUIRE(peer.until_contains("X-A: b\r\n"));
        CHECK(opened(peer, by_websocket));
        CHECK(server.events == std::vector<std::string>{"open"});
        server.engine.for_each([](Socket& socket) { CHECK(socket.request().path() != ""); });
        server.engine.close_all();
      }
      CHECK(server.log.empty());
      REQUIRE(server.engine_settles());
      CHECK(server.baseline() == before);
    }
  }
}

TEST_CASE("a session over a WebSocket that was let in moves packets, and so does an upgrade") {
  Door server;
  server.answers_at_once = true;
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  HttpPeer socket(server);
  REQUIRE(socket.send(upgrade_request(websocket(sid))));
  REQUIRE(socket.until_contains("\r\n\r\n"));
  REQUIRE(socket.send(client_frame(0x81, "2probe")));
  CHECK(socket.until_contains("3probe"));
  REQUIRE(socket.send(client_frame(0x81, "5")));
  REQUIRE(socket.send(client_frame(0x81, "4hello")));
  CHECK(socket.until_contains("4hello"));
  // Neither later requests of a session nor its upgrade are asked about.
  CHECK(server.asked == 1);
}

TEST_CASE("a refusal is 403 with the application's message, whatever that is") {
  for (const bool by_websocket : {false, true}) {
    CAPTURE(by_websocket);
    Door server;
    const Baseline before = server.baseline();
    {
      HttpPeer peer(server);
      server.knock(peer, by_websocket);
      (*server.kept)("not \"you\"\n\xff");
      refused(server, peer, "not \\\"you\\\"\\n\xef\xbf\xbd");
    }
    REQUIRE(server.engine_settles());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("who lets go of the question has refused, and so has who never answers") {
  for (const bool by_websocket : {false, true}) {
    CAPTURE(by_websocket);
    Door drops;
    drops.drops = true;
    HttpPeer dropped(drops);
    drops.knock(dropped, by_websocket);
    refused(drops, dropped, "Forbidden");
    Door sleeps({.allow_timeout = net::Duration::milliseconds(20)});
    HttpPeer waits(sleeps);
    sleeps.knock(waits, by_websocket);
    refused(sleeps, waits, "Timed out");
    (*sleeps.kept)();
    sleeps.turns();
    CHECK(sleeps.events.empty());
  }
}

TEST_CASE("an answer for a peer that is gone, or from a server that is gone, does nothing") {
  for (const bool by_websocket : {false, true}) {
    CAPTURE(by_websocket);
    std::optional<Permission> late;
    {
      Door server;
      const Baseline before = server.baseline();
      {
        HttpPeer peer(server);
        server.knock(peer, by_websocket);
        peer.reset();
      }
      REQUIRE(server.engine_settles());
      CHECK(server.baseline() == before);
      (*server.kept)();
      server.turns();
      CHECK(server.engine.socket_count() == 0);
      HttpPeer peer(server);
      server.kept.reset();
      server.knock(peer, by_websocket);
      late.emplace(std::move(*server.kept));
    }
    (*late)();
  }
}

TEST_CASE("who is let in by a server that has closed meanwhile is refused, by either transport") {
  for (const bool by_websocket : {false, true}) {
    CAPTURE(by_websocket);
    Door server;
    HttpPeer peer(server);
    server.knock(peer, by_websocket);
    server.engine.close_all();
    (*server.kept)();
    CHECK(peer.answer().status == 503);
    server.told_once(Errc::server_full);
    CHECK(server.engine.socket_count() == 0);
    CHECK(server.events.empty());
  }
}

TEST_CASE("what cannot open a session is refused without a question") {
  Door server;
  HttpPeer peer(server);
  CHECK(peer.get("/engine.io/?EIO=2&transport=polling").status == 400);
  CHECK(peer.get(polling("nobody")).status == 400);
  server.engine.allow([](const ws::Request&) { return false; });
  CHECK(peer.get(polling()).status == 403);
  CHECK(server.asked == 0);
}

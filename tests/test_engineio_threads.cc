// SPDX-License-Identifier: MIT
//
// One Engine.IO server for several threads: requests of a session come in wherever the kernel
// likes, and all of them find it.

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/engineio_wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;

namespace {

enum class Sessions { in_one, in_each };

// The engine runs in the test's thread; the other door, with an engine or without, in its own.
struct TwoDoors : EngineServer {
  explicit TwoDoors(Sessions sessions = Sessions::in_one)
      : front(address), other(other_loop, {}, {.loop_index = 1}) {
    if (sessions == Sessions::in_one) {
      engine.gather_from(other);
    } else {
      second = std::make_unique<engineio::Server>(other);
      second->on_message([](engineio::Socket& socket, engineio::Message m) { socket.send(m); });
      engineio::Server* const both[] = {&engine, second.get()};
      engineio::Server::meet(both);
    }
    const auto bound = other.listen(ws::ListenOptions{.host = "127.0.0.1"});
    REQUIRE(bound);
    back = *bound;
    thread = std::thread([this] { static_cast<void>(other_loop.run()); });
  }
  ~TwoDoors() {
    other_loop.stop();
    thread.join();
  }
  // The next peers come in there.
  void use(bool other_door) { address = other_door ? back : front; }
  void use_any() { use(random() % 2 == 0); }

  net::Address front;
  net::Address back;
  net::Loop other_loop;
  ws::Server other;
  std::unique_ptr<engineio::Server> second;
  std::thread thread;
  std::mt19937 random{19};
};

}  // namespace

TEST_CASE("the requests of one session come in by any door, and lose, double and reorder nothing") {
  TwoDoors server;
  server.use(true);
  HttpPeer fetch(server);
  const std::string sid = open_session(fetch);
  REQUIRE(sid.size() == engineio::sid_chars);
  std::string expected;
  std::string heard;
  for (int i = 0; i < 200; ++i) {
    server.use_any();
    HttpPeer post(server);
    CHECK(post.post(polling(sid), "4" + std::to_string(i)).body == "ok");
    expected += "4" + std::to_string(i) + "\x1e";
    if (server.random() % 3 != 0) continue;
    server.use_any();
    HttpPeer get(server);
    heard += get.get(polling(sid)).body + "\x1e";
  }
  // The rest over a WebSocket, which comes in by the other door.
  server.use(true);
  WirePeer socket(server);
  REQUIRE(socket.upgrade(websocket(sid)));
  REQUIRE(socket.send(client_frame(0x81, "2probe")));
  REQUIRE(socket.until_contains("3probe"));
  heard += fetch.get(polling(sid)).body + "\x1e";
  socket.received.clear();
  REQUIRE(socket.send(client_frame(0x81, "5") + client_frame(0x81, "4end")));
  REQUIRE(socket.until_contains("4end"));
  if (heard.ends_with("6\x1e")) heard.erase(heard.size() - 2);
  CHECK(heard == expected);
  CHECK(socket.received == server_frame(0x81, "4end"));
  CHECK(server.engine.socket_count() == 1);
  CHECK(server.server.metrics().transfers > 50);
  CHECK(server.engine.metrics().opened == 1);
}

TEST_CASE("sessions of every kind come and go by both doors, and all is given back") {
  TwoDoors server;
  REQUIRE(server.loop.run_once({0}));
  const Baseline before = server.baseline();
  for (int round = 0; round < 25; ++round) {
    std::vector<std::unique_ptr<HttpPeer>> peers;
    for (int i = 0; i < 8; ++i) {
      server.use_any();
      peers.push_back(std::make_unique<HttpPeer>(server));
      HttpPeer& peer = *peers.back();
      if (server.random() % 2 == 0) {
        REQUIRE(peer.upgrade(websocket()));
        REQUIRE(peer.send(client_frame(0x81, "4hello") + client_frame(0x81, "1")));
      } else {
        const std::string sid = open_session(peer);
        if (server.random() % 2 == 0) REQUIRE(peer.ask("GET", polling(sid)));
        server.use_any();
        HttpPeer post(server);
        REQUIRE(post.post(polling(sid), server.random() % 2 == 0 ? "4hello\x1e"
                                                                   "1"
                                                                 : "1")
                    .body == "ok");
      }
    }
  }
  REQUIRE(server.engine_settles());
  CHECK(server.engine.metrics().opened == 200);
  REQUIRE(server.until([&] { return server.baseline() == before; }));
}

TEST_CASE("who polls is told when the server drains, and no session begins any more") {
  TwoDoors server;
  server.use(true);
  HttpPeer fetch(server);
  const std::string sid = open_session(fetch);
  REQUIRE(fetch.ask("GET", polling(sid)));
  HttpPeer late(server);
  server.turns();
  server.server.drain();
  server.engine.drain();
  const HttpPeer::Answer end = fetch.answer();
  CHECK(end.body == "1");
  CHECK(end.head.find("Connection: close") != std::string::npos);
  CHECK(late.get(polling()).status == 503);
  REQUIRE(server.until_event("close: server shutting down"));
}

TEST_CASE("where each thread has sessions a sid tells whose it is, and requests go there") {
  TwoDoors server(Sessions::in_each);
  for (int i = 0; i < 40; ++i) {
    const bool by_other = server.random() % 2 == 0;
    server.use(by_other);
    HttpPeer fetch(server);
    const std::string sid = open_session(fetch);
    const auto place = engineio::Sid::place(sid);
    REQUIRE(place);
    CHECK(place->loop_index == (by_other ? 1 : 0));
    server.use_any();
    HttpPeer post(server);
    CHECK(post.post(polling(sid), "4one").body == "ok");
    server.use_any();
    HttpPeer get(server);
    CHECK(get.get(polling(sid)).body == "4one");
    server.use_any();
    WirePeer socket(server);
    REQUIRE(socket.upgrade(websocket(sid)));
    REQUIRE(socket.send(client_frame(0x81, "2probe")));
    REQUIRE(socket.until_contains("3probe"));
    REQUIRE(get.get(polling(sid)).body == "6");
    REQUIRE(socket.send(client_frame(0x81, "5") + client_frame(0x81, "4two")));
    REQUIRE(socket.until_contains("4two"));
  }
  // Nobody's session, and that of a loop which does not exist, are unknown wherever they are asked.
  for (const std::string_view sid :
       {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAABAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAA_AAAA", "short", "not a sid"}) {
    server.use_any();
    HttpPeer peer(server);
    CHECK(peer.get(polling(sid)).status == 400);
  }
  REQUIRE(server.engine_settles());
}

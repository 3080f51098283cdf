// SPDX-License-Identifier: MIT
//
// Clients of every kind come and go in every way, again and again: sessions, timers, rooms and
// memory are then what they were. (WebSockets of revision 4 alone: test_socketio_sessions.cc.)

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/support/engineio_wire.h"
#include "tests/support/socketio_wire.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

Options all_kinds() {
  Options options;
  options.engine.revision3 = true;
  options.engine.jsonp = true;
  return options;
}

// Whoever comes is in rooms, is asked, and may leave an Ack behind: all that must go with it.
struct Guests : SocketioServer {
  Guests() : SocketioServer(all_kinds()) {
    const auto welcome = [this](Socket socket) {
      socket.data() = {{"name", "anybody"}};
      socket.join("one");
      socket.join("two");
      socket.timeout(net::Duration::seconds(60)).emit("asked", [](std::error_code, int) {});
      socket.on("leave", [socket](bool close) { socket.disconnect(close); });
      socket.on("keep", [this](Ack ack) { kept = std::move(ack); });
    };
    io.on_connection(welcome);
    io.of("/news").on_connection(welcome);
    io.of("/closed").use([](Socket, Next next) { next("not you"); });
  }
  bool is_empty() {
    return io_settles() && io.of("/").socket_count() == 0 && io.of("/news").socket_count() == 0 &&
           io.of("/").room_count() == 0 && io.of("/news").room_count() == 0;
  }
  Ack kept;
};

// What malloc has given out.
std::size_t heap_bytes() {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  return ::mallinfo2().uordblks;
#else
  return 0;
#endif
}

std::string target(std::string_view sid = {}, int revision = 4,
                   std::string_view transport = "polling") {
  std::string text = "/socket.io/?EIO=" + std::to_string(revision);
  text.append("&transport=").append(transport);
  return sid.empty() ? text : text.append("&sid=").append(sid);
}

void by_websocket(Guests& server, int round, int revision) {
  SocketioPeer peer(server, revision);
  if (revision == 4) peer.connect();
  peer.say("40/news,");
  peer.say("40/closed,");
  peer.say("420[\"keep\"]");
  switch (round % 5) {
    case 0: peer.say("41"); break;
    case 1: peer.say("42[\"leave\",false]"); break;
    case 2: peer.say("42/news,[\"leave\",true]"); break;
    case 3: peer.say("451-[\"half\",{\"_placeholder\":true,\"num\":0}]"); break;
    case 4: peer.say("4no packet"); break;
  }
  server.turns();
}

void by_polling(Guests& server, int round) {
  HttpPeer fetch(server);
  HttpPeer posts(server);
  const std::string sid = sid_of(fetch.get(target()).body);
  CHECK(posts
            .post(target(sid),
                  "40\x1e"
                  "40/news,\x1e"
                  "420[\"keep\"]")
            .body == "ok");
  CHECK(fetch.get(target(sid)).body.find("[\"asked\"]") != std::string::npos);
  REQUIRE(fetch.ask("GET", target(sid)));
  server.turns();
  // (libkqueue takes a reset for the end of input, which may linger: so not every time.)
  if (round % 10 == 0) return fetch.reset();
  CHECK(posts
            .post(target(sid),
                  "41\x1e"
                  "1")
            .body == "ok");
}

void by_upgrade(Guests& server) {
  HttpPeer fetch(server);
  const std::string sid = sid_of(fetch.get(target()).body);
  CHECK(fetch.post(target(sid), "40").body == "ok");
  CHECK(fetch.get(target(sid)).status == 200);
  WirePeer socket(server);
  REQUIRE(socket.upgrade(target(sid, 4, "websocket")));
  REQUIRE(socket.send(client_frame(0x81, "2probe")));
  CHECK(socket.until_contains("3probe"));
  REQUIRE(socket.send(client_frame(0x81, "5")));
  REQUIRE(socket.send(client_frame(0x81, "420[\"keep\"]")));
  server.turns();
}

void by_old_polling(Guests& server, std::string_view more) {
  HttpPeer peer(server);
  std::string open = peer.get(target({}, 3).append(more)).body;
  for (std::size_t at = 0; (at = open.find("\\u0022", at)) != std::string::npos;) {
    open.replace(at, 6, "\"");
  }
  const std::string old = target(sid_of(open), 3).append(more);
  CHECK(peer.get(old).status == 200);
  CHECK(peer.post(old, more.empty() ? "1:1" : "d=1:1").body == "ok");
}

void round_of_all(Guests& server, int round) {
  by_websocket(server, round, 4);
  by_websocket(server, round, 3);
  by_polling(server, round);
  by_upgrade(server);
  by_old_polling(server, "");
  by_old_polling(server, "&j=0");
  REQUIRE(server.is_empty());
  server.kept = {};
  server.log.clear();
}

}  // namespace

TEST_CASE("clients of every kind, gone in every way, leave nothing behind") {
  Guests server;
  for (int round = 0; round < 30; ++round) round_of_all(server, round);
  const Baseline before = server.baseline();
  const std::size_t heap = heap_bytes();
  for (int round = 0; round < 100; ++round) round_of_all(server, round);
  CHECK(server.baseline() == before);
  // A table that grew once is no leak: 600 clients would show.
  CHECK(heap_bytes() <= heap + 4096);
}

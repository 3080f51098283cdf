// SPDX-License-Identifier: MIT
//
// A server that goes in peace, on a virtual clock (F12, F13, F24 of the catalogue).

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/world.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;
using ws::CloseCode;

namespace {

constexpr std::string_view goodbye = "\x03\xE9";

std::vector<Peer> open_peers(EchoServer& echo, int count) {
  std::vector<Peer> peers;
  for (int i = 0; i < count; ++i) peers.push_back(echo.open_peer());
  return peers;
}

// Answers the Closes that have come: how many.
int answer_closes(World& world, std::vector<Peer>& peers, std::uint16_t code = 1001) {
  int count = 0;
  for (Peer& peer : peers) {
    if (peer.received() != close_frame(code)) continue;
    static_cast<void>(peer.take());
    peer.send(client_frame(0x88, goodbye));
    ++count;
  }
  world.settle();
  for (Peer& peer : peers) {
    if (peer.saw_fin()) peer.close();
  }
  world.settle();
  return count;
}

}  // namespace

TEST_CASE("a thousand connections are closed evenly over the window, and all are clean (F12)") {
  constexpr int count = 1000;
  World world;
  EchoServer echo(world);
  bool drained = false;
  std::vector<Peer> peers = open_peers(echo, count);
  echo.server.drain({}, [&] { drained = true; });
  CHECK(echo.server.is_draining());

  // 25 of the 30 seconds are for the spreading.
  std::vector<int> in_second;
  while (!drained && in_second.size() < 40) {
    int closed = 0;
    for (int i = 0; i < 10; ++i) {
      world.run_for(100_ms);
      closed += answer_closes(world, peers);
    }
    in_second.push_back(closed);
  }
  CHECK(drained);
  CHECK(in_second.size() <= 27);
  CHECK(in_second.size() >= 5);
  // No second sees more than twice the mean.
  const int peak = *std::max_element(in_second.begin(), in_second.end());
  CHECK(peak <= 2 * count / static_cast<int>(in_second.size()) + 16);
  REQUIRE(echo.closed.size() == count);
  for (const EchoServer::Closed& each : echo.closed) {
    REQUIRE(each.clean);
    REQUIRE(each.by == ws::ClosedBy::us);
  }
  CHECK(echo.all_rejects() == 0);
}

TEST_CASE("until its turn comes a connection works as before") {
  World world;
  EchoServer echo(world);
  std::vector<Peer> peers = open_peers(echo, 4000);
  echo.server.drain();
  world.run_for(1_s);
  Peer& last = peers.back();
  REQUIRE(last.received().empty());
  last.send(client_frame(0x81, "still here?"));
  world.settle();
  CHECK(last.take() == "\x81\x0Bstill here?");
  for (Peer& peer : peers) peer.close();
  world.settle();
}

TEST_CASE("a few connections are gone at once, and nobody waits for the window") {
  World world;
  EchoServer echo(world);
  bool drained = false;
  std::vector<Peer> peers = open_peers(echo, 3);
  echo.server.drain({.code = CloseCode::service_restart}, [&] { drained = true; });
  CHECK_FALSE(drained);
  world.run_for(10_ms);
  CHECK(answer_closes(world, peers, 1012) == 3);
  CHECK(drained);
}

TEST_CASE("whoever is left when the window ends is reset, however patient the limits are (F24)") {
  World world;
  ws::Limits limits;
  limits.ping_interval = {};
  limits.close_timeout = 100_s;
  limits.head_timeout = 100_s;
  EchoServer echo(world, limits);
  const Baseline before = world.baseline();
  bool drained = false;
  std::vector<Peer> peers = open_peers(echo, 500);
  Peer half_a_head = Peer::connect(echo.address);
  half_a_head.send("GET / HTTP/1.1\r\nHo");
  world.settle();
  const net::Time begin = world.network.now();
  echo.server.drain({}, [&] { drained = true; });
  while (!drained && world.network.now() < begin + 60_s) world.run_for(100_ms);
  CHECK(drained);
  CHECK(world.network.now() >= begin + 30_s);
  CHECK(world.network.now() <= begin + 30200_ms);
  for (Peer& peer : peers) {
    REQUIRE(peer.take() == close_frame(1001));
    REQUIRE(peer.saw_reset());
    peer.close();
  }
  half_a_head.close();
  CHECK(echo.closed.size() == 500);
  world.settle();
  Baseline after = world.baseline();
  // The listening socket and its reserve are gone, too.
  CHECK(after.descriptors + 2 == before.descriptors);
  CHECK(after.watched + 1 == before.watched);
  CHECK(after.timers == before.timers);
  CHECK(after.pool_bytes == before.pool_bytes);
}

TEST_CASE("what is asked while a server drains: pages as ever, and 503 to handshakes") {
  World world;
  EchoServer echo(world);
  Peer stays = echo.open_peer();
  Peer asks = Peer::connect(echo.address);
  asks.send("GET /page HTTP/1.1\r\nHo");
  Peer wants = Peer::connect(echo.address);
  wants.send(upgrade_request().substr(0, 30));
  world.settle();
  bool drained = false;
  echo.server.drain({}, [&] { drained = true; });
  asks.send("st: a\r\n\r\n");
  wants.send(upgrade_request().substr(30));
  world.settle();
  const std::string page = asks.take();
  CHECK(page.starts_with("HTTP/1.1 200 "));
  CHECK(page.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(asks.saw_fin());
  const std::string refusal = wants.take();
  CHECK(refusal.starts_with("HTTP/1.1 503 "));
  CHECK(wants.saw_fin());
  CHECK(echo.server.connection_count() == 1);
  for (Peer* peer : {&stays, &asks, &wants}) peer->close();
  world.settle();
  CHECK(drained);
}

TEST_CASE("who waits in the kernel's queue is still served, unless somebody else listens there") {
  for (const bool handed_over : {true, false}) {
    World world;
    EchoServer echo(world);
    Peer waits = Peer::connect(echo.address);
    waits.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    echo.server.drain({.handed_over = handed_over});
    world.settle();
    CHECK(waits.take().starts_with("HTTP/1.1 200 ") != handed_over);
    CHECK(waits.saw_reset() == handed_over);
    waits.close();
    world.settle();
  }
}

TEST_CASE("a handshake that was on its way when the sockets were handed over is not refused") {
  World world;
  EchoServer echo(world);
  Peer late = Peer::connect(echo.address);
  late.send(upgrade_request().substr(0, 30));
  world.settle();
  bool drained = false;
  echo.server.drain({.code = ws::CloseCode::service_restart, .handed_over = true},
                    [&] { drained = true; });
  world.settle();
  CHECK_FALSE(drained);
  late.send(upgrade_request().substr(30) + client_frame(0x81, "in time"));
  world.settle();
  const std::string answer = late.take();
  CHECK(answer.starts_with("HTTP/1.1 101 "));
  CHECK(answer.ends_with("\x81\x07in time"));
  world.run_for(200_ms);
  CHECK(late.take() == close_frame(1012));
  late.send(client_frame(0x88, goodbye));
  world.settle();
  late.close();
  world.settle();
  CHECK(drained);
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].clean);
}

TEST_CASE("stop makes short work of a drain") {
  World world;
  EchoServer echo(world);
  int ended = 0;
  std::vector<Peer> peers = open_peers(echo, 4000);
  echo.server.drain({}, [&] { ++ended; });
  world.run_for(300_ms);
  int closed = answer_closes(world, peers);
  CHECK(closed < 400);
  echo.server.stop();
  world.settle();
  closed += answer_closes(world, peers);
  CHECK(closed == 4000);
  CHECK(ended == 1);
  // Neither does anything any more.
  echo.server.drain({}, [&] { ++ended; });
  world.run_for(40_s);
  CHECK(ended == 2);
}

TEST_CASE("a server that is destroyed while it drains tells every connection, and nobody else") {
  World world;
  int ended = 0;
  {
    EchoServer echo(world);
    std::vector<Peer> peers = open_peers(echo, 100);
    echo.server.drain({}, [&] { ++ended; });
    world.settle();
    for (Peer& peer : peers) peer.close();
  }
  world.run_for(60_s);
  CHECK(ended == 0);
}

// SPDX-License-Identifier: MIT
//
// A process that stood still for a while (SIGSTOP, a busy machine) and goes on: time has passed for
// its deadlines, but its peers are not to blame for that.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/sim/world.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

TEST_CASE("after a minute's stall, peers whose pongs wait in the kernel are not given up") {
  World world;
  EchoServer echo(world);
  // More than one wait of the poller can report.
  std::vector<Peer> peers;
  for (int i = 0; i < 1200; ++i) peers.push_back(echo.open_peer());
  world.run_for(30001_ms);
  for (Peer& peer : peers) {
    const std::string ping = peer.take();
    REQUIRE(ping.size() == 6);
    peer.send(client_frame(0x8A, ping.substr(2)));
  }
  world.network.advance(60_s);
  world.settle();
  CHECK(echo.closed.empty());
  CHECK(echo.all_rejects() == 0);
}

TEST_CASE(
    "after a stall longer than the idle time-out, a silent peer is asked before it is closed") {
  World world;
  EchoServer echo(world);
  Peer lively = echo.open_peer();
  Peer dead = echo.open_peer();
  world.network.advance(600_s);
  world.run_for(19_s);
  CHECK(echo.closed.empty());
  const std::string ping = lively.take();
  REQUIRE(ping.size() == 6);
  lively.send(client_frame(0x8A, ping.substr(2)));
  CHECK(dead.take().starts_with("\x89\x04"));
  world.run_for(2_s);
  CHECK(dead.take() == close_frame(1011));
  CHECK(lively.take().empty());
  CHECK(echo.server.connection_count() == 2);
}

TEST_CASE(
    "a handler that blocks for two seconds is told of, and the others go on behind it (F32)") {
  World world;
  EchoServer echo(world);
  echo.server.get("/slow", [&](ws::http::Exchange& exchange) {
    world.network.advance(2_s);
    CHECK(exchange.respond(200, "text/plain", "late"));
  });
  std::vector<std::int64_t> stalls;
  world.loop.on_stall(1_s, [&](net::Duration took) { stalls.push_back(took.to_milliseconds()); });
  Peer other = echo.open_peer();
  Peer blocking = Peer::connect(echo.address);
  blocking.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  other.send(client_frame(0x81, "meanwhile"));
  world.settle();
  CHECK(stalls == std::vector<std::int64_t>{2000});
  CHECK(other.take() == "\x81\x09meanwhile");
  // Waiting is no stall, however long.
  world.run_for(20_s);
  CHECK(stalls.size() == 1);
  world.loop.on_stall({}, nullptr);
  blocking.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  world.settle();
  CHECK(stalls.size() == 1);
  CHECK(echo.closed.empty());
}

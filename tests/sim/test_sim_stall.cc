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

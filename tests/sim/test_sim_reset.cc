// SPDX-License-Identifier: MIT
//
// What a reset is, whoever hears of it first: the one who reads, or the poller, which then has
// taken the socket's error, so that reading shows an end in good order.

#include <doctest/doctest.h>

#include "tests/sim/world.h"

using namespace hilo;
using namespace hilo::sim;

TEST_CASE("a reset ends a connection as the network's doing, and not as the peer's") {
  for (const unsigned taken_error : {0U, 100U}) {
    CAPTURE(taken_error);
    World world;
    EchoServer echo(world);
    Peer peer = echo.open_peer();
    world.network.faults.taken_error = taken_error;
    peer.reset();
    world.settle();
    REQUIRE(echo.closed.size() == 1);
    CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
    CHECK(echo.closed[0].by == ws::ClosedBy::network);
    CHECK(echo.closed[0].error == ws::Errc::none);
  }
}

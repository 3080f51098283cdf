// SPDX-License-Identifier: MIT
//
// How old a connection may get, what a round trip took, and when the patience of a Close begins.

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "tests/sim/world.h"
#include "ws/client.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;
using ws::CloseCode;
using ws::ClosedBy;
using ws::Errc;

namespace {

std::string close_frame_with(std::uint16_t code, std::string_view reason) {
  std::string frame = close_frame(code) + std::string(reason);
  frame[1] = static_cast<char>(2 + reason.size());
  return frame;
}

}  // namespace

TEST_CASE("a connection that has lived its time is closed with 1001, however lively it is") {
  World world;
  ws::Limits limits;
  limits.connection_lifetime_max = 100_s;
  EchoServer echo(world, limits);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  for (int i = 0; i < 9; ++i) {
    world.run_for(11_s);
    peer.send(client_frame(0x81, "still here"));
    world.settle();
    REQUIRE(peer.take().ends_with("still here"));
  }
  world.run_for(2_s);
  CHECK(peer.take() == close_frame_with(1001, "its time is over"));
  peer.send(client_frame(0x88, "\x03\xE9"));
  world.settle();
  CHECK(peer.saw_fin());
  peer.close();
  world.settle();
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == CloseCode::going_away);
  CHECK(echo.closed[0].by == ClosedBy::us);
  CHECK(echo.closed[0].error == Errc::none);
  CHECK(echo.closed[0].clean);
  CHECK(echo.all_rejects() == 0);
  CHECK(world.baseline() == before);
}

TEST_CASE("a connection that is paused when its time is over ends all the same") {
  World world;
  ws::Limits limits;
  limits.connection_lifetime_max = 100_s;
  EchoServer echo(world, limits);
  Peer peer = echo.open_peer();
  echo.server.for_each([](ws::Connection& c) { c.pause(); });
  world.run_for(101_s);
  CHECK(peer.take().ends_with(close_frame_with(1001, "its time is over")));
}

TEST_CASE("a Close that a stall kept from leaving gives the peer its whole time") {
  World world;
  EchoServer echo(world);
  Peer peer = echo.open_peer();
  // Sent outside of any dispatch: it leaves in the flush phase, behind the timers of that turn.
  echo.server.stop();
  world.network.advance(60_s);
  world.settle();
  CHECK(peer.take() == close_frame(1001));
  CHECK_FALSE(peer.saw_reset());
  world.run_for(4_s);
  CHECK(echo.closed.empty());
  peer.send(client_frame(0x88, "\x03\xE9"));
  world.settle();
  CHECK(peer.saw_fin());
  peer.close();
  world.settle();
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].clean);
}

TEST_CASE("a Close that left and is not answered ends its connection after the close time-out") {
  World world;
  EchoServer echo(world);
  Peer peer = echo.open_peer();
  echo.server.stop();
  world.network.advance(60_s);
  world.settle();
  CHECK(peer.take() == close_frame(1001));
  world.run_for(6_s);
  CHECK(peer.saw_reset());
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].error == Errc::close_timeout);
  CHECK(echo.closed[0].by == ClosedBy::us);
}

TEST_CASE("the keep-alive's round trip is a fact of the connection, where it was asked for") {
  for (const bool asked : {true, false}) {
    World world;
    ws::ServerOptions options;
    options.measure_round_trips = asked;
    ws::Server server(world.loop, {}, std::move(options));
    server.on_open([](ws::Connection&) {});
    REQUIRE(server.listen({.host = "127.0.0.1", .port = 9002}));
    Peer peer = Peer::connect(*net::Address::parse("127.0.0.1:9002"));
    peer.send(upgrade_request());
    world.settle();
    REQUIRE(peer.take().starts_with("HTTP/1.1 101"));
    world.run_for(30001_ms);
    const std::string ping = peer.take();
    REQUIRE(ping.size() == 6);
    const auto round_trip = [&] {
      net::Duration result{};
      server.for_each([&](ws::Connection& c) { result = c.round_trip(); });
      return result;
    };
    CHECK(round_trip() == net::Duration{});
    world.run_for(250_ms);
    peer.send(client_frame(0x8A, ping.substr(2)));
    world.settle();
    const net::Duration measured = round_trip();
    if (asked) {
      // The ping left when its millisecond began.
      CHECK(measured >= 250_ms);
      CHECK(measured <= 252_ms);
    } else {
      CHECK(measured == net::Duration{});
    }
    peer.close();
    world.settle();
  }
}

namespace {

// A connection of a server that measures what its pings take.
struct Measured {
  ~Measured() {
    peer.close();
    world.settle();
  }
  // What is in the ping that comes next.
  std::string next_ping() {
    world.run_for(30002_ms);
    const std::string ping = peer.take();
    REQUIRE(ping.size() == 6);
    return ping.substr(2);
  }
  ws::RoundTrips trips() {
    ws::RoundTrips result;
    server.for_each([&](ws::Connection& c) { result = c.round_trips(); });
    return result;
  }
  static ws::ServerOptions options() {
    ws::ServerOptions options;
    options.measure_round_trips = true;
    return options;
  }

  Peer enter() {
    server.on_open([](ws::Connection&) {});
    REQUIRE(server.listen({.host = "127.0.0.1", .port = 9002}));
    Peer entering = Peer::connect(*net::Address::parse("127.0.0.1:9002"));
    entering.send(upgrade_request());
    world.settle();
    static_cast<void>(entering.take());
    return entering;
  }

  World world;
  ws::Server server{world.loop, {}, options()};
  Peer peer = enter();
};

}  // namespace

TEST_CASE("a round trip does not count the time in which its connection did not read") {
  Measured measured;
  const std::string pong = client_frame(0x8A, measured.next_ping());
  measured.server.for_each([](ws::Connection& c) { c.pause(); });
  measured.peer.send(pong);
  measured.world.run_for(600_s);
  measured.server.for_each([](ws::Connection& c) { c.resume(); });
  measured.world.settle();
  CHECK(measured.trips().count == 1);
  CHECK(measured.trips().latest <= 4_ms);
}

TEST_CASE("round trips are smoothed as RFC 6298 says") {
  ws::RoundTrips trips;
  CHECK(trips.count == 0);
  trips.add(800_ms);
  CHECK(trips.latest == 800_ms);
  CHECK(trips.smoothed == 800_ms);
  CHECK(trips.variation == 400_ms);
  trips.add(1600_ms);
  CHECK(trips.latest == 1600_ms);
  CHECK(trips.smoothed == 900_ms);   // 7/8 * 800 + 1/8 * 1600
  CHECK(trips.variation == 500_ms);  // 3/4 * 400 + 1/4 * 800
  trips.add(100_ms);
  CHECK(trips.smoothed == 800_ms);
  CHECK(trips.variation == 575_ms);
  // A steady peer in the end, whatever it was before.
  for (int i = 0; i < 200; ++i) trips.add(200_ms);
  CHECK(trips.smoothed < 201_ms);
  CHECK(trips.smoothed >= 199_ms);
  CHECK(trips.variation < 1_ms);
  CHECK(trips.count == 203);
  trips.add(net::Duration{-5});
  CHECK(trips.latest == net::Duration{});
}

TEST_CASE("a connection smooths what its peer's pongs take") {
  Measured measured;
  for (const net::Duration answer_after : {400_ms, 800_ms, 1200_ms}) {
    const std::string pong = client_frame(0x8A, measured.next_ping());
    measured.world.run_for(answer_after);
    // Any other pong is no sample.
    measured.peer.send(client_frame(0x8A, "other"));
    measured.peer.send(pong);
    measured.peer.send(pong);
    measured.world.settle();
    CHECK(measured.trips().latest >= answer_after);
    CHECK(measured.trips().latest <= answer_after + 4_ms);
  }
  CHECK(measured.trips().count == 3);
  CHECK(measured.trips().smoothed >= 543_ms);  // 400, 450, 543.75
  CHECK(measured.trips().smoothed <= 548_ms);
}

// SPDX-License-Identifier: MIT
//
// What accept can answer, and what the listener makes of it: rows 3 to 7 of the catalogue.

#include <doctest/doctest.h>

#include <vector>

#include "tests/sim/world.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;
using std::errc;

namespace {

// That the server still serves.
void check_serves(World& world, EchoServer& echo) {
  Peer peer = echo.open_peer();
  peer.send(client_frame(0x81, "still there?"));
  world.settle();
  CHECK(peer.take() == "\x81\x0Cstill there?");
}

}  // namespace

TEST_CASE("3, 7: an error of the connection that arrives is skipped, and the next one is served") {
  for (const errc error :
       {errc::connection_aborted, errc::interrupted, errc::protocol_error,
        errc::operation_not_permitted, errc::network_down, errc::network_unreachable,
        errc::host_unreachable, errc::no_protocol_option, errc::operation_not_supported}) {
    CAPTURE(static_cast<int>(error));
    World world;
    EchoServer echo(world);
    const Baseline before = world.baseline();
    world.network.accept_errors = {error, error};
    Peer peer = Peer::connect(echo.address);
    const net::Time start = world.network.now();
    peer.send(upgrade_request());
    world.settle();
    CHECK(peer.take().starts_with("HTTP/1.1 101 "));
    CHECK(world.network.now() == start);
    CHECK(echo.all_rejects() == 0);
    CHECK(echo.log.empty());
    peer.reset();
    world.settle();
    CHECK(world.baseline() == before);
  }
}

TEST_CASE("3: a peer that resets before it is accepted leaves nothing behind") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  for (int i = 0; i < 3; ++i) Peer::connect(echo.address).reset();
  world.settle();
  CHECK(echo.opened == 0);
  CHECK(echo.log.empty());
  CHECK(world.baseline() == before);
  check_serves(world, echo);
}

TEST_CASE("4: a peer that resets between accept and read is freed, and nobody is told") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = Peer::connect(echo.address);
  world.settle();
  CHECK(echo.server.http_connection_count() == 1);
  peer.send(upgrade_request().substr(0, 40));
  peer.reset();
  world.settle();
  CHECK(echo.opened == 0);
  CHECK(echo.closed.empty());
  CHECK(echo.log.empty());
  CHECK(world.baseline() == before);
}

TEST_CASE("all addresses are those there are: without IPv6 those of IPv4") {
  World world;
  EchoServer echo(world);
  CHECK(echo.server.listen({.host = ""})->family() == net::Family::ipv6);
  world.network.has_ipv6 = false;
  const Result<net::Address> all = echo.server.listen({.host = ""});
  REQUIRE(all);
  CHECK(all->family() == net::Family::ipv4);
  Peer peer = Peer::connect(*all);
  peer.send(upgrade_request());
  world.settle();
  CHECK(peer.take().starts_with("HTTP/1.1 101 "));
  // Who asks for IPv6 is told.
  CHECK(echo.server.listen({.host = "::1"}).error() == errc::address_family_not_supported);
}

TEST_CASE("5: without descriptors the waiting peers are dropped, and the next ones are served") {
  for (const errc error : {errc::too_many_files_open, errc::too_many_files_open_in_system}) {
    CAPTURE(static_cast<int>(error));
    World world;
    EchoServer echo(world);
    const Baseline before = world.baseline();
    std::vector<Peer> peers;
    for (int i = 0; i < 5; ++i) peers.push_back(Peer::connect(echo.address));
    world.network.accept_errors = {error};
    world.settle();
    for (Peer& peer : peers) CHECK(peer.saw_fin());
    CHECK(echo.server.metrics().accepted == 0);
    CHECK(echo.server.metrics().shed == 5);
    CHECK(echo.rejects(ws::Errc::no_descriptors) == 1);
    REQUIRE(echo.log.size() == 1);
    CHECK(echo.log[0].find("layer=tcp reason=emfile ") != std::string::npos);
    // The pause: nobody is accepted before its end, and nobody is forgotten.
    Peer late = Peer::connect(echo.address);
    late.send(upgrade_request());
    world.run_for(9_ms);
    CHECK(late.received().empty());
    world.run_for(2_ms);
    CHECK(late.received().starts_with("HTTP/1.1 101 "));
    late.reset();
    world.settle();
    CHECK(world.baseline() == before);
  }
}

TEST_CASE("5: at the limit of descriptors the reserve drops peers, without spinning") {
  World world;
  EchoServer echo(world);
  std::vector<Peer> open;
  for (int i = 0; i < 3; ++i) open.push_back(echo.open_peer());
  world.network.descriptors_max = world.network.open_descriptors();
  std::vector<Peer> late;
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 20; ++i) late.push_back(Peer::connect(echo.address));
    world.run_for(1_s);
  }
  for (Peer& peer : late) CHECK((peer.saw_fin() || peer.saw_reset()));
  CHECK(echo.server.metrics().shed == 200);
  CHECK(world.network.open_descriptors() <= world.network.descriptors_max);
  // Each second: the peers themselves, and the two attempts that find there is no more.
  CHECK(world.network.accept_calls < 300);
  CHECK(world.network.waits < 200);
  // Those who were there are served on, and there is room again when one of them has left.
  open[0].send(client_frame(0x81, "me?"));
  world.settle();
  CHECK(open[0].take() == "\x81\x03me?");
  open[1].reset();
  world.run_for(2_s);
  check_serves(world, echo);
}

TEST_CASE("6: a lack of kernel memory pauses the listener, longer each time, up to a second") {
  for (const errc error : {errc::no_buffer_space, errc::not_enough_memory}) {
    CAPTURE(static_cast<int>(error));
    World world;
    EchoServer echo(world);
    const Baseline before = world.baseline();
    world.network.accept_errors.assign(12, error);
    Peer peer = Peer::connect(echo.address);
    peer.send(upgrade_request());
    const net::Time start = world.network.now();
    std::vector<std::int64_t> tries;
    for (std::uint64_t calls = 0; calls < 12;) {
      CHECK(world.loop.run_once(2_s));
      if (world.network.accept_calls == calls) continue;
      calls = world.network.accept_calls;
      tries.push_back((world.network.now() - start).to_milliseconds());
    }
    REQUIRE(tries.size() == 12);
    std::int64_t expected = 0;
    std::int64_t pause = 10;
    for (std::size_t i = 0; i < tries.size(); ++i) {
      CAPTURE(i);
      // The wheel may be a millisecond late, each time.
      CHECK(tries[i] >= expected);
      CHECK(tries[i] <= expected + static_cast<std::int64_t>(i) + 1);
      expected += pause;
      pause = std::min<std::int64_t>(pause * 2, 1000);
    }
    CHECK(echo.rejects(ws::Errc::no_descriptors) == 12);
    CHECK(echo.server.metrics().shed == 0);
    // The connection was not lost meanwhile.
    world.run_for(1001_ms);
    CHECK(peer.received().starts_with("HTTP/1.1 101 "));
    peer.reset();
    world.settle();
    CHECK(world.baseline() == before);
    // Success has set the pause back to its least.
    world.network.accept_errors.assign(1, error);
    Peer next = Peer::connect(echo.address);
    next.send(upgrade_request());
    world.run_for(11_ms);
    CHECK(next.received().starts_with("HTTP/1.1 101 "));
  }
}

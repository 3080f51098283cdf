// SPDX-License-Identifier: MIT
//
// The deadlines of a client on its way to an open connection, on the virtual clock: row 104 of the
// catalogue, RFC 8305's 250 ms, and names that are slow.

#include <doctest/doctest.h>

#include <string>
#include <system_error>
#include <vector>

#include "tests/sim/world.h"
#include "ws/client.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

net::Address ip(std::string_view text, std::uint16_t port = 9001) {
  return *net::Address::from_ip(text, port);
}

// "At once" is a matter of turns and of the wheel's next millisecond.
constexpr net::Duration at_once = 5_ms;

// A client and what it was told, and when.
struct Caller {
  explicit Caller(World& w) : world(w), start(w.network.now()), client(w.loop) {
    client.on_open([this](ws::Connection& c) { opened.push_back(c.peer().to_string()); })
        .on_failed([this](std::error_code error) {
          failed.push_back(error);
          failed_after = world.network.now() - start;
        });
  }
  void call(std::string_view url) { REQUIRE(client.connect({.url = url})); }

  World& world;
  net::Time start;
  std::vector<std::string> opened;
  std::vector<std::error_code> failed;
  net::Duration failed_after;
  ws::Client client;
};

void check_failed(const Caller& caller, std::error_code error, net::Duration after) {
  REQUIRE(caller.failed.size() == 1);
  CHECK(caller.failed[0] == error);
  CHECK(caller.failed_after >= after);
  CHECK(caller.failed_after <= after + at_once);
  CHECK(caller.opened.empty());
}

}  // namespace

TEST_CASE("104: an address that never answers is given up after ten seconds") {
  World world;
  world.network.blackhole(ip("192.0.2.1"));
  const Baseline before = world.baseline();
  Caller caller(world);
  caller.call("ws://192.0.2.1:9001/");
  world.run_for(20_s);
  check_failed(caller, ws::Errc::response_timeout, 10_s);
  CHECK(world.baseline() == before);
}

TEST_CASE("104: a server that accepts and says nothing is given up after ten seconds") {
  World world;
  PeerListener listener("127.0.0.1:9001");
  const Baseline before = world.baseline();
  Caller caller(world);
  caller.call("ws://127.0.0.1:9001/");
  world.run_for(at_once);
  Peer server = listener.accept();
  CHECK(server.take().starts_with("GET / HTTP/1.1\r\n"));
  // Half an answer wins no time.
  world.run_for(9_s);
  server.send("HTTP/1.1 101 Switching");
  world.run_for(10_s);
  check_failed(caller, ws::Errc::response_timeout, 10_s);
  CHECK(server.saw_reset());
  CHECK(world.baseline() == before);
}

TEST_CASE("104: a server that ends or resets in the middle of its head is an error at once") {
  for (const unsigned taken_error : {0U, 100U}) {
    for (const bool reset : {false, true}) {
      World world;
      world.network.faults.taken_error = taken_error;
      PeerListener listener("127.0.0.1:9001");
      const Baseline before = world.baseline();
      Caller caller(world);
      caller.call("ws://127.0.0.1:9001/");
      world.run_for(2_ms);
      {
        Peer server = listener.accept();
        static_cast<void>(server.take());
        server.send("HTTP/1.1 101 Swi");
        if (reset) server.reset();
      }
      world.run_for(2_ms);
      check_failed(
          caller,
          std::make_error_code(reset ? std::errc::connection_reset : std::errc::connection_aborted),
          0_s);
      CHECK(world.baseline() == before);
    }
  }
}

TEST_CASE("a port where nobody listens is an error at once") {
  for (const unsigned taken_error : {0U, 100U}) {
    World world;
    world.network.faults.taken_error = taken_error;
    const Baseline before = world.baseline();
    Caller caller(world);
    caller.call("ws://127.0.0.1:9001/");
    world.run_for(at_once);
    check_failed(caller, std::make_error_code(std::errc::connection_refused), 0_s);
    CHECK(world.baseline() == before);
  }
}

TEST_CASE("a name that is not known fails at once, one that is slow after five seconds") {
  World world;
  world.network.names["slow.test"] = {{ip("127.0.0.1")}, 60_s};
  const Baseline before = world.baseline();
  Caller unknown(world);
  unknown.call("ws://unknown.test:9001/");
  Caller slow(world);
  slow.call("ws://slow.test:9001/");
  world.run_for(20_s);
  check_failed(unknown, std::make_error_code(std::errc::no_such_device_or_address), 0_s);
  check_failed(slow, std::make_error_code(std::errc::timed_out), 5_s);
  CHECK(world.baseline() == before);
}

TEST_CASE("a family that does not answer gets company after 250 ms (RFC 8305 §5)") {
  World world;
  EchoServer echo(world);
  world.network.blackhole(ip("2001:db8::1"));
  world.network.names["both.test"] = {{ip("2001:db8::1"), ip("127.0.0.1")}, 0_s};
  const Baseline before = world.baseline();
  {
    Caller caller(world);
    caller.call("ws://both.test:9001/");
    world.run_for(249_ms);
    CHECK(caller.opened.empty());
    world.run_for(3_ms);
    CHECK(caller.opened == std::vector<std::string>{"127.0.0.1:9001"});
    CHECK(caller.failed.empty());
  }
  world.settle();
  CHECK(world.baseline() == before);
}

TEST_CASE("an address that refuses hands over to the next at once") {
  World world;
  EchoServer echo(world);
  world.network.names["both.test"] = {{ip("::1"), ip("127.0.0.1")}, 0_s};
  const Baseline before = world.baseline();
  {
    Caller caller(world);
    caller.call("ws://both.test:9001/");
    world.run_for(at_once);
    CHECK(caller.opened.size() == 1);
  }
  world.settle();
  CHECK(world.baseline() == before);
}

TEST_CASE("a client that is destroyed on its way takes everything along") {
  World world;
  EchoServer echo(world);
  world.network.blackhole(ip("2001:db8::1"));
  world.network.names["both.test"] = {{ip("2001:db8::1"), ip("127.0.0.1")}, 40_ms};
  const Baseline before = world.baseline();
  for (int turns = 0; turns < 12; ++turns) {
    {
      Caller caller(world);
      caller.call("ws://both.test:9001/");
      for (int turn = 0; turn < turns; ++turn) CHECK(world.loop.run_once(1_s));
    }
    world.settle();
    CHECK(world.baseline() == before);
  }
}

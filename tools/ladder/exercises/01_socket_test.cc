// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/socket_pair.h"
#include "tools/ladder/exercises/01_socket.h"

using namespace hilo;
using exercise::Ends;
using exercise::ends_of;

namespace {

net::Fd door_of_a_server() {
  Result<net::Fd> listening = net::socket::listen(*net::Address::parse("127.0.0.1:0"), {});
  REQUIRE(listening);
  return std::move(*listening);
}

}  // namespace

TEST_SUITE_BEGIN("1: name both ends of a connection");

TEST_CASE("what is local to one end is remote to the other") {
  const test::SocketPair pair = test::tcp_pair();
  const Ends connected = ends_of(pair.a.value());
  const Ends accepted = ends_of(pair.b.value());
  CHECK(connected.local.starts_with("127.0.0.1:"));
  CHECK(connected.local == accepted.remote);
  CHECK(connected.remote == accepted.local);
}

TEST_CASE("the port is the one that the kernel gave, and not its two bytes the wrong way round") {
  const net::Fd listening = door_of_a_server();
  const std::uint16_t port = net::socket::local_address(listening.value())->port();
  CHECK(ends_of(listening.value()).local == "127.0.0.1:" + std::to_string(port));
}

TEST_CASE("who only listens has no remote end") {
  const net::Fd listening = door_of_a_server();
  const Ends ends = ends_of(listening.value());
  CHECK(!ends.local.empty());
  CHECK(ends.remote.empty());
}

TEST_CASE("many callers of one door: each connection has a name of its own") {
  const net::Fd listening = door_of_a_server();
  const net::Address door = *net::socket::local_address(listening.value());
  std::vector<net::Fd> open;
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    Result<net::Fd> client = net::socket::open_stream(net::Family::ipv4);
    REQUIRE(client);
    net::socket::connect(client->value(), door);
    Result<net::Fd> accepted = net::socket::accept(listening.value(), nullptr);
    REQUIRE(accepted);
    open.push_back(std::move(*client));
    open.push_back(std::move(*accepted));
    const Ends ends = ends_of(open.back().value());
    CHECK(ends.local == door.to_string());
    CHECK(ends.remote == net::socket::peer_address(open.back().value())->to_string());
    names.insert(ends.local + " <-> " + ends.remote);
  }
  CHECK(names.size() == 20);
}

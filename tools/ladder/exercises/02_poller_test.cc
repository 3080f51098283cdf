// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/support/socket_pair.h"
#include "tools/ladder/exercises/02_poller.h"
#include "tools/ladder/exercises/shown.h"

using namespace hilo;
using exercise::ready_to_read;

namespace {

struct Crowd {
  explicit Crowd(int count) {
    for (int i = 0; i < count; ++i) {
      pairs.push_back(test::socket_pair());
      fds.push_back(pairs.back().a.value());
    }
  }
  void say_something(std::size_t i) { net::socket::send(pairs[i].b.value(), as_bytes("hola")); }

  std::vector<test::SocketPair> pairs;
  std::vector<int> fds;
};

}  // namespace

TEST_SUITE_BEGIN("2: which of many sockets are ready to be read?");

TEST_CASE("of sockets that have nothing to say none is ready, and nobody waits") {
  const Crowd crowd{3};
  CHECK(ready_to_read(crowd.fds).empty());
  CHECK(ready_to_read({}).empty());
}

TEST_CASE("those with something to read are ready, in the order in which they came") {
  Crowd crowd{4};
  crowd.say_something(3);
  crowd.say_something(1);
  CHECK(ready_to_read(crowd.fds) == std::vector{crowd.fds[1], crowd.fds[3]});
}

TEST_CASE("readiness is a level: it is told again until all was read") {
  Crowd crowd{1};
  crowd.say_something(0);
  CHECK(ready_to_read(crowd.fds) == crowd.fds);
  CHECK(ready_to_read(crowd.fds) == crowd.fds);
  std::array<std::uint8_t, 2> half{};
  net::socket::receive(crowd.fds[0], half);
  CHECK(ready_to_read(crowd.fds) == crowd.fds);
  net::socket::receive(crowd.fds[0], half);
  CHECK(ready_to_read(crowd.fds).empty());
}

TEST_CASE("a peer that is gone is something to read: the end") {
  Crowd crowd{2};
  crowd.pairs[1].b.reset();
  CHECK(ready_to_read(crowd.fds) == std::vector{crowd.fds[1]});
}

TEST_CASE("of sixty sockets it finds exactly those that spoke, whoever they are") {
  std::mt19937 random{2};
  for (int round = 0; round < 20; ++round) {
    Crowd crowd{60};
    std::vector<int> spoke;
    for (std::size_t i = 0; i < crowd.fds.size(); ++i) {
      if (random() % 3 != 0) continue;
      crowd.say_something(i);
      spoke.push_back(crowd.fds[i]);
    }
    REQUIRE(ready_to_read(crowd.fds) == spoke);
  }
}

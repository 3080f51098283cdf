// SPDX-License-Identifier: MIT
//
// The low-water mark of a connection's queue, on a network that takes exactly as much as is read.

#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/world.h"

using namespace hilo;
using namespace hilo::sim;
using ws::Sent;

namespace {

// One connection whose peer takes 1000 bytes at a time, and what waited at each on_drained.
struct SlowPeer {
  explicit SlowPeer(const ws::Limits& limits)
      : echo(world, limits), peer((world.network.inbox_bytes = 1000, echo.open_peer())) {
    echo.server.on_drained([this](ws::Connection& c) {
      drained.push_back(c.buffered_bytes());
      if (then) then(c);
    });
    echo.server.for_each([this](ws::Connection& c) { id = c.id(); });
  }
  ws::Connection& connection() { return *echo.server.find(id); }
  void read_once() {
    static_cast<void>(peer.take());
    world.settle();
  }

  World world;
  std::vector<std::size_t> drained;
  std::function<void(ws::Connection&)> then;
  EchoServer echo;
  Peer peer;
  ws::ConnectionId id;
};

ws::Limits limits_with(std::size_t low) {
  ws::Limits limits;
  limits.queue_bytes_max = 20'000;
  limits.queue_bytes_low = low;
  limits.overflow = ws::Overflow::refuse;
  return limits;
}

}  // namespace

TEST_CASE("on_drained comes once, at the low-water mark, or when nothing waits") {
  for (const std::size_t low : {std::size_t{0}, std::size_t{4500}}) {
    CAPTURE(low);
    SlowPeer slow(limits_with(low));
    CHECK(slow.connection().send_text(std::string(15'000, 'x')) == Sent::accepted);
    slow.world.settle();
    CHECK(slow.connection().buffered_bytes() > 13'000);
    std::size_t before = slow.connection().buffered_bytes();
    while (slow.drained.empty()) {
      before = slow.connection().buffered_bytes();
      slow.read_once();
    }
    CHECK(before > low);
    CHECK(slow.drained.front() <= low);
    CHECK((slow.drained.front() > 0) == (low > 0));
    for (int i = 0; i < 20; ++i) slow.read_once();
    CHECK(slow.connection().buffered_bytes() == 0);
    CHECK(slow.drained.size() == 1);
    // The next time the queue fills, it is told again.
    CHECK(slow.connection().send_text(std::string(15'000, 'x')) == Sent::accepted);
    for (int i = 0; i < 20; ++i) slow.read_once();
    CHECK(slow.drained.size() == 2);
  }
}

TEST_CASE("whoever is refused below the low-water mark hears of the room all the same") {
  SlowPeer slow(limits_with(4500));
  CHECK(slow.connection().send_text(std::string(15'000, 'x')) == Sent::accepted);
  slow.world.settle();
  Sent last = Sent::closed;
  slow.then = [&](ws::Connection& c) {
    if (last != Sent::accepted) last = c.send_text(std::string(19'000, 'y'));
  };
  while (slow.drained.empty()) slow.read_once();
  CHECK(last == Sent::refused);
  for (int i = 0; i < 10; ++i) slow.read_once();
  CHECK(last == Sent::accepted);
  CHECK(slow.drained.size() >= 2);
}

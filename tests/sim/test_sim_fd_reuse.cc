// SPDX-License-Identifier: MIT
//
// A descriptor number is free the moment it is closed, and the next accept gets it. An event of the
// same batch for its former owner must not reach the new one.

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "tests/sim/world.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

// Watches one descriptor and does what the test says when it is ready.
class Probe final : public net::Watcher {
 public:
  void watch(World& world, net::Fd fd) {
    fd_ = std::move(fd);
    token_ = *world.loop.watch(fd_.value(), net::Interest::read, *this);
  }
  void close(World& world) {
    world.loop.unwatch(token_);
    fd_.reset();
  }
  int fd() const { return fd_.value(); }

  int calls = 0;
  Callback<void()> then;

 private:
  void on_ready(net::Ready) override {
    ++calls;
    if (then) then();
  }
  net::Fd fd_;
  net::Token token_;
};

}  // namespace

TEST_CASE("a stale event does not reach the connection that got the same number in the batch") {
  World world;
  const net::Address address = *net::Address::parse("127.0.0.1:9001");
  net::Fd listening = std::move(*net::socket::listen(address, {}));
  Probe first;
  Probe second;
  Probe heir;
  Peer first_peer = Peer::connect(address);
  Peer second_peer = Peer::connect(address);
  first.watch(world, std::move(*net::socket::accept(listening.value(), nullptr)));
  second.watch(world, std::move(*net::socket::accept(listening.value(), nullptr)));
  Peer heirs_peer = Peer::connect(address);

  // Both are ready in one batch; the first to be called ends the second and takes its number.
  const int number = second.fd();
  first_peer.send("1");
  second_peer.send("2");
  first.then = [&] {
    second.close(world);
    heir.watch(world, std::move(*net::socket::accept(listening.value(), nullptr)));
  };
  CHECK(world.loop.run_once({}));
  CHECK(heir.fd() == number);
  CHECK(first.calls == 1);
  CHECK(second.calls == 0);
  CHECK(heir.calls == 0);

  // Its own event does reach it.
  first.then = nullptr;
  heirs_peer.send("3");
  CHECK(world.loop.run_once({}));
  CHECK(heir.calls == 1);
  first.close(world);
  heir.close(world);
}

TEST_CASE("numbers that change hands every turn carry nothing over") {
  World world(7);
  world.network.faults.shuffled = 100;
  world.network.faults.held_back = 50;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Random& random = world.network.random();
  std::vector<Peer> peers;
  for (int round = 0; round < 500; ++round) {
    if (peers.size() < 20) {
      peers.push_back(Peer::connect(echo.address));
      peers.back().send(upgrade_request());
    }
    Peer& peer = peers[random.below(peers.size())];
    if (random.chance(40)) {
      if (random.chance(50)) peer.reset();
      peers.erase(peers.begin() + (&peer - peers.data()));
    }
    CHECK(world.loop.run_once({}));
  }
  world.settle();
  for (Peer& peer : peers) CHECK(peer.take().starts_with("HTTP/1.1 101 "));
  CHECK(echo.server.connection_count() == peers.size());
  CHECK(echo.log.empty());
  CHECK(world.network.open_descriptors() == before.descriptors + peers.size());
  peers.clear();
  world.settle();
  CHECK(world.baseline() == before);
}

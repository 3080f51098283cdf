// SPDX-License-Identifier: MIT
//
// The simulated kernel against what the real one does.

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <string>
#include <utility>

#include "net/clock.h"
#include "net/entropy.h"
#include "net/signals.h"
#include "net/socket.h"
#include "tests/sim/world.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

const Address address = *Address::parse("127.0.0.1:9001");

// Two ends of one connection, by the calls that the product makes.
struct Pair {
  Pair() : listening(std::move(*net::socket::listen(address, {}))) {
    client = std::move(*net::socket::open_stream(Family::ipv4));
    CHECK(net::socket::connect(client.value(), address).kind == Io::Kind::would_block);
    CHECK(net::socket::finish_connect(client.value()));
    server = std::move(*net::socket::accept(listening.value(), nullptr));
  }
  Fd listening;
  Fd client;
  Fd server;
};

Io send(const Fd& fd, std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return net::socket::send(fd.value(), {&bytes, 1});
}

std::string receive(const Fd& fd) {
  std::array<std::uint8_t, 100> bytes;
  const Io io = net::socket::receive(fd.value(), bytes);
  if (io.kind == Io::Kind::end) return "(end)";
  if (io.kind == Io::Kind::would_block) return "(nothing)";
  if (io.kind == Io::Kind::failed) return "(" + std::error_code{io.error}.message() + ")";
  return std::string(as_text(Bytes{bytes}.first(io.bytes)));
}

}  // namespace

TEST_CASE("the lowest free number is given out first") {
  Network network;
  Fd a = std::move(*net::socket::open_reserve());
  Fd b = std::move(*net::socket::open_reserve());
  Fd c = std::move(*net::socket::open_reserve());
  CHECK(a.value() == 3);
  CHECK(c.value() == 5);
  b.reset();
  a.reset();
  CHECK(net::socket::open_reserve()->value() == 3);
  network.descriptors_max = 1;
  CHECK(net::socket::open_reserve().error() == std::errc::too_many_files_open);
}

TEST_CASE("FIN ends one direction, and closing ends both") {
  Network network;
  Pair pair;
  CHECK(send(pair.client, "last words").bytes == 10);
  CHECK(net::socket::shutdown_write(pair.client.value()));
  CHECK(receive(pair.server) == "last words");
  CHECK(receive(pair.server) == "(end)");
  CHECK(send(pair.client, "more").error == std::errc::broken_pipe);
  CHECK(send(pair.server, "answer").bytes == 6);
  CHECK(receive(pair.client) == "answer");
  pair.server.reset();
  CHECK(receive(pair.client) == "(end)");
}

TEST_CASE("closing with input unread resets the peer, who can read what came before") {
  Network network;
  Pair pair;
  CHECK(send(pair.client, "never read").bytes == 10);
  CHECK(send(pair.server, "was on its way").bytes == 14);
  pair.server.reset();
  CHECK(receive(pair.client) == "was on its way");
  CHECK(receive(pair.client) == "(Connection reset by peer)");
  CHECK(receive(pair.client) == "(end)");
  CHECK(send(pair.client, "x").error == std::errc::broken_pipe);
}

TEST_CASE("sending to a peer that is gone succeeds once") {
  Network network;
  Pair pair;
  pair.server.reset();
  CHECK(send(pair.client, "into the void").bytes == 13);
  CHECK(network.readiness(*network.at(pair.client.value())).broken);
  CHECK(send(pair.client, "x").error == std::errc::broken_pipe);
}

TEST_CASE("a full queue blocks, and reading makes room") {
  Network network;
  network.inbox_bytes = 10;
  Pair pair;
  CHECK(send(pair.client, "0123456789abc").bytes == 10);
  CHECK(send(pair.client, "abc").kind == Io::Kind::would_block);
  CHECK_FALSE(network.readiness(*network.at(pair.client.value())).writable);
  CHECK(receive(pair.server) == "0123456789");
  CHECK(network.readiness(*network.at(pair.client.value())).writable);
}

TEST_CASE("a reset at a given byte lets exactly the bytes before it through") {
  Network network;
  network.faults.reset = 100;
  network.faults.reset_byte_max = 50;
  Pair pair;
  std::size_t sent = 0;
  while (true) {
    const Io io = send(pair.client, "z");
    if (io.kind != Io::Kind::done) break;
    sent += io.bytes;
  }
  CHECK(sent >= 1);
  CHECK(sent <= 50);
  CHECK(receive(pair.server) == std::string(sent, 'z'));
  CHECK(receive(pair.server) == "(Connection reset by peer)");
}

TEST_CASE("time passes only when nobody has anything to do, and then at once") {
  World world;
  const Time start = clock_now();
  Time fired{};
  world.loop.call_after(1_min * 60 * 24 * 365, [&] {
    fired = clock_now();
    world.loop.stop();
  });
  CHECK(world.loop.run());
  CHECK(fired - start >= 1_min * 60 * 24 * 365);
  CHECK(fired - start <= 1_min * 60 * 24 * 365 + 1_ms);
}

TEST_CASE("a loop that would wait for ever is told so") {
  World world;
  CHECK(world.loop.run().error() == std::errc::resource_deadlock_would_occur);
}

TEST_CASE("a post from outside wakes the loop, and a raised signal is readable") {
  World world;
  bool ran = false;
  world.loop.post([&ran] { ran = true; });
  world.settle();
  CHECK(ran);
  Signals signals({SIGTERM, SIGINT});
  CHECK(signals.take() == 0);
  world.network.raise(SIGTERM);
  world.network.raise(SIGINT);
  CHECK(world.network.readiness(*world.network.at(signals.fd())).readable);
  CHECK(signals.take() == SIGTERM);
  CHECK(signals.take() == SIGINT);
  CHECK_FALSE(world.network.readiness(*world.network.at(signals.fd())).readable);
}

TEST_CASE("the same seed gives the same bytes, another one others") {
  const auto draw = [](std::uint64_t seed) {
    Network network(seed);
    std::array<std::uint8_t, 16> bytes{};
    CHECK(entropy_fill(bytes));
    return bytes;
  };
  CHECK(draw(1) == draw(1));
  CHECK(draw(1) != draw(2));
}

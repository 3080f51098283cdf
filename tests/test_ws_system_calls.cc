// SPDX-License-Identifier: MIT
//
// What the loop asks of the kernel: as little as it can, whatever the number of connections.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/clock.h"
#include "net/listener.h"
#include "net/poller.h"
#include "net/socket.h"
#include "tests/support/call_counter.h"
#include "tests/support/folder.h"
#include "tests/support/frames.h"
#include "tests/support/skip.h"
#include "tests/support/wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using call_counter::Calls;

namespace {

constexpr std::string_view text = "twenty bytes of text";

// Of turns until `done()`, and how many those were.
struct Turns {
  Calls calls;
  std::int64_t count = 0;
};
template <class Done>
Turns turns_until(net::Loop& loop, Done&& done) {
  Turns turns;
  while (!done()) {
    const Calls before = call_counter::now();
    const Status status = loop.run_once(net::Duration::milliseconds(1));
    turns.calls = turns.calls + (call_counter::now() - before);
    REQUIRE(status);
    REQUIRE(++turns.count < 10'000);
  }
  return turns;
}

// Puts all of it into the kernel without a turn of the loop.
void put(WirePeer& peer, std::string_view bytes) {
  const net::Io io = net::socket::send(peer.fd(), as_bytes(bytes));
  REQUIRE(io.bytes == bytes.size());
}

bool can_count() {
  return call_counter::available && std::string_view(net::Poller::name()) != "kqueue";
}
bool is_epoll() {
  return std::string_view(net::Poller::name()) == "epoll";
}

}  // namespace

#define HILO_NEEDS_COUNTER() \
  if (!can_count()) HILO_SKIP("system calls cannot be counted here")

TEST_CASE("the counter sees what is called") {
  HILO_NEEDS_COUNTER();
  const Calls before = call_counter::now();
  Result<net::Fd> fd = net::socket::open_stream(net::Family::ipv4);
  REQUIRE(fd);
  REQUIRE(net::socket::set_no_delay(fd->value()));
  static_cast<void>(net::socket::shutdown_write(fd->value()));
  static_cast<void>(net::socket::local_address(fd->value()));
  REQUIRE(net::socket::duplicate(fd->value()));  // fcntl, and closed again
  CHECK((call_counter::now() - before) == Calls{.others = 5});
}

TEST_CASE("messages that came together cost a receive and a send, and a turn has one wait") {
  HILO_NEEDS_COUNTER();
  for (const int connections : {1, 64}) {
    for (const std::size_t in_flight : {std::size_t{1}, std::size_t{16}}) {
      CAPTURE(connections);
      CAPTURE(in_flight);
      WireServer server;
      std::deque<WirePeer> peers;
      for (int i = 0; i < connections; ++i) REQUIRE(peers.emplace_back(server).upgrade());
      const std::string frames = repeat(client_frame(0x81, text), in_flight);
      const std::string echoes = repeat(server_frame(0x81, text), in_flight);
      const std::uint64_t sent = server.server.metrics().messages_sent;
      const std::uint64_t all = static_cast<std::uint64_t>(connections) * in_flight;
      for (WirePeer& peer : peers) put(peer, frames);
      const Turns turns = turns_until(
          server.loop, [&] { return server.server.metrics().messages_sent == sent + all; });
      CHECK(turns.calls ==
            Calls{.waits = turns.count, .receives = connections, .sends = connections});
      for (WirePeer& peer : peers) {
        REQUIRE(peer.until_received(echoes.size()));
        CHECK(peer.received == echoes);
      }
    }
  }
}

TEST_CASE("a message to many costs a send for each of them, and four at once cost no more") {
  HILO_NEEDS_COUNTER();
  constexpr int connections = 64;
  for (const std::size_t messages : {std::size_t{1}, std::size_t{4}}) {
    CAPTURE(messages);
    WireServer server;
    server.server.at("/all").on_message([&](ws::Connection&, ws::Message m) {
      server.server.for_each([m](ws::Connection& other) { other.send(m); });
    });
    std::deque<WirePeer> peers;
    for (int i = 0; i < connections; ++i) REQUIRE(peers.emplace_back(server).upgrade("/all"));
    put(peers.front(), repeat(client_frame(0x81, text), messages));
    const Turns turns = turns_until(server.loop, [&] {
      return server.server.metrics().messages_sent == messages * std::size_t{connections};
    });
    CHECK(turns.calls == Calls{.waits = turns.count, .receives = 1, .sends = connections});
  }
}

TEST_CASE("whoever connects costs an accept and a watch") {
  HILO_NEEDS_COUNTER();
  constexpr int newcomers = 10;
  WireServer server;
  std::deque<WirePeer> peers;
  for (int i = 0; i < newcomers; ++i) peers.emplace_back(server);
  Turns turns =
      turns_until(server.loop, [&] { return server.server.http_connection_count() == newcomers; });
#ifdef __linux__
  // It is asked once how many wait.
  CHECK(turns.calls.others == 1);
#else
  // The batch ends with an accept that finds nobody.
  --turns.calls.accepts;
#endif
  turns.calls.others = 0;
  CHECK(turns.calls ==
        Calls{.waits = turns.count, .accepts = newcomers, .watches = is_epoll() ? newcomers : 0});
}

TEST_CASE(
    "whoever comes by a Unix socket costs an accept, and the last one another that finds nobody") {
  HILO_NEEDS_COUNTER();
  constexpr std::size_t newcomers = 3;
  const TemporaryFolder folder;
  const Result<net::Address> path = net::Address::from_unix_path(folder.path("socket"));
  REQUIRE(path);
  net::Loop loop;
  net::Listener listener(loop);
  std::vector<net::Fd> guests;
  REQUIRE(listener.open(*path, {},
                        [&](net::Fd fd, const net::Address&) { guests.push_back(std::move(fd)); }));
  std::vector<net::Fd> clients;
  for (std::size_t i = 0; i < newcomers; ++i) {
    clients.push_back(std::move(*net::socket::open_stream(net::Family::unix_path)));
    REQUIRE(net::socket::connect(clients.back().value(), *path).kind == net::Io::Kind::done);
  }
  const Turns turns = turns_until(loop, [&] { return guests.size() == newcomers; });
  CHECK(turns.calls == Calls{.waits = turns.count, .accepts = newcomers + 1});
}

TEST_CASE("an upgrade costs a receive and a send") {
  HILO_NEEDS_COUNTER();
  WireServer server;
  WirePeer peer(server);
  REQUIRE(server.until([&] { return server.server.http_connection_count() == 1; }));
  put(peer, upgrade_request());
  const Turns turns = turns_until(server.loop, [&] { return server.opened == 1; });
  CHECK(turns.calls == Calls{.waits = turns.count, .receives = 1, .sends = 1});
  REQUIRE(peer.until_contains("HTTP/1.1 101 "));
}

TEST_CASE("connections that are silent cost nothing, and wake nobody") {
  HILO_NEEDS_COUNTER();
  WireServer server;
  std::deque<WirePeer> peers;
  for (int i = 0; i < 64; ++i) REQUIRE(peers.emplace_back(server).upgrade());
  const net::Time end = net::clock_now() + net::Duration::milliseconds(200);
  const Calls before = call_counter::now();
  int turns = 0;
  for (net::Time now; (now = net::clock_now()) < end; ++turns) {
    REQUIRE(server.loop.run_once(end - now));
  }
  CHECK((call_counter::now() - before) == Calls{.waits = turns});
  // A timer is moved now and then. The wheel's finest slots would make it two hundred.
  CHECK(turns <= 20);
}

TEST_CASE("a loop polls busily only while that pays") {
  HILO_NEEDS_COUNTER();
  // Longer than all of it, so that no delay of this process passes for a wait that did not pay.
  net::Loop loop({.busy_poll = net::Duration::seconds(60)});
  constexpr net::Duration longer = net::Duration::milliseconds(100);
  const auto waits = [&](net::Duration patience) {
    const Calls before = call_counter::now();
    REQUIRE(loop.run_once(patience));
    return (call_counter::now() - before).waits;
  };
  CHECK(waits(longer) > 2);
  // In vain: from now on it blocks, and a wait that ends by its own time is no success.
  CHECK(waits(net::Duration::milliseconds(1)) == 1);
  CHECK(waits(longer) == 1);
  // Something comes at once.
  loop.stop();
  CHECK(waits(longer) == 1);
  CHECK(waits(longer) > 2);
}

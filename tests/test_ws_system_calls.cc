// SPDX-License-Identifier: MIT
//
// What the loop asks of the kernel: as little as it can, whatever the number of connections.

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <string_view>

#include "net/poller.h"
#include "net/socket.h"
#include "tests/support/call_counter.h"
#include "tests/support/skip.h"
#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using call_counter::Calls;

namespace {

constexpr std::string_view text = "twenty bytes of text";

std::string repeated(std::string_view piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

// Of one turn, which does not block.
Calls calls_of_a_turn(net::Loop& loop) {
  const Calls before = call_counter::now();
  const Status status = loop.run_once({});
  const Calls after = call_counter::now();
  REQUIRE(status);
  return after - before;
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

TEST_CASE("messages that came together cost a receive and a send, and all who sent them one wait") {
  HILO_NEEDS_COUNTER();
  for (const int connections : {1, 64}) {
    for (const int in_flight : {1, 16}) {
      CAPTURE(connections);
      CAPTURE(in_flight);
      WireServer server;
      std::deque<WirePeer> peers;
      for (int i = 0; i < connections; ++i) REQUIRE(peers.emplace_back(server).upgrade());
      const std::string frames = repeated(client_frame(0x81, text), in_flight);
      const std::string echoes = repeated(server_frame(0x81, text), in_flight);
      for (int round = 0; round < 3; ++round) {
        for (WirePeer& peer : peers) put(peer, frames);
        CHECK(calls_of_a_turn(server.loop) ==
              Calls{.waits = 1, .receives = connections, .sends = connections});
        for (WirePeer& peer : peers) {
          peer.received.clear();
          REQUIRE(peer.until_received(echoes.size()));
          CHECK(peer.received == echoes);
        }
      }
    }
  }
}

TEST_CASE("a message to many costs a send for each of them, and four at once cost no more") {
  HILO_NEEDS_COUNTER();
  constexpr int connections = 64;
  for (const int messages : {1, 4}) {
    CAPTURE(messages);
    WireServer server;
    server.server.at("/all").on_message([&](ws::Connection&, ws::Message m) {
      server.server.for_each([m](ws::Connection& other) { other.send(m); });
    });
    std::deque<WirePeer> peers;
    for (int i = 0; i < connections; ++i) REQUIRE(peers.emplace_back(server).upgrade("/all"));
    put(peers.front(), repeated(client_frame(0x81, text), messages));
    CHECK(calls_of_a_turn(server.loop) == Calls{.waits = 1, .receives = 1, .sends = connections});
  }
}

TEST_CASE("whoever connects costs an accept and a watch") {
  HILO_NEEDS_COUNTER();
  constexpr int newcomers = 10;
  WireServer server;
  std::deque<WirePeer> peers;
  for (int i = 0; i < newcomers; ++i) peers.emplace_back(server);
  // One more accept says that nobody else waits.
  CHECK(calls_of_a_turn(server.loop) ==
        Calls{.waits = 1, .accepts = newcomers + 1, .watches = is_epoll() ? newcomers : 0});
}

TEST_CASE("an upgrade costs a receive and a send") {
  HILO_NEEDS_COUNTER();
  WireServer server;
  WirePeer peer(server);
  REQUIRE(server.until([&] { return server.server.http_connection_count() == 1; }));
  put(peer, upgrade_request());
  CHECK(calls_of_a_turn(server.loop) == Calls{.waits = 1, .receives = 1, .sends = 1});
  REQUIRE(peer.until_contains("HTTP/1.1 101 "));
}

TEST_CASE("connections that are silent cost nothing") {
  HILO_NEEDS_COUNTER();
  WireServer server;
  std::deque<WirePeer> peers;
  for (int i = 0; i < 64; ++i) REQUIRE(peers.emplace_back(server).upgrade());
  REQUIRE(server.loop.run_once({}));
  CHECK(calls_of_a_turn(server.loop) == Calls{.waits = 1});
  // Nor does that one wait end before there is something to do: moving a timer, now and then.
  CHECK(server.loop.until_next_turn() > net::Duration{});
}

// SPDX-License-Identifier: MIT
//
// A limit for all connections together (159 of the catalogue, F17).

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/wire.h"
#include "ws/memory_watch.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

constexpr std::size_t kib = 1024;

ws::Limits limited(std::size_t memory_bytes) {
  ws::Limits limits;
  limits.memory_bytes_max = memory_bytes;
  return limits;
}

// The beginning of a message that is longer than this.
std::string unfinished(std::size_t bytes) {
  return client_frame(0x01, std::string(bytes, 'u'));
}

// Of 256 KiB in all, and with a route that takes bodies.
struct Taking : WireServer {
  Taking() : WireServer(limited(256 * kib)) {
    server.post("/take",
                [](ws::http::Exchange& exchange) { CHECK(exchange.respond(204, {}, {})); });
  }
};

using Peers = std::vector<std::unique_ptr<WirePeer>>;

std::size_t count_ended(Peers& peers) {
  std::size_t count = 0;
  for (auto& peer : peers) {
    peer->receive();
    if (peer->ended || peer->was_reset) ++count;
  }
  return count;
}

std::size_t held(WireServer& server) {
  std::size_t sum = 0;
  server.server.for_each([&](ws::Connection& c) { sum += c.held_bytes(); });
  return sum;
}

std::vector<std::size_t> taken(std::vector<std::size_t> sizes, std::size_t wanted) {
  ws::Largest largest;
  for (const std::size_t size : sizes) largest.count(size, size);
  largest.decide(wanted);
  std::erase_if(sizes, [&](std::size_t size) { return !largest.takes(size, size); });
  return sizes;
}

}  // namespace

TEST_CASE("the largest are taken first, and no more of them than are needed") {
  using Sizes = std::vector<std::size_t>;
  CHECK(taken({1, 1000, 10, 100'000, 100}, 50'000) == Sizes{100'000});
  CHECK(taken({1, 1000, 10, 100'000, 100}, 100'001) == Sizes{1000, 100'000});
  CHECK(taken({600, 600, 600, 600}, 1000) == Sizes{600, 600});
  CHECK(taken({7, 6, 5}, 100) == Sizes{7, 6, 5});
  CHECK(taken({0, 0, 3}, 100) == Sizes{3});
  CHECK(taken({0, 0}, 1).empty());
  CHECK(taken({}, 1).empty());
}

TEST_CASE("of those who hold the same, so many are taken as their shares are wanted") {
  ws::Largest largest;
  for (int i = 0; i < 4; ++i) largest.count(1000, 250);
  largest.count(400, 400);
  largest.decide(500);
  CHECK(largest.takes(1000, 250));
  CHECK_FALSE(largest.takes(400, 400));
  CHECK(largest.takes(1000, 333));  // there is one less to share with
  CHECK_FALSE(largest.takes(1000, 500));
}

TEST_CASE("who holds most of unfinished messages is told 1013, and the others go on (159)") {
  constexpr std::size_t limit = 2048 * kib;
  WireServer server(limited(limit));
  const Baseline before = server.baseline();
  {
    Peers large;
    Peers small;
    for (int i = 0; i < 40; ++i) {
      small.push_back(std::make_unique<WirePeer>(server));
      REQUIRE(small.back()->upgrade());
      REQUIRE(small.back()->send(unfinished(100)));
    }
    // Each is far below message_bytes_max.
    for (int i = 0; i < 40; ++i) {
      large.push_back(std::make_unique<WirePeer>(server));
      REQUIRE(large.back()->upgrade());
      static_cast<void>(large.back()->send(unfinished(100 * kib)));
    }
    REQUIRE(server.until([&] { return server.rejects(Errc::memory_pressure) >= 10; }));
    REQUIRE(server.until([&] { return count_ended(large) >= 10; }));
    CHECK(held(server) <= limit);
    CHECK(server.loop.pool().taken_bytes() <= limit);
    CHECK(count_ended(large) < large.size());
    for (auto& peer : large) {
      if (!peer->ended && !peer->was_reset) continue;
      CHECK(peer->received == server_frame(0x88, close_body(1013)));
    }
    CHECK(count_ended(small) == 0);
    for (auto& peer : small) {
      REQUIRE(peer->send(client_frame(0x80, "!")));
      REQUIRE(peer->until_received(2 + 101));
    }
  }
  REQUIRE(server.settle());
  // Whose last bytes came with their ends may have armed the watch once more.
  CHECK(server.until([&] { return server.baseline() == before; }));
  CHECK(server.closed.size() == 80);
  CHECK(std::any_of(server.log.begin(), server.log.end(), [](const std::string& line) {
    return line.starts_with("lvl=warn ev=reject layer=tcp reason=mem_pressure ");
  }));
}

TEST_CASE("those who stop within a header hold little each, and are counted all the same") {
  constexpr std::size_t limit = 16 * kib;
  WireServer server(limited(limit));
  Peers peers;
  for (int i = 0; i < 100; ++i) {
    peers.push_back(std::make_unique<WirePeer>(server));
    REQUIRE(peers.back()->upgrade());
    REQUIRE(peers.back()->send("\x82"));
  }
  REQUIRE(server.until([&] { return server.rejects(Errc::memory_pressure) > 0; }));
  CHECK(server.until([&] { return server.loop.pool().taken_bytes() <= limit; }));
}

TEST_CASE("those who do not read what is published hold no more together than the limit (F17)") {
  constexpr std::size_t limit = 2048 * kib;
  ws::Limits limits = limited(limit);
  limits.queue_bytes_max = 4096 * kib;
  limits.overflow = ws::Overflow::drop;
  // Messages that wait in a copy for each, and such that wait in one for all.
  for (const std::size_t message : {2 * kib, 64 * kib}) {
    CAPTURE(message);
    WireServer server(limits);
    const Baseline before = server.baseline();
    {
      Peers peers;
      for (int i = 0; i < 30; ++i) {
        peers.push_back(std::make_unique<WirePeer>(server, 4096));
        REQUIRE(peers.back()->upgrade("/mute"));
      }
      WirePeer reads(server);
      REQUIRE(reads.upgrade("/mute"));
      server.server.for_each([](ws::Connection& c) { REQUIRE(c.subscribe("news")); });
      const std::string news(message, 'n');
      std::size_t most = 0;
      for (std::size_t sent = 1; sent <= 6 * limit / message; ++sent) {
        static_cast<void>(server.server.publish("news", ws::Opcode::text, as_bytes(news)));
        // Who reads goes on.
        REQUIRE(reads.until_received(sent * (message + 4)));
        most = std::max(most, server.loop.pool().taken_bytes());
      }
      CHECK(server.rejects(Errc::memory_pressure) != 0);
      // One turn may go above it by what it brings; blocks are powers of two.
      CHECK(most <= 2 * limit);
      CHECK(server.loop.pool().taken_bytes() <= limit);
    }
    REQUIRE(server.settle());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("a request body that is the largest of all is refused with 503") {
  Taking server;
  WirePeer stays(server);
  REQUIRE(stays.upgrade());
  REQUIRE(stays.send(unfinished(50)));
  WirePeer posts(server);
  static_cast<void>(posts.send("POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" +
                               std::string(400 * kib, 'b')));
  REQUIRE(posts.until_end());
  CHECK(posts.received.starts_with("HTTP/1.1 503 "));
  CHECK(server.rejects(Errc::memory_pressure) == 1);
  REQUIRE(stays.send(client_frame(0x80, "!")));
  CHECK(stays.until_contains("!"));
}

TEST_CASE("the head that is kept while its body comes is counted, and its peer answered once") {
  Taking server;
  WirePeer stays(server);
  REQUIRE(stays.upgrade());
  REQUIRE(stays.send(unfinished(50)));
  Peers peers;
  for (int i = 0; i < 60; ++i) {
    peers.push_back(std::make_unique<WirePeer>(server));
    static_cast<void>(peers.back()->send(
        "POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nX: " + std::string(7 * kib, 'h') +
        "\r\n\r\n"));
  }
  REQUIRE(server.until([&] { return count_ended(peers) != 0; }));
  REQUIRE(stays.send(client_frame(0x80, "!")));
  CHECK(stays.until_contains("!"));
  CHECK(server.loop.pool().taken_bytes() <= 256 * kib);
  REQUIRE(server.until([&] { return count_ended(peers) == server.all_rejects(); }));
}

TEST_CASE("without a limit nobody is ended for it") {
  WireServer server(limited(0));
  Peers peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(std::make_unique<WirePeer>(server));
    REQUIRE(peers.back()->upgrade());
    REQUIRE(peers.back()->send(unfinished(500 * kib)));
  }
  REQUIRE(server.until([&] { return held(server) >= 10 * 500 * kib; }));
  CHECK(server.all_rejects() == 0);
}

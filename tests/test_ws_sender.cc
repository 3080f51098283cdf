// SPDX-License-Identifier: MIT
//
// Sender and the Parcels it sends: order and bounds across threads, and what happens to what comes
// too late.

#include "ws/sender.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/wire.h"
#include "ws/parcel.h"

using namespace hilo;
using namespace hilo::test;
using ws::Opcode;
using ws::Posted;
using ws::Sender;

namespace {

struct Desk : WireServer {
  explicit Desk(const ws::Limits& limits = {}) : WireServer(limits) {
    server.at("/desk")
        .on_open([this](ws::Connection& c) { sender = c.sender(); })
        .on_dropped([this](ws::Connection&, Opcode, Bytes payload) {
          dropped.emplace_back(as_text(payload));
        })
        .on_close([this](ws::Connection& c, ws::CloseInfo info) {
          CHECK(sender.is_gone());
          CHECK(c.sender().is_gone());
          closed.push_back({info.code, info.error, info.clean});
        });
  }
  Sender sender;
  std::vector<std::string> dropped;
};

}  // namespace

TEST_CASE("messages of several threads arrive whole and in each thread's order (F34)") {
  Desk desk;
  WirePeer peer(desk);
  REQUIRE(peer.upgrade("/desk"));
  constexpr int threads = 4;
  constexpr int each = 5000;
  std::vector<std::thread> writers;
  for (int t = 0; t < threads; ++t) {
    writers.emplace_back([sender = desk.sender, t] {
      for (int i = 0; i < each; ++i) {
        const std::string text = std::to_string(t) + ":" + std::to_string(10'000 + i);
        while (sender.send_text(text) == Posted::full) std::this_thread::yield();
      }
    });
  }
  constexpr std::size_t all = threads * each * (2 + 7);
  REQUIRE(peer.until_received(all));
  for (std::thread& writer : writers) writer.join();
  std::vector<int> next(threads, 10'000);
  for (std::size_t at = 0; at < all; at += 9) {
    const auto thread = static_cast<std::size_t>(peer.received[at + 2] - '0');
    CHECK(std::stoi(peer.received.substr(at + 4, 5)) == next[thread]++);
  }
  CHECK(peer.received.size() == all);
  CHECK(desk.dropped.empty());
}

TEST_CASE("what was handed over and not yet taken is bounded by the queue's limit") {
  ws::Limits limits;
  limits.queue_bytes_max = 100'000;
  Desk desk(limits);
  WirePeer peer(desk);
  REQUIRE(peer.upgrade("/desk"));
  const std::string text(30'000, 'x');
  CHECK(desk.sender.send_text(text) == Posted::queued);
  CHECK(desk.sender.send_text(text) == Posted::queued);
  CHECK(desk.sender.send_text(text) == Posted::queued);
  CHECK(desk.sender.send_text(text) == Posted::full);
  // Nothing was lost but what was refused, and there is room again.
  REQUIRE(peer.until_received(3 * 30'004));
  int empty = 0;
  while (desk.sender.send_binary({}) == Posted::queued) ++empty;
  CHECK(empty == static_cast<int>(100'000 / ws::parcel_overhead_bytes));
  REQUIRE(peer.until_received(3 * 30'004 + static_cast<std::size_t>(empty) * 2));
  CHECK(desk.dropped.empty());
  // One may always be on its way; this one no queue can ever take.
  CHECK(desk.sender.send_text(std::string(200'000, 'y')) == Posted::queued);
  REQUIRE(desk.settle());
  CHECK(desk.rejects(ws::Errc::slow_consumer) == 1);
}

TEST_CASE("what the connection does not accept when its turn comes is told to on_dropped") {
  for (const ws::Overflow policy : {ws::Overflow::drop, ws::Overflow::refuse}) {
    CAPTURE(static_cast<int>(policy));
    ws::Limits limits;
    limits.queue_bytes_max = 50'000;
    limits.overflow = policy;
    Desk desk(limits);
    WirePeer peer(desk);
    REQUIRE(peer.upgrade("/desk"));
    CHECK(desk.sender.send_text(std::string(60'000, 'x')) == Posted::queued);
    REQUIRE(desk.until([&] { return !desk.dropped.empty(); }));
    CHECK(desk.sender.send_text("fits") == Posted::queued);
    REQUIRE(peer.until_contains("fits"));
    CHECK(peer.received == server_frame(0x81, "fits"));
    REQUIRE(desk.dropped.size() == 1);
    CHECK(desk.dropped[0].size() == 60'000);
  }
}

TEST_CASE("a sender closes its connection behind what it has sent, and is gone then") {
  Desk desk;
  WirePeer peer(desk);
  REQUIRE(peer.upgrade("/desk"));
  const Sender copy = desk.sender;
  CHECK(copy.id() == desk.sender.id());
  CHECK(desk.server.find(copy.id()) != nullptr);
  CHECK(copy.send_text("bye") == Posted::queued);
  CHECK(copy.close(ws::CloseCode::abnormal) == Posted::queued);  // not for the wire: ignored
  CHECK(copy.close(ws::CloseCode::going_away, "enough") == Posted::queued);
  CHECK(copy.send_text("too late") == Posted::queued);
  const std::string answer =
      server_frame(0x81, "bye") + server_frame(0x88, close_body(1001, "enough"));
  REQUIRE(peer.until_received(answer.size()));
  CHECK(peer.received == answer);
  REQUIRE(peer.send(client_frame(0x88, close_body(1001))));
  REQUIRE(desk.settle());
  CHECK(peer.received == answer);
  CHECK(copy.is_gone());
  CHECK(copy.send_text("x") == Posted::gone);
  CHECK(copy.close() == Posted::gone);
  REQUIRE(desk.closed.size() == 1);
  CHECK(desk.closed[0].clean);
}

TEST_CASE("a sender outlives connection, server and loop") {
  Sender sender;
  CHECK(sender.is_gone());
  CHECK(sender.send_text("x") == Posted::gone);
  CHECK(sender.id() == ws::ConnectionId{});
  {
    Desk desk;
    WirePeer peer(desk);
    REQUIRE(peer.upgrade("/desk"));
    sender = desk.sender;
    CHECK(sender.send_text("never leaves") == Posted::queued);
    CHECK_FALSE(sender.is_gone());
  }
  CHECK(sender.is_gone());
  CHECK(sender.send_text("x") == Posted::gone);
}

TEST_CASE("threads may send while the connection ends under their hands") {
  Desk desk;
  for (int round = 0; round < 50; ++round) {
    WirePeer peer(desk);
    REQUIRE(peer.upgrade("/desk"));
    std::thread writer([sender = desk.sender] {
      while (sender.send_text("again and again") != Posted::gone) std::this_thread::yield();
    });
    REQUIRE(peer.until_contains("again"));
    peer.reset();
    REQUIRE(desk.settle());
    writer.join();
  }
  CHECK(desk.opened == 0);
  CHECK(desk.closed.size() == 50);
}

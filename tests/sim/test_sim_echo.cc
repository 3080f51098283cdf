// SPDX-License-Identifier: MIT
//
// The real server and real clients under faults, seed by seed: short reads and writes, refused
// calls, events in any order, connections reset in the middle of a byte stream.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/world.h"
#include "ws/client.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

// One client and its ledger. It sends `messages` as its queue allows, and what comes back has to be
// an exact prefix of what send() accepted.
class LedgerClient {
 public:
  LedgerClient(World& world, std::string url)
      : url_(std::move(url)), client_(world.loop, limits()) {
    Random& random = world.network.random();
    for (std::size_t i = random.between(1, 12); i > 0; --i) {
      // Mostly small, with the lengths at which the header grows, and some larger than any queue
      // of the network.
      const std::size_t most = random.chance(70) ? 200 : random.chance(70) ? 3000 : 70'000;
      std::string text(random.below(most + 1), static_cast<char>('a' + i));
      messages_.push_back(std::move(text));
    }
    client_.on_open([this](ws::Connection& c) { on_open(c); })
        .on_message([this](ws::Connection& c, ws::Message m) { on_message(c, m); })
        .on_drained([this](ws::Connection& c) { send_more(c); })
        .on_close([this](ws::Connection&, ws::CloseInfo info) { on_close(info); })
        .on_failed([this](std::error_code) { ++failed; });
    CHECK(client_.connect({.url = url_}));
  }

  bool is_over() const { return failed + closed != 0; }
  void check(bool resets) const {
    CHECK(opened + failed == 1);
    CHECK(closed == opened);
    CHECK(clean_prefix);
    CHECK(received <= accepted);
    if (resets) return;
    CHECK(opened == 1);
    CHECK(accepted == messages_.size());
    CHECK(received == messages_.size());
    CHECK(was_clean);
  }

  int opened = 0;
  int closed = 0;
  int failed = 0;
  std::size_t accepted = 0;
  std::size_t received = 0;
  bool clean_prefix = true;
  bool was_clean = false;

 private:
  // Little room, so that sending has to wait for on_drained.
  static ws::Limits limits() {
    ws::Limits limits;
    limits.queue_bytes_max = 100'000;
    limits.overflow = ws::Overflow::refuse;
    return limits;
  }
  void on_open(ws::Connection& connection) {
    ++opened;
    send_more(connection);
  }
  void send_more(ws::Connection& connection) {
    while (accepted < messages_.size()) {
      if (connection.send_text(messages_[accepted]) != ws::Sent::accepted) return;
      ++accepted;
    }
  }
  void on_message(ws::Connection& connection, ws::Message message) {
    clean_prefix = clean_prefix && closed == 0 && received < messages_.size() &&
                   message.text() == messages_[received];
    ++received;
    send_more(connection);
    if (received == messages_.size()) CHECK(connection.close());
  }
  void on_close(ws::CloseInfo info) {
    ++closed;
    was_clean = info.clean && info.code == ws::CloseCode::normal;
  }

  std::string url_;
  std::vector<std::string> messages_;
  ws::Client client_;
};

Faults draw_faults(Random& random, bool resets) {
  Faults faults;
  faults.short_io = static_cast<unsigned>(random.below(80));
  faults.would_block = static_cast<unsigned>(random.below(40));
  faults.interrupted = static_cast<unsigned>(random.below(40));
  faults.held_back = static_cast<unsigned>(random.below(60));
  faults.shuffled = static_cast<unsigned>(random.below(101));
  faults.connected_at_once = static_cast<unsigned>(random.below(101));
  if (resets) faults.reset = 40;
  if (resets) faults.taken_error = static_cast<unsigned>(random.below(101));
  return faults;
}

// What one seed did, as a number that two equal runs share.
std::uint64_t run_seed(std::uint64_t seed, bool resets) {
  CAPTURE(seed);
  World world(seed);
  Random& random = world.network.random();
  world.network.faults = draw_faults(random, resets);
  world.network.inbox_bytes = random.chance(50) ? random.between(1, 1000) : 20'000;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  {
    std::vector<std::unique_ptr<LedgerClient>> clients;
    for (std::size_t i = random.between(1, 6); i > 0; --i) {
      clients.push_back(std::make_unique<LedgerClient>(world, "ws://127.0.0.1:9001/"));
    }
    world.run_for(300_s);
    for (const auto& client : clients) {
      CHECK(client->is_over());
      client->check(resets);
    }
  }
  CHECK(echo.opened == static_cast<int>(echo.closed.size()));
  CHECK(echo.server.connection_count() == 0);
  CHECK(echo.server.http_connection_count() == 0);
  CHECK(world.baseline() == before);
  return random.next() ^ world.network.waits ^ echo.server.metrics().payload_bytes_received;
}

}  // namespace

TEST_CASE("an echo loses nothing to short reads and writes, whatever the order of the events") {
  for_each_seed(200, [](std::uint64_t seed) { run_seed(seed, false); });
}

TEST_CASE("a connection that is reset at any byte delivers a prefix and ends once") {
  for_each_seed(200, [](std::uint64_t seed) { run_seed(seed, true); });
}

TEST_CASE("a seed replays exactly") {
  for_each_seed(5, [](std::uint64_t seed) { CHECK(run_seed(seed, true) == run_seed(seed, true)); });
}

TEST_CASE(
    "a peer that resets before it is answered was lost to the network, however much was sent") {
  // Small answers collect, large ones are offered to the kernel from within send().
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{20'000}}) {
    CAPTURE(bytes);
    World world;
    EchoServer echo(world);
    const Baseline before = world.baseline();
    Peer peer = echo.open_peer();
    // The second message is handled while the stream is broken and nobody was told yet.
    peer.send(client_frame(0x82, std::string(bytes, 'x')) + client_frame(0x82, "behind it"));
    peer.reset();
    world.settle();
    CHECK(echo.messages.size() == 2);
    REQUIRE(echo.closed.size() == 1);
    CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
    CHECK(echo.closed[0].by == ws::ClosedBy::network);
    CHECK(echo.closed[0].error == ws::Errc::none);
    CHECK(echo.all_rejects() == 0);
    CHECK(echo.log.empty());
    CHECK(world.baseline() == before);
  }
}

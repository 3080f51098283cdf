// SPDX-License-Identifier: MIT
//
// tools/loops/small_server.h on the virtual clock: its deadlines, and what it does with peers that
// do not read, break the rules, or are too many. That it speaks the protocol is asked by `hilo
// conform` (tests/interop/conform.py).

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/world.h"
#include "tools/loops/small_server.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

struct Small {
  Small() {
    REQUIRE(server->listen(*net::Address::parse("127.0.0.1:9001")));
    before = world.baseline();
  }
  Peer connect() const { return Peer::connect(server->address()); }
  Peer open_peer() {
    Peer peer = connect();
    peer.send(upgrade_request());
    world.settle();
    REQUIRE(peer.take().starts_with("HTTP/1.1 101 "));
    return peer;
  }
  // One that has said Close and heard it back, with our FIN behind it.
  Peer closed_peer() {
    Peer peer = open_peer();
    peer.send(client_frame(0x88, "\x03\xE8"));
    world.settle();
    REQUIRE(peer.take() == close_frame(1000));
    return peer;
  }
  // Nobody is there any more, and nothing is left of who was.
  bool is_clean() { return world.baseline() == before; }

  World world;
  std::unique_ptr<loops::SmallServer> server = std::make_unique<loops::SmallServer>(world.loop);
  Baseline before;
};

}  // namespace

TEST_CASE("the small server gives a request ten seconds, however it drips in") {
  Small small;
  Peer silent = small.connect();
  Peer peer = small.connect();
  for (const char byte : std::string_view("GET / HTTP")) {
    CHECK(peer.take().empty());
    peer.send({&byte, 1});
    small.world.run_for(999_ms);
  }
  CHECK(peer.take().empty());
  small.world.run_for(12_ms);
  CHECK(peer.take().starts_with("HTTP/1.1 408 "));
  CHECK(peer.saw_fin());
  CHECK(silent.take().empty());
  CHECK(silent.saw_fin());
  small.world.run_for(6_s);
  CHECK(small.is_clean());
}

TEST_CASE("the small server refuses what is no handshake, and pages of other origins") {
  struct Row {
    std::string_view request;
    std::string_view answer;
  };
  const std::string foreign =
      std::string(upgrade_request())
          .insert(upgrade_request().size() - 2, "Origin: https://evil.example\r\n");
  for (const Row& row : {Row{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426 "},
                         Row{"nonsense\r\n\r\n", "HTTP/1.1 400 "}, Row{foreign, "HTTP/1.1 403 "}}) {
    CAPTURE(row.request);
    Small small;
    Peer peer = small.connect();
    peer.send(row.request);
    small.world.settle();
    CHECK(peer.take().starts_with(row.answer));
    CHECK(peer.saw_fin());
    // Whatever else it says nobody hears, and nothing keeps.
    peer.send(upgrade_request() + std::string(30'000, 'x'));
    small.world.settle();
    CHECK(peer.take().empty());
    CHECK(small.world.baseline().pool_bytes == small.before.pool_bytes);
    peer.finish_sending();
    small.world.settle();
    CHECK(small.is_clean());
  }
}

TEST_CASE("what the small server refuses it does not keep, however much came with it") {
  Small small;
  Peer peer = small.connect();
  peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(30'000, 'x'));
  small.world.settle();
  const std::string answer = peer.take();
  CHECK(answer.starts_with("HTTP/1.1 426 "));
  CHECK(answer.ends_with("\r\n\r\n"));
  CHECK(small.world.baseline().pool_bytes == small.before.pool_bytes);
}

TEST_CASE("the small server asks who is silent, and gives up who does not answer") {
  Small small;
  Peer lively = small.open_peer();
  Peer dead = small.open_peer();
  small.world.run_for(29'999_ms);
  CHECK(lively.take().empty());
  small.world.run_for(2_ms);
  CHECK(lively.take() == std::string_view("\x89\0", 2));
  lively.send(client_frame(0x8A, ""));
  small.world.run_for(20_s);
  CHECK(dead.saw_reset());
  CHECK_FALSE(lively.saw_reset());
  lively.send(client_frame(0x81, "hola"));
  small.world.settle();
  CHECK(lively.take() == "\x81\x04hola");
}

TEST_CASE("the small server does not read from who does not read, and gives him up in the end") {
  Small small;
  Peer slow = small.open_peer();
  slow.set_capacity(1000);
  const std::string message = client_frame(0x82, std::string(100, 'm'));
  for (int i = 0; i < 100; ++i) slow.send(message);
  small.world.settle();
  // A pause that ends: all of it comes.
  std::size_t came = 0;
  for (int i = 0; i < 30; ++i) {
    small.world.run_for(1_s);
    came += slow.take().size();
  }
  CHECK(came == 100 * std::size_t{102});
  // One that does not.
  for (int i = 0; i < 100; ++i) slow.send(message);
  small.world.run_for(29_s);
  CHECK_FALSE(small.is_clean());
  small.world.run_for(2_s);
  CHECK(small.is_clean());
}

TEST_CASE("the small server gives a message a minute, whatever comes beside it") {
  Small small;
  Peer peer = small.open_peer();
  const std::string frame = client_frame(0x82, std::string(60'000, 'm'));
  peer.send(frame.substr(0, 50'000));
  for (int i = 0; i < 59; ++i) {
    small.world.run_for(1_s);
    peer.send(frame.substr(static_cast<std::size_t>(50'000 + i), 1));
  }
  CHECK(peer.take().empty());
  small.world.run_for(1'001_ms);
  CHECK(peer.take().starts_with("\x88"));
  CHECK(peer.saw_fin());
  small.world.run_for(6_s);
  CHECK(small.is_clean());
}

TEST_CASE("who has said all gets all from the small server while he reads, and in good order") {
  struct Row {
    bool says_close;
    bool ends;
  };
  for (const Row row : {Row{false, true}, Row{true, true}, Row{true, false}}) {
    CAPTURE(row.says_close);
    CAPTURE(row.ends);
    Small small;
    Peer peer = small.open_peer();
    peer.set_capacity(1000);
    const std::string close = row.says_close ? client_frame(0x88, "\x03\xE8") : "";
    peer.send(client_frame(0x82, std::string(60'000, 'm')) + close);
    if (row.ends) peer.finish_sending();
    small.world.run_for(20_s);
    // Slowly: for longer than anybody who does not read is waited for.
    std::string came;
    for (int i = 0; i < 70; ++i) {
      came += peer.take();
      small.world.run_for(1_s);
    }
    CHECK(came.size() == 4 + 60'000 + (row.says_close ? 4 : 0));
    CHECK(peer.saw_fin());
    CHECK(peer.saw_reset() == !row.ends);  // who does not end is waited for no longer
    CHECK(small.is_clean());
  }
}

TEST_CASE("the small server does not reset who ended in good order while it stood still") {
  Small small;
  Peer peer = small.closed_peer();
  peer.finish_sending();
  small.world.network.advance(60_s);
  small.world.settle();
  CHECK_FALSE(peer.saw_reset());
  CHECK(small.is_clean());
}

TEST_CASE("the small server closes as it is closed, and tells what was wrong") {
  Small small;
  Peer polite = small.closed_peer();
  CHECK(polite.saw_fin());
  Peer rude = small.open_peer();
  rude.send("\x81\x04hola");  // without a mask
  small.world.settle();
  CHECK(rude.take() == close_frame(1002));
  polite.finish_sending();
  small.world.run_for(6_s);  // the other one says nothing any more, and is not waited for
  CHECK(small.is_clean());
}

TEST_CASE("one guest too many finds the connection ended, and the next one's place is free again") {
  Small small;
  std::vector<Peer> guests;
  for (int i = 0; i < 1000; ++i) guests.push_back(small.open_peer());
  Peer another = small.connect();
  small.world.settle();
  CHECK((another.saw_fin() || another.saw_reset()));
  guests.pop_back();
  small.world.settle();
  static_cast<void>(small.open_peer());
}

TEST_CASE("a small server that is destroyed takes its guests along") {
  Small small;
  const std::size_t timers = small.world.loop.timers().armed_count();
  Peer open = small.open_peer();
  Peer begun = small.connect();
  begun.send("GET /");
  small.world.settle();
  small.server.reset();
  CHECK(small.world.loop.timers().armed_count() == timers);
  CHECK(open.saw_fin());
}

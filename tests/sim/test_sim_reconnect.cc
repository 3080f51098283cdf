// SPDX-License-Identifier: MIT
//
// Clients that come back, on the virtual clock: how long they wait, after what, and until when; and
// the backoff by itself.

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/sim/world.h"
#include "ws/backoff.h"
#include "ws/client.h"
#include "ws/core/accept_key.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

constexpr std::string_view url = "ws://127.0.0.1:9001/";
constexpr std::string_view place = "127.0.0.1:9001";
constexpr net::Duration at_once = 5_ms;

// A client that comes back, and what it was told, and when.
struct Caller {
  explicit Caller(World& w) : world(w), client(w.loop) {
    client.on_open([this](ws::Connection&) { told("open"); })
        .on_close([this](ws::Connection&, ws::CloseInfo) {
          told("close");
          if (abort_in == "close") client.abort();
        })
        .on_failed([this](std::error_code why) {
          told("failed");
          error = why;
        })
        .on_reconnecting([this](ws::Reconnecting again) {
          told(again.error ? "again" : "lost");
          delays.push_back(again.delay);
          failures = again.failures;
          CHECK(client.connect({.url = url}).error() == std::errc::already_connected);
          if (abort_in == "reconnecting") client.abort();
        });
  }
  void connect(ws::ReconnectOptions options = {}) {
    options.enabled = true;
    REQUIRE(client.connect({.url = url, .reconnect = options}));
  }
  void told(std::string what) {
    what += " ";
    all += what;
    last_at = world.network.now();
  }

  World& world;
  std::string all;
  net::Time last_at;
  std::vector<net::Duration> delays;
  std::uint32_t failures = 0;
  std::error_code error;
  std::string_view abort_in;
  ws::Client client;
};

// Accepts whoever has come, and answers the handshake.
Peer accept_and_answer(World& world, PeerListener& listener) {
  world.run_for(at_once);
  Peer peer = listener.accept();
  world.run_for(at_once);
  const std::string head = peer.take();
  constexpr std::string_view field = "Sec-WebSocket-Key: ";
  REQUIRE(head.find(field) != std::string::npos);
  const auto accept =
      ws::accept_key(std::string_view{head}.substr(head.find(field) + field.size(), 24));
  peer.send(
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
      std::string(accept.data(), accept.size()) + "\r\n\r\n");
  world.run_for(at_once);
  return peer;
}

}  // namespace

TEST_CASE("backoff doubles from base to cap, and any part of it may be the wait") {
  ws::Backoff backoff({.base = 1_s, .cap = 30_s});
  for (const int ceiling : {1, 2, 4, 8, 16, 30, 30, 30}) {
    CHECK(backoff.ceiling() == net::Duration::seconds(ceiling));
    ws::Backoff twin = backoff;
    CHECK(twin.next(0) == 0_s);
    twin = backoff;
    CHECK(twin.next(static_cast<std::uint64_t>(ceiling) * 1'000'000'000) ==
          net::Duration::seconds(ceiling));
    static_cast<void>(backoff.next(12345));
  }
  CHECK(backoff.count() == 8);
  backoff.reset();
  CHECK(backoff.ceiling() == 1_s);
}

TEST_CASE("backoff with odd bounds stays within them") {
  for (const ws::BackoffOptions& options : {ws::BackoffOptions{.base = 0_s, .cap = 30_s},
                                            {.base = 1_s, .cap = 0_s},
                                            {.base = net::Duration{-5}, .cap = 1_s},
                                            {.base = 1_s, .cap = net::Duration{-1}}}) {
    ws::Backoff backoff(options);
    for (int i = 0; i < 100; ++i) CHECK(backoff.next(~std::uint64_t{0}) == 0_s);
  }
  // A base above the cap, and sums that would not fit.
  CHECK(ws::Backoff({.base = 9_s, .cap = 3_s}).ceiling() == 3_s);
  ws::Backoff endless({.base = 1_s, .cap = net::Duration{INT64_MAX}});
  for (int i = 0; i < 200; ++i) CHECK(endless.next(~std::uint64_t{0} / 3).nanoseconds >= 0);
  CHECK(endless.ceiling().nanoseconds == INT64_MAX);
}

TEST_CASE("the parts are spread over all of the wait") {
  Random random(7);
  int lower = 0;
  for (int i = 0; i < 10'000; ++i) {
    ws::Backoff backoff;
    const net::Duration wait = backoff.next(random.next());
    CHECK(wait <= 1_s);
    if (wait < 250_ms) ++lower;
  }
  CHECK(lower > 2300);
  CHECK(lower < 2700);
}

TEST_CASE("a client tries until somebody is there, and waits as it was told") {
  for_each_seed(50, [](std::uint64_t seed) {
    World world(seed);
    const Baseline before = world.baseline();
    {
      Caller caller(world);
      caller.connect();
      for (std::size_t tries = 1; tries <= 9; ++tries) {
        world.run_for(at_once);
        REQUIRE(caller.delays.size() == tries);
        CHECK(caller.failures == tries);
        CHECK(caller.delays.back() <= std::min(30_s, net::Duration::seconds(1 << (tries - 1))));
        const net::Time told_at = caller.last_at;
        const net::Time due = told_at + caller.delays.back();
        if (caller.delays.back() > 20_ms) {
          world.run_for(due - world.network.now() - 10_ms);
          CHECK(caller.delays.size() == tries);  // not before its time
        }
        if (due > world.network.now()) world.run_for(due - world.network.now());
      }
      caller.delays.clear();
      PeerListener listener(place);
      for (int i = 0; i < 310 && listener.waiting() == 0; ++i) world.run_for(100_ms);
      Peer peer = accept_and_answer(world, listener);
      CHECK(caller.all.ends_with("again open "));
      CHECK(caller.all.find("failed") == std::string::npos);
      CHECK(caller.client.connection() != nullptr);
    }
    world.settle();
    CHECK(world.baseline() == before);
  });
}

TEST_CASE("a connection that is lost comes back, and the backoff forgets once it was stable") {
  World world;
  PeerListener listener(place);
  Caller caller(world);
  caller.connect();
  for (const bool stable : {false, false, false, false, true}) {
    Peer peer = accept_and_answer(world, listener);
    REQUIRE(caller.all.ends_with("open "));
    if (stable) world.run_for(11_s);
    peer.reset();
    world.run_for(at_once);
    REQUIRE(caller.all.ends_with("open close lost "));
    CHECK(caller.failures == 0);
    if (stable) CHECK(caller.delays.back() <= 1_s);
    world.run_for(caller.delays.back());
  }
  Peer peer = accept_and_answer(world, listener);
  CHECK(caller.client.connection() != nullptr);
}

TEST_CASE("connections that end at once are waited for longer and longer") {
  net::Duration longest;
  for_each_seed(20, [&](std::uint64_t seed) {
    World world(seed);
    PeerListener listener(place);
    Caller caller(world);
    caller.connect();
    for (int i = 0; i < 7; ++i) {
      Peer peer = accept_and_answer(world, listener);
      peer.reset();
      world.run_for(at_once);
      REQUIRE(caller.delays.size() == static_cast<std::size_t>(i) + 1);
      longest = std::max(longest, caller.delays.back());
      world.run_for(caller.delays.back());
    }
  });
  CHECK(longest > 16_s);
  CHECK(longest <= 30_s);
}

TEST_CASE("what ends it: our close, our abort, and a server that says that all is done") {
  for (const std::string_view how :
       {"close", "close unanswered", "abort", "1000", "1001", "1012", "rule"}) {
    CAPTURE(how);
    World world;
    PeerListener listener(place);
    const Baseline before = world.baseline();
    Caller caller(world);
    caller.connect();
    Peer peer = accept_and_answer(world, listener);
    if (how.starts_with("close")) CHECK(caller.client.connection()->close());
    if (how == "close unanswered") world.run_for(10_s);
    if (how == "abort") caller.client.abort();
    if (how.front() == '1') {
      peer.send(close_frame(static_cast<std::uint16_t>(std::stoi(std::string(how)))));
    }
    if (how == "rule") peer.send("\x83\x00");
    world.run_for(at_once);
    peer.close();
    world.run_for(at_once);
    const bool is_over = how.starts_with("close") || how == "abort" || how == "1000";
    CHECK(caller.all == (is_over ? "open close " : "open close lost "));
    if (!is_over) continue;
    CHECK(world.baseline() == before);
    // And it may be used again.
    caller.connect();
    Peer next = accept_and_answer(world, listener);
    CHECK(caller.all == "open close open ");
  }
}

TEST_CASE("abort ends the waiting, wherever it is called") {
  World world;
  const Baseline before = world.baseline();
  for (const std::string_view where : {"outside", "reconnecting"}) {
    CAPTURE(where);
    Caller caller(world);
    caller.abort_in = where;
    caller.connect();
    world.run_for(at_once);
    if (where == "outside") {
      CHECK(caller.all == "again ");
      caller.client.abort();
      CHECK(caller.all == "again ");  // never from within the call
      caller.client.abort();
    }
    world.run_for(at_once);
    CHECK(caller.all == "again failed ");
    CHECK(caller.error == std::errc::operation_canceled);
    world.run_for(60_s);
    CHECK(caller.all == "again failed ");
    CHECK(world.baseline() == before);
  }
  // While its failure is written to the log, an attempt is not yet told to the application.
  {
    PeerListener listener(place);
    std::string all;
    ws::Client* logged = nullptr;
    ws::Client client(world.loop, {.limits = {}, .log = [&](ws::LogLevel, std::string_view) {
                                     logged->abort();
                                   }});
    logged = &client;
    client.on_failed([&](std::error_code) { all += "failed "; })
        .on_reconnecting([&](ws::Reconnecting) { all += "again "; });
    REQUIRE(client.connect({.url = url, .reconnect = {.enabled = true}}));
    world.run_for(at_once);
    Peer peer = listener.accept();
    peer.send("no HTTP at all\r\n");
    world.run_for(60_s);
    CHECK(all == "failed ");
  }
  // In on_close it says that this was all.
  PeerListener listener(place);
  Caller caller(world);
  caller.abort_in = "close";
  caller.connect();
  Peer peer = accept_and_answer(world, listener);
  peer.reset();
  world.run_for(60_s);
  CHECK(caller.all == "open close ");
}

TEST_CASE("so many failures in a row are told as one") {
  World world;
  Caller caller(world);
  caller.connect({.failures_max = 3});
  world.run_for(60_s);
  CHECK(caller.all == "again again failed ");
  CHECK(caller.error == std::errc::connection_refused);
  CHECK(world.loop.timers().armed_count() == 0);
}

TEST_CASE("a client that waits may go at any time, also when it is told") {
  World world;
  const Baseline before = world.baseline();
  {
    Caller caller(world);
    caller.connect();
    world.run_for(at_once);
    CHECK(caller.all == "again ");
  }
  CHECK(world.baseline() == before);
  auto client = std::make_unique<ws::Client>(world.loop);
  client->on_reconnecting([&](ws::Reconnecting) { client.reset(); });
  REQUIRE(client->connect({.url = url, .reconnect = {.enabled = true}}));
  world.run_for(60_s);
  CHECK(client == nullptr);
  CHECK(world.baseline() == before);
}

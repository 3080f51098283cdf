// SPDX-License-Identifier: MIT
//
// A loop that is nested in another one: whatever there is to do, the host hears of it by fd() or by
// until_next_turn(), and is not called for nothing.

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <thread>

#include "net/clock.h"
#include "net/loop.h"
#include "tests/support/probe.h"
#include "tests/support/socket_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::net::literals;
using namespace hilo::test;

namespace {

bool has_descriptor(const Loop& loop) {
  if (loop.fd() < 0) CHECK(std::string_view(Poller::name()) == "poll");
  return loop.fd() >= 0 && !is_emulated_kqueue();
}

bool is_readable(const Loop& loop) {
  pollfd entry{loop.fd(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

// One round of a host that knows poll(2) and whole milliseconds, and no more of the loop than its
// manual says. True if it was woken by the descriptor.
bool wait_and_turn(Loop& loop) {
  const Duration wait = loop.until_next_turn();
  int timeout = wait < Duration{} ? -1 : static_cast<int>((wait.nanoseconds + 999'999) / 1'000'000);
  if (!has_descriptor(loop)) timeout = timeout < 0 ? 1 : std::min(timeout, 1);
  pollfd entry{loop.fd(), POLLIN, 0};
  const bool woken = ::poll(&entry, 1, timeout) == 1;
  REQUIRE(loop.run_once(no_wait));
  return woken;
}

}  // namespace

TEST_CASE("what is asked for between two turns makes the next one due at once") {
  Loop loop;
  Probe probe;
  const Token token = must_watch(loop, -1, Interest::none, probe);
  REQUIRE(loop.run_once(no_wait));
  CHECK(loop.until_next_turn() < Duration{0});
  for (const Phase phase : {Phase::resume, Phase::reap, Phase::flush}) {
    loop.schedule(token, phase);
    CHECK(loop.until_next_turn() == Duration{0});
    REQUIRE(loop.run_once(no_wait));
    CHECK(loop.until_next_turn() < Duration{0});
  }
  CHECK(probe.resume_count + probe.reap_count + probe.flush_count == 3);

  bool called = false;
  loop.call_after(no_wait, [&] { called = true; });
  CHECK(loop.until_next_turn() == Duration{0});
  REQUIRE(loop.run_once(no_wait));
  CHECK(called);
  CHECK(loop.until_next_turn() < Duration{0});
  loop.unwatch(token);
}

TEST_CASE("a post between two turns wakes the host, from the loop's own thread too") {
  Loop loop;
  if (!has_descriptor(loop)) return;
  int calls = 0;
  for (const bool elsewhere : {false, true}) {
    REQUIRE(loop.run_once(no_wait));
    CHECK_FALSE(is_readable(loop));
    const auto post = [&] { loop.post([&] { ++calls; }); };
    if (elsewhere) {
      std::thread(post).join();
    } else {
      post();
    }
    CHECK(is_readable(loop));
    CHECK(loop.until_next_turn() == Duration{0});
    REQUIRE(loop.run_once(no_wait));
    CHECK_FALSE(is_readable(loop));
  }
  CHECK(calls == 2);

  // One that a call of the loop's makes needs no waking: the host asks for the time after the turn.
  loop.post([&] { loop.post([&] { ++calls; }); });
  REQUIRE(loop.run_once(no_wait));
  CHECK(calls == 2);
  CHECK(loop.until_next_turn() == Duration{0});
  // And one of another thread behind it is not lost between the two.
  std::thread([&] { loop.post([&] { ++calls; }); }).join();
  REQUIRE(loop.run_once(no_wait));
  CHECK(calls == 4);
  CHECK(loop.until_next_turn() < Duration{0});
}

TEST_CASE("what is posted between two turns counts its time from its own turn") {
  Loop loop;
  REQUIRE(loop.run_once(no_wait));
  const Time before = loop.now();
  while (clock_now() - before < 3_ms) {
  }
  CHECK(loop.now() == before);  // between turns it stands
  Time seen;
  loop.post([&] { seen = loop.now(); });
  REQUIRE(loop.run_once(no_wait));
  CHECK(seen - before >= 3_ms);
}

TEST_CASE(
    "a host that waits for the descriptor and the time misses nothing and turns for no reason") {
  Loop loop;
  const bool has_fd = has_descriptor(loop);
  constexpr int posts = 500;
  constexpr int bytes = 200;
  constexpr int calls = 30;
  int posted = 0;
  int called = 0;
  const SocketPair pair = test::socket_pair();
  Probe reader;
  reader.ready = [&](Ready) { take_byte(pair.a); };
  const Token token = must_watch(loop, pair.a.value(), Interest::read, reader);
  for (int i = 0; i < calls; ++i) {
    loop.call_after(Duration::milliseconds(i % 10), [&] { ++called; });
  }
  std::thread other([&] {
    for (int i = 0; i < posts; ++i) loop.post([&] { ++posted; });
    for (int i = 0; i < bytes; ++i) send_byte(pair.b);
  });
  int idle_turns = 0;
  while (posted < posts || reader.ready_count < bytes || called < calls) {
    const int before = posted + reader.ready_count + called;
    const bool woken = wait_and_turn(loop);
    idle_turns += !woken && posted + reader.ready_count + called == before ? 1 : 0;
  }
  other.join();
  CHECK(posted == posts);
  CHECK(reader.ready_count == bytes);
  CHECK(called == calls);
  // The wheel may want a turn of its own to move a timer to a finer one.
  if (has_fd) CHECK(idle_turns <= calls);
  loop.unwatch(token);
}

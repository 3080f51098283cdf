// SPDX-License-Identifier: MIT
//
// What a loop calls besides its watchers: posts and delayed calls; and how it ends.

#include "net/loop.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "net/clock.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/probe.h"
#include "tests/support/socket_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::net::literals;
using namespace hilo::test;

TEST_CASE("posts of one thread run in their order, and none is lost") {
  Loop loop;
  constexpr int threads = 4;
  constexpr int posts = 250'000;  // a million of them all (F34)
  int next[threads] = {};
  int done = 0;
  bool in_order = true;
  std::vector<std::thread> others;
  for (int t = 0; t < threads; ++t) {
    others.emplace_back([&, t] {
      for (int i = 0; i < posts; ++i) {
        loop.post([&, t, i] {
          in_order = in_order && next[t] == i && loop.in_loop_thread();
          next[t] = i + 1;
          if (++done == threads * posts) loop.stop();
        });
      }
    });
  }
  REQUIRE(loop.run());
  CHECK(in_order);
  CHECK(done == threads * posts);
  for (std::thread& other : others) other.join();
}

TEST_CASE("a post made by a posted call runs in the next turn") {
  Loop loop;
  int calls = 0;
  loop.post([&] {
    ++calls;
    loop.post([&] { ++calls; });
  });
  REQUIRE(loop.run_once(for_ever));
  CHECK(calls == 1);
  REQUIRE(loop.run_once(for_ever));
  CHECK(calls == 2);
}

TEST_CASE("posts outlast run, and are destroyed uncalled with the loop") {
  const auto counted = std::make_shared<int>(0);
  {
    Loop loop;
    loop.post([counted, &loop] {
      ++*counted;
      loop.stop();
    });
    REQUIRE(loop.run());
    CHECK(*counted == 1);
    loop.post([counted] { ++*counted; });
    loop.call_after(1_min, [counted] { ++*counted; });
    CHECK(counted.use_count() == 3);
  }
  CHECK(*counted == 1);
  CHECK(counted.use_count() == 1);
}

TEST_CASE("what is never called may own a watcher") {
  struct Owner {
    explicit Owner(Loop& l) : loop(l), token(*l.watch(-1, Interest::none, probe)) {}
    ~Owner() { loop.unwatch(token); }
    Loop& loop;
    Probe probe;
    Token token;
  };
  Loop loop;
  loop.post([owner = std::make_unique<Owner>(loop)] {});
  loop.call_after(1_min, [owner = std::make_unique<Owner>(loop)] {});
  CHECK(loop.watched_count() == 2);
}

TEST_CASE("what is never called may leave to the loop what watches") {
  struct Left final : Doomed {
    explicit Left(Loop& l) : loop(l), token(*l.watch(-1, Interest::none, probe)) {}
    ~Left() override { loop.unwatch(token); }
    Loop& loop;
    Probe probe;
    Token token;
  };
  struct Owner {
    explicit Owner(Loop& l) : loop(l) {}
    ~Owner() {
      loop.destroy_later(std::make_unique<Left>(loop));
      loop.post([left = std::make_unique<Left>(loop)] {});
      loop.call_after(1_min, [left = std::make_unique<Left>(loop)] {});
    }
    Loop& loop;
  };
  Loop loop;
  const Loop::TimerId first = loop.call_after(1_min, [] {});
  loop.call_after(1_min, [owner = std::make_unique<Owner>(loop)] {});
  loop.cancel(first);  // whose place is free for what comes meanwhile
}

TEST_CASE("a call in the longest time there is does not come at once") {
  Loop loop;
  int called = 0;
  for (const Duration longest :
       {Duration{INT64_MAX}, Duration::seconds(INT64_MAX), Duration::milliseconds(INT64_MAX),
        Duration::seconds(1) * INT64_MAX}) {
    loop.call_after(longest, [&] { ++called; });
  }
  for (int i = 0; i < 5; ++i) REQUIRE(loop.run_once(Duration::milliseconds(1)));
  CHECK(called == 0);
  CHECK(Duration::seconds(INT64_MIN) == Duration{INT64_MIN});
  CHECK(Duration{INT64_MIN} + Duration{-1} == Duration{INT64_MIN});
  CHECK(Duration{INT64_MAX} * -2 == Duration{INT64_MIN});
}

TEST_CASE("run ends when another thread stops it") {
  Loop loop;
  std::thread other;
  loop.post([&] { other = std::thread([&] { loop.stop(); }); });
  REQUIRE(loop.run());
  other.join();
}

TEST_CASE("a stop that comes before run ends it at once, and only it") {
  Loop loop;
  loop.stop();
  REQUIRE(loop.run());
  int calls = 0;
  loop.post([&] {
    ++calls;
    loop.stop();
  });
  REQUIRE(loop.run());
  CHECK(calls == 1);
}

TEST_CASE("the turn in which stop is called is finished") {
  Loop loop;
  Probe probe;
  const Token token = must_watch(loop, -1, Interest::none, probe);
  loop.post([&] {
    loop.stop();
    loop.schedule(token, Phase::flush);
  });
  REQUIRE(loop.run());
  CHECK(probe.flush_count == 1);
  loop.unwatch(token);
}

namespace {
Loop* loop_to_stop = nullptr;
void stop_loop(int) {
  loop_to_stop->stop();
}
}  // namespace

TEST_CASE("run ends when a signal handler stops it") {
  Loop loop;
  loop_to_stop = &loop;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = &stop_loop;
  REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
  const pthread_t loop_thread = pthread_self();
  std::thread other;
  loop.post([&] { other = std::thread([&] { pthread_kill(loop_thread, SIGUSR1); }); });
  REQUIRE(loop.run());
  other.join();
  REQUIRE(sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("a signal whose handler does nothing ends a turn, and is no error") {
  Loop loop;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
  loop.call_after(1_ms, [&] { loop.stop(); });
  ::raise(SIGUSR1);
  CHECK(loop.run());
  REQUIRE(sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("delayed calls come in the order of their time, and not before it") {
  Loop loop;
  std::vector<int> order;
  const Time start = clock_now();
  Time first_call;
  loop.call_after(100_ms, [&] {
    order.push_back(3);
    loop.stop();
  });
  loop.call_after(2_ms, [&] {
    order.push_back(1);
    first_call = loop.now();
  });
  loop.call_after(50_ms, [&] { order.push_back(2); });
  REQUIRE(loop.run());
  CHECK(order == std::vector<int>{1, 2, 3});
  CHECK(first_call - start >= 2_ms);
}

TEST_CASE("a cancelled call is not made, and its capture is gone") {
  Loop loop;
  const auto counted = std::make_shared<int>(0);
  const Loop::TimerId id = loop.call_after(1_ms, [counted] { ++*counted; });
  CHECK(counted.use_count() == 2);
  loop.cancel(id);
  CHECK(counted.use_count() == 1);
  loop.cancel(id);
  loop.cancel({});
  loop.call_after(2_ms, [&] { loop.stop(); });
  REQUIRE(loop.run());
  CHECK(*counted == 0);
  CHECK(loop.timers().armed_count() == 0);
}

TEST_CASE("a call may cancel itself and others that are due with it") {
  Loop loop;
  int calls = 0;
  Loop::TimerId ids[2];
  for (Loop::TimerId& id : ids) {
    id = loop.call_after(no_wait, [&] {
      ++calls;
      for (const Loop::TimerId each : ids) loop.cancel(each);
      loop.stop();
    });
  }
  REQUIRE(loop.run());
  REQUIRE(loop.run_once(no_wait));
  CHECK(calls == 1);
  CHECK(loop.timers().armed_count() == 0);
}

TEST_CASE("an id that has fired does not cancel who got its place") {
  Loop loop;
  bool called = false;
  const Loop::TimerId old_id = loop.call_after(no_wait, [] {});
  REQUIRE(loop.run_once(for_ever));
  const Loop::TimerId new_id = loop.call_after(no_wait, [&] { called = true; });
  CHECK(new_id.index == old_id.index);
  loop.cancel(old_id);
  REQUIRE(loop.run_once(for_ever));
  CHECK(called);
}

TEST_CASE("a call without delay that repeats itself leaves room for others") {
  Loop loop;
  int calls = 0;
  struct Repeat {
    Loop& loop;
    int& calls;
    void operator()() const {
      ++calls;
      loop.call_after(no_wait, Repeat{loop, calls});
    }
  };
  loop.call_after(no_wait, Repeat{loop, calls});
  REQUIRE(loop.run_once(for_ever));
  CHECK(calls == 1);
  REQUIRE(loop.run_once(for_ever));
  CHECK(calls == 2);
}

TEST_CASE("a loop that polls busily hears timers, descriptors, posts and its end all the same") {
  // Far more than the test takes: whoever were only heard after it would be noticed.
  constexpr Duration for_long = Duration::seconds(60);
  for (const Duration busy : {1_us, for_long}) {
    Loop loop({.busy_poll = busy});
    int calls = 0;
    loop.call_after(2_ms, [&] { ++calls; });
    while (calls == 0) REQUIRE(loop.run_once(for_ever));

    Probe reader;
    const SocketPair pair = test::socket_pair();
    reader.ready = [&](Ready) { take_byte(pair.a); };
    const Token token = must_watch(loop, pair.a.value(), Interest::read, reader);
    REQUIRE(loop.run_once(1_ms));
    CHECK(reader.ready_count == 0);
    send_byte(pair.b);
    REQUIRE(loop.run_once(for_ever));
    CHECK(reader.ready_count == 1);

    std::thread other([&] {
      loop.post([&] { ++calls; });
      loop.post([&] { loop.stop(); });
    });
    REQUIRE(loop.run());
    other.join();
    CHECK(calls == 2);
    loop.unwatch(token);
  }
}

TEST_CASE("a wait that is hardly longer than its busy polling still ends in time") {
  Loop loop({.busy_poll = Duration{1}});
  REQUIRE(loop.run_once(Duration{2}));
  bool called = false;
  loop.call_after(Duration{3}, [&] { called = true; });
  while (!called) REQUIRE(loop.run_once(for_ever));
}

TEST_CASE("a loop with nothing to do may be waited for without an end") {
  Loop loop;
  CHECK(loop.until_next_turn() < Duration{0});
  REQUIRE(loop.run_once(1_ms));
  const Loop::TimerId id = loop.call_after(1_min, [] {});
  CHECK(loop.until_next_turn() > Duration{0});
  CHECK(loop.until_next_turn() <= 1_min + 1_ms);
  loop.cancel(id);
  CHECK(loop.until_next_turn() < Duration{0});
}

TEST_CASE("a loop runs inside another one through its descriptor") {
  Loop outer;
  Loop inner;
  if (inner.fd() < 0) {
    CHECK(std::string_view(Poller::name()) == "poll");
    return;
  }
  if (is_emulated_kqueue()) return;
  Probe bridge;
  bridge.ready = [&](Ready) { CHECK(inner.run_once(no_wait)); };
  const Token token = must_watch(outer, inner.fd(), Interest::read, bridge);

  const SocketPair pair = test::socket_pair();
  Probe reader;
  reader.ready = [&](Ready) { outer.stop(); };
  const Token reader_token = must_watch(inner, pair.a.value(), Interest::read, reader);
  send_byte(pair.b);
  REQUIRE(outer.run());
  CHECK(reader.ready_count == 1);
  take_byte(pair.a);

  // A post from outside makes the descriptor readable, too.
  std::thread other([&] { inner.post([&] { outer.stop(); }); });
  REQUIRE(outer.run());
  other.join();
  // And not for longer than until the next turn.
  REQUIRE(inner.run_once(no_wait));
  pollfd entry{inner.fd(), POLLIN, 0};
  CHECK(::poll(&entry, 1, 0) == 0);
  inner.unwatch(reader_token);
  outer.unwatch(token);
}

TEST_CASE("the thread that runs the loop knows it, and others do, too") {
  Loop loop;
  CHECK(loop.in_loop_thread());
  bool inside = false;
  bool outside = true;
  loop.post([&] {
    inside = loop.in_loop_thread();
    std::thread([&] { outside = loop.in_loop_thread(); }).join();
    loop.stop();
  });
  REQUIRE(loop.run());
  CHECK(inside);
  CHECK(!outside);
  CHECK(loop.in_loop_thread());
}

TEST_CASE("time stands still during a turn") {
  Loop loop;
  const Time before = loop.now();
  Time first;
  Time second;
  Probe probe;
  const Token token = must_watch(loop, -1, Interest::none, probe);
  probe.resume = [&] {
    first = loop.now();
    while (clock_now() <= first) {
    }
    second = loop.now();
  };
  loop.schedule(token, Phase::resume);
  REQUIRE(loop.run_once(no_wait));
  CHECK(first >= before);
  CHECK(first == second);
  loop.unwatch(token);
}

TEST_CASE("the shared buffers have the size that was asked for") {
  Loop loop({.receive_bytes = 1000, .send_bytes = 2000});
  REQUIRE(loop.status());
  CHECK(loop.receive_buffer().size == 1000);
  CHECK(loop.send_buffer().capacity == 2000);
  CHECK(loop.send_buffer().owner == nullptr);
  CHECK(loop.send_buffer().size == 0);
  loop.receive_buffer().data[999] = 1;
  loop.send_buffer().data[1999] = 1;
}

TEST_CASE("turns allocate nothing") {
  if (!test::allocation_counter::available) return;
  if (is_emulated_kqueue()) return;
  Loop loop;
  Probe probe;
  Token token;
  const SocketPair pair = test::socket_pair();
  token = must_watch(loop, pair.a.value(), Interest::read, probe);
  probe.ready = [&](Ready) {
    take_byte(pair.a);
    for (const Phase phase : {Phase::resume, Phase::reap, Phase::flush}) {
      loop.schedule(token, phase);
    }
  };
  const auto turn = [&] {
    send_byte(pair.b);
    loop.post([&] { static_cast<void>(loop.change(token, Interest::read_write)); });
    const bool ok = static_cast<bool>(loop.run_once(for_ever));
    return ok && loop.change(token, Interest::read);
  };
  for (int i = 0; i < 3; ++i) REQUIRE(turn());
  const auto before = test::allocation_counter::count();
  for (int i = 0; i < 100; ++i) {
    if (!turn()) break;
  }
  CHECK(test::allocation_counter::count() == before);
  CHECK(probe.flush_count == 103);
  loop.unwatch(token);
}

// SPDX-License-Identifier: MIT

#include "net/loop.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/clock.h"
#include "net/socket.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/socket_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::net::literals;
using test::SocketPair;

namespace {

constexpr Duration no_wait{0};
constexpr Duration for_ever{-1};

// A Watcher made of callbacks, which writes what happens into a log.
class Probe final : public Watcher {
 public:
  explicit Probe(std::string name = {}, std::vector<std::string>* log = nullptr)
      : name_(std::move(name)), log_(log) {}

  Callback<void(Ready)> ready;
  Callback<void()> resume;
  Callback<void()> reap;
  Callback<void()> flush;
  int ready_count = 0;
  int resume_count = 0;
  int reap_count = 0;
  int flush_count = 0;

  void on_ready(Ready state) override {
    ++ready_count;
    note("ready");
    if (ready) ready(state);
  }
  void on_resume() override {
    ++resume_count;
    note("resume");
    if (resume) resume();
  }
  void on_reap() override {
    ++reap_count;
    note("reap");
    if (reap) reap();
  }
  void on_flush() override {
    ++flush_count;
    note("flush");
    if (flush) flush();
  }

 private:
  void note(const char* what) {
    if (log_ != nullptr) log_->push_back(name_ + what);
  }
  std::string name_;
  std::vector<std::string>* log_;
};

// kqueue as a library on top of epoll: its descriptor never becomes readable, and it allocates.
bool is_emulated_kqueue() {
#ifdef __linux__
  return std::string_view(Poller::name()) == "kqueue";
#else
  return false;
#endif
}

void send_byte(const Fd& fd) {
  const Bytes slice = as_bytes("x");
  REQUIRE(socket::send(fd.value(), {&slice, 1}).kind == Io::Kind::done);
}
void take_byte(const Fd& fd) {
  std::uint8_t byte[1];
  REQUIRE(socket::receive(fd.value(), byte).kind == Io::Kind::done);
}

Token must_watch(Loop& loop, int fd, Interest interest, Watcher& watcher) {
  const Result<Token> token = loop.watch(fd, interest, watcher);
  REQUIRE(token);
  return *token;
}

}  // namespace

TEST_CASE("a turn does its work in the order of the manual") {
  Loop loop;
  REQUIRE(loop.status());
  std::vector<std::string> log;
  Probe probe("", &log);
  const SocketPair pair = test::socket_pair();
  const Token token = must_watch(loop, pair.a.value(), Interest::read, probe);
  send_byte(pair.b);
  loop.schedule(token, Phase::flush);
  loop.schedule(token, Phase::reap);
  loop.post([&] { log.push_back("posted"); });
  loop.call_after(no_wait, [&] { log.push_back("timer"); });
  loop.schedule(token, Phase::resume);
  REQUIRE(loop.run_once(for_ever));
  CHECK(log == std::vector<std::string>{"ready", "resume", "timer", "posted", "reap", "flush"});
  loop.unwatch(token);
}

TEST_CASE("a phase is entered once, however often it is asked for, and in the order of asking") {
  Loop loop;
  std::vector<std::string> log;
  Probe a("a ", &log);
  Probe b("b ", &log);
  const Token token_a = must_watch(loop, -1, Interest::none, a);
  const Token token_b = must_watch(loop, -1, Interest::none, b);
  for (int i = 0; i < 3; ++i) {
    loop.schedule(token_b, Phase::flush);
    loop.schedule(token_a, Phase::flush);
  }
  REQUIRE(loop.run_once(no_wait));
  REQUIRE(loop.run_once(no_wait));
  CHECK(log == std::vector<std::string>{"b flush", "a flush"});
  loop.unwatch(token_a);
  loop.unwatch(token_b);
}

TEST_CASE("who asks in dispatch is resumed in this turn, who asks in resume in the next") {
  Loop loop;
  Probe probe;
  const SocketPair pair = test::socket_pair();
  const Token token = must_watch(loop, pair.a.value(), Interest::read, probe);
  send_byte(pair.b);
  probe.ready = [&](Ready) {
    take_byte(pair.a);
    loop.schedule(token, Phase::resume);
  };
  probe.resume = [&] { loop.schedule(token, Phase::resume); };
  REQUIRE(loop.run_once(for_ever));
  CHECK(probe.resume_count == 1);
  // Work that is left makes the next wait short.
  CHECK(loop.until_next_turn() == Duration{0});
  probe.resume = nullptr;
  REQUIRE(loop.run_once(for_ever));
  CHECK(probe.resume_count == 2);
  CHECK(loop.until_next_turn() < Duration{0});
  loop.unwatch(token);
}

TEST_CASE("reaping and flushing go on until nothing is left of either") {
  Loop loop;
  Probe dying;
  Probe other;
  const Token dying_token = must_watch(loop, -1, Interest::none, dying);
  const Token other_token = must_watch(loop, -1, Interest::none, other);
  // on_close sends to another connection, which turns out to be broken and dies, too.
  dying.reap = [&] {
    loop.unwatch(dying_token);
    loop.schedule(other_token, Phase::flush);
  };
  other.flush = [&] { loop.schedule(other_token, Phase::reap); };
  other.reap = [&] { loop.unwatch(other_token); };
  loop.schedule(dying_token, Phase::reap);
  REQUIRE(loop.run_once(for_ever));
  CHECK(dying.reap_count == 1);
  CHECK(other.flush_count == 1);
  CHECK(other.reap_count == 1);
  CHECK(loop.watched_count() == 0);
  CHECK(loop.until_next_turn() < Duration{0});
}

TEST_CASE("two who keep each other busy for ever do not keep the descriptors waiting") {
  Loop loop;
  Probe a;
  Probe b;
  Probe reader;
  const SocketPair pair = test::socket_pair();
  const Token token_a = must_watch(loop, -1, Interest::none, a);
  const Token token_b = must_watch(loop, -1, Interest::none, b);
  const Token token_reader = must_watch(loop, pair.a.value(), Interest::read, reader);
  a.flush = [&] { loop.schedule(token_b, Phase::reap); };
  b.reap = [&] { loop.schedule(token_a, Phase::flush); };
  reader.ready = [&](Ready) { loop.stop(); };
  loop.schedule(token_a, Phase::flush);
  send_byte(pair.b);
  REQUIRE(loop.run());
  CHECK(reader.ready_count == 1);
  for (const Token token : {token_a, token_b, token_reader}) loop.unwatch(token);
}

TEST_CASE("a stale event does not reach who has got its descriptor's number") {
  Loop loop;
  // Two descriptors are ready in one batch; whoever comes first closes the other one and opens
  // something new, which the system gives the same number.
  SocketPair pairs[2] = {test::socket_pair(), test::socket_pair()};
  Probe probes[2];
  Token tokens[2];
  Probe newcomer;
  Token newcomer_token;
  SocketPair new_pair;
  for (int i = 0; i < 2; ++i) {
    tokens[i] = must_watch(loop, pairs[i].a.value(), Interest::read, probes[i]);
    send_byte(pairs[i].b);
    probes[i].ready = [&, i](Ready) {
      const int other = 1 - i;
      const int number = pairs[other].a.value();
      loop.unwatch(tokens[other]);
      pairs[other].a.reset();
      new_pair = test::socket_pair();
      REQUIRE(new_pair.a.value() == number);
      newcomer_token = must_watch(loop, number, Interest::read, newcomer);
      // Even the slot is the same one.
      CHECK(newcomer_token.slot == tokens[other].slot);
    };
  }
  REQUIRE(loop.run_once(for_ever));
  CHECK(probes[0].ready_count + probes[1].ready_count == 1);
  CHECK(newcomer.ready_count == 0);

  for (Probe& probe : probes) probe.ready = nullptr;
  send_byte(new_pair.b);
  REQUIRE(loop.run_once(for_ever));
  CHECK(newcomer.ready_count == 1);
  loop.unwatch(newcomer_token);
  for (const Token token : tokens) loop.unwatch(token);
  CHECK(loop.watched_count() == 0);
}

TEST_CASE("a watcher may leave in every kind of call") {
  Loop loop;
  const SocketPair pair = test::socket_pair();
  send_byte(pair.b);
  Probe probe;
  Token token = must_watch(loop, pair.a.value(), Interest::read, probe);
  const auto leave = [&] { loop.unwatch(token); };
  const auto schedule_all = [&] {
    for (const Phase phase : {Phase::resume, Phase::reap, Phase::flush}) {
      loop.schedule(token, phase);
    }
  };

  schedule_all();
  probe.ready = [&](Ready) { leave(); };
  REQUIRE(loop.run_once(no_wait));
  CHECK(probe.ready_count == 1);
  CHECK(probe.resume_count + probe.reap_count + probe.flush_count == 0);

  token = must_watch(loop, -1, Interest::none, probe);
  schedule_all();
  probe.resume = leave;
  REQUIRE(loop.run_once(no_wait));
  CHECK(probe.resume_count == 1);
  CHECK(probe.reap_count + probe.flush_count == 0);

  token = must_watch(loop, -1, Interest::none, probe);
  schedule_all();
  probe.resume = nullptr;
  probe.reap = leave;
  REQUIRE(loop.run_once(no_wait));
  CHECK(probe.reap_count == 1);
  CHECK(probe.flush_count == 0);

  token = must_watch(loop, -1, Interest::none, probe);
  schedule_all();
  probe.reap = nullptr;
  probe.flush = leave;
  REQUIRE(loop.run_once(no_wait));
  CHECK(probe.flush_count == 1);
  CHECK(loop.watched_count() == 0);
  CHECK(loop.until_next_turn() < Duration{0});
}

TEST_CASE("a detached descriptor is not heard of again, not even in the same batch") {
  Loop loop;
  SocketPair pairs[2] = {test::socket_pair(), test::socket_pair()};
  Probe probes[2];
  Token tokens[2];
  for (int i = 0; i < 2; ++i) {
    tokens[i] = must_watch(loop, pairs[i].a.value(), Interest::read, probes[i]);
    send_byte(pairs[i].b);
    probes[i].ready = [&, i](Ready) {
      loop.detach(tokens[1 - i]);
      loop.schedule(tokens[1 - i], Phase::reap);
    };
  }
  REQUIRE(loop.run_once(for_ever));
  REQUIRE(loop.run_once(for_ever));
  const int detached = probes[0].ready_count == 0 ? 0 : 1;
  CHECK(probes[detached].ready_count == 0);
  CHECK(probes[detached].reap_count >= 1);
  CHECK(probes[1 - detached].ready_count == 2);
  CHECK(loop.watched_count() == 2);
  // Nothing to do with a descriptor that is gone, and none to give back.
  loop.detach(tokens[detached]);
  CHECK(loop.change(tokens[detached], Interest::write));
  for (const Token token : tokens) loop.unwatch(token);
}

TEST_CASE("who takes a slot does not inherit what was scheduled for the one before") {
  Loop loop;
  Probe first;
  Probe second;
  const Token old_token = must_watch(loop, -1, Interest::none, first);
  for (const Phase phase : {Phase::resume, Phase::reap, Phase::flush}) {
    loop.schedule(old_token, phase);
  }
  loop.unwatch(old_token);
  const Token new_token = must_watch(loop, -1, Interest::none, second);
  REQUIRE(loop.run_once(no_wait));
  CHECK(second.resume_count + second.reap_count + second.flush_count == 0);
  loop.schedule(new_token, Phase::flush);
  REQUIRE(loop.run_once(no_wait));
  CHECK(second.flush_count == 1);
  CHECK(first.resume_count + first.reap_count + first.flush_count == 0);
  loop.unwatch(new_token);
}

TEST_CASE("slots that were left while scheduled are used again") {
  Loop loop;
  Probe probe;
  for (int i = 0; i < 1000; ++i) {
    const Token token = must_watch(loop, -1, Interest::none, probe);
    CHECK(token.slot < 2);
    loop.schedule(token, Phase::resume);
    loop.schedule(token, Phase::flush);
    loop.unwatch(token);
    REQUIRE(loop.run_once(no_wait));
  }
}

TEST_CASE("a stale token is ignored by everything") {
  Loop loop;
  const SocketPair pair = test::socket_pair();
  Probe first;
  Probe second;
  const Token old_token = must_watch(loop, pair.a.value(), Interest::read, first);
  loop.unwatch(old_token);
  const Token new_token = must_watch(loop, pair.a.value(), Interest::read, second);
  CHECK(new_token.slot == old_token.slot);
  for (const Token token : {old_token, Token{}, Token{1'000'000, 1}, Token{new_token.slot, 2}}) {
    CHECK(loop.change(token, Interest::none));
    loop.schedule(token, Phase::flush);
    loop.unwatch(token);
  }
  CHECK(loop.watched_count() == 1);
  send_byte(pair.b);
  REQUIRE(loop.run_once(for_ever));
  CHECK(second.ready_count == 1);
  CHECK(second.flush_count == 0);
  loop.unwatch(new_token);
}

TEST_CASE("a change of interest reaches the poller") {
  Loop loop;
  const SocketPair pair = test::socket_pair();
  send_byte(pair.b);
  Probe probe;
  Ready seen;
  probe.ready = [&](Ready ready) {
    seen.readable |= ready.readable;
    seen.writable |= ready.writable;
  };
  const Token token = must_watch(loop, pair.a.value(), Interest::none, probe);
  REQUIRE(loop.run_once(no_wait));
  CHECK(probe.ready_count == 0);
  CHECK(loop.change(token, Interest::write));
  REQUIRE(loop.run_once(for_ever));
  CHECK(seen.writable);
  CHECK(!seen.readable);
  CHECK(loop.change(token, Interest::read_write));
  CHECK(loop.change(token, Interest::read_write));
  REQUIRE(loop.run_once(for_ever));
  CHECK(seen.readable);
  CHECK(loop.change(token, Interest::none));
  const int before = probe.ready_count;
  REQUIRE(loop.run_once(no_wait));
  CHECK(probe.ready_count == before);
  loop.unwatch(token);
}

TEST_CASE("what the poller refuses takes no slot") {
  Loop loop;
  Probe probe;
  const int closed_number = [] { return test::socket_pair().a.value(); }();
  if (std::string_view(Poller::name()) != "poll") {
    const Result<Token> token = loop.watch(closed_number, Interest::read, probe);
    CHECK(token.error() == std::errc::bad_file_descriptor);
  }
  CHECK(loop.watched_count() == 0);
  const Token first = must_watch(loop, -1, Interest::none, probe);
  CHECK(first.slot == 0);
  CHECK(loop.change(first, Interest::read));
  loop.unwatch(first);
}

TEST_CASE("the table grows with its watchers, in any callback") {
  Loop loop;
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<Token> tokens;
  const auto add = [&] {
    probes.push_back(std::make_unique<Probe>());
    tokens.push_back(must_watch(loop, -1, Interest::none, *probes.back()));
    return tokens.back();
  };
  const Token first = add();
  probes[0]->flush = [&] {
    for (int i = 0; i < 1000; ++i) loop.schedule(add(), Phase::flush);
  };
  loop.schedule(first, Phase::flush);
  REQUIRE(loop.run_once(no_wait));
  CHECK(loop.watched_count() == 1001);
  for (const auto& probe : probes) CHECK(probe->flush_count == 1);
  for (const Token token : tokens) loop.unwatch(token);
  CHECK(loop.watched_count() == 0);
  // The slot that was left last is taken first.
  CHECK(must_watch(loop, -1, Interest::none, *probes[0]).slot == tokens.back().slot);
  loop.unwatch(Token{tokens.back().slot, tokens.back().generation + 2});
}

TEST_CASE("posts of one thread run in their order, and none is lost") {
  Loop loop;
  constexpr int threads = 4;
  constexpr int posts = 2000;
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
  loop.call_after(6_ms, [&] {
    order.push_back(3);
    loop.stop();
  });
  loop.call_after(2_ms, [&] {
    order.push_back(1);
    first_call = loop.now();
  });
  loop.call_after(4_ms, [&] { order.push_back(2); });
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
  CHECK(loop.receive_buffer().size() == 1000);
  CHECK(loop.send_buffer().capacity == 2000);
  CHECK(loop.send_buffer().owner == nullptr);
  CHECK(loop.send_buffer().size == 0);
  loop.receive_buffer().back() = 1;
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

namespace {

// Watchers that come, go, and schedule each other at random, in every phase, each knowing what it
// may be called for.
class Crowd {
 public:
  explicit Crowd(std::uint32_t seed) : random_(seed) {
    for (Member& member : members_) member.crowd = this;
  }
  ~Crowd() {
    for (Member& member : members_) leave(member);
  }
  void run() {
    for (int turn = 0; turn < 60; ++turn) {
      act();
      REQUIRE(loop_.run_once(no_wait));
    }
    quiet_ = true;
    for (int turn = 0; turn < 3; ++turn) REQUIRE(loop_.run_once(no_wait));
    // In the end nothing is owed to anybody.
    for (const Member& member : members_) {
      if (member.token) CHECK(member.owed == 0);
    }
    CHECK(loop_.until_next_turn() < Duration{0});
    CHECK(calls_ > 100);
  }

 private:
  struct Member final : Watcher {
    void on_ready(Ready) override { CHECK(false); }
    void on_resume() override { crowd->called(*this, Phase::resume); }
    void on_reap() override { crowd->called(*this, Phase::reap); }
    void on_flush() override { crowd->called(*this, Phase::flush); }
    Crowd* crowd = nullptr;
    Token token;
    unsigned owed = 0;
  };

  std::uint32_t random(std::uint32_t below) {
    random_ = random_ * 1664525 + 1013904223;
    return (random_ >> 16) % below;
  }
  void called(Member& member, Phase phase) {
    ++calls_;
    const auto bit = static_cast<unsigned>(phase);
    CHECK((member.owed & bit) == bit);
    member.owed &= ~bit;
    if (!quiet_) act();
  }
  void leave(Member& member) {
    loop_.unwatch(member.token);
    stale_ = member.token;
    member.token = {};
    member.owed = 0;
  }
  void act() {
    for (std::uint32_t n = random(4); n > 0; --n) {
      Member& member = members_[random(12)];
      const std::uint32_t what = random(8);
      if (!member.token) {
        member.token = *loop_.watch(-1, Interest::none, member);
      } else if (what == 0) {
        leave(member);
      } else {
        const Phase phase = what < 3 ? Phase::resume : what < 5 ? Phase::reap : Phase::flush;
        member.owed |= static_cast<unsigned>(phase);
        loop_.schedule(member.token, phase);
        loop_.schedule(stale_, phase);
      }
    }
  }

  Loop loop_{{.receive_bytes = 16, .send_bytes = 16}};
  std::uint32_t random_;
  Member members_[12];
  Token stale_;
  int calls_ = 0;
  bool quiet_ = false;
};

}  // namespace

TEST_CASE("whatever watchers do to each other, each gets what it was promised and nothing else") {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Crowd(seed).run();
  }
}

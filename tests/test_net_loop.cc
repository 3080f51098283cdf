// SPDX-License-Identifier: MIT

#include "net/loop.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/probe.h"
#include "tests/support/socket_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::net::literals;
using namespace hilo::test;

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

TEST_CASE("those who ask again and again are called in turns, for as long as they do") {
  // Not as many as a table of slots begins with, nor a divisor of it, so that a queue's end comes
  // to stand anywhere.
  constexpr std::size_t count = 40;
  constexpr int turns = 10;
  Loop loop;
  std::vector<Probe> probes(count);
  std::vector<Token> tokens;
  std::vector<std::size_t> called;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(must_watch(loop, -1, Interest::none, probes[i]));
    probes[i].flush = [&, i] {
      called.push_back(i);
      loop.schedule(tokens[i], Phase::flush);
    };
    loop.schedule(tokens[i], Phase::flush);
  }
  for (int turn = 0; turn < turns; ++turn) REQUIRE(loop.run_once(no_wait));
  CHECK(called.size() >= count * turns);
  CHECK(called.size() % count == 0);
  for (std::size_t i = 0; i < called.size(); ++i) REQUIRE(called[i] == i % count);
  for (const Token token : tokens) loop.unwatch(token);
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
  for (const int too_high : {(1 << 27) - 1, 1 << 27, INT_MAX}) {
    const Result<Token> token = loop.watch(too_high, Interest::read, probe);
    CHECK(token.error() == std::errc::too_many_files_open);
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

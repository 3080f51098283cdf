// SPDX-License-Identifier: MIT
//
// The loop: its turns, its posts, and a byte that goes to and fro.

#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include <cstdlib>
#include <thread>

#include "net/loop.h"
#include "net/socket.h"

namespace {

using namespace hilo;
using namespace hilo::net;

constexpr Duration for_ever{-1};

void must(const Status& status) {
  if (!status) std::abort();
}

// Sends back whatever comes.
struct Echo final : Watcher {
  Echo(Loop& loop, int number) : fd(number) {
    const Result<Token> watched = loop.watch(fd, Interest::read, *this);
    if (!watched) std::abort();
    token = *watched;
  }
  void on_ready(Ready) override {
    std::uint8_t buffer[64];
    const Io io = socket::receive(fd, buffer);
    if (io.kind != Io::Kind::done) return;
    const Bytes slice(buffer, io.bytes);
    benchmark::DoNotOptimize(socket::send(fd, {&slice, 1}).bytes);
  }
  int fd;
  Token token;
};

struct Pair {
  Pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) std::abort();
    a = Fd(ends[0]);
    b = Fd(ends[1]);
  }
  Fd a;
  Fd b;
};

// One turn reads a byte and sends it to the other end, which the next turn finds readable.
void ping_pong(benchmark::State& state) {
  Loop loop;
  Pair pair;
  Echo left(loop, pair.a.value());
  Echo right(loop, pair.b.value());
  const Bytes ball = as_bytes("x");
  benchmark::DoNotOptimize(socket::send(pair.a.value(), {&ball, 1}).bytes);
  for (auto _ : state) must(loop.run_once(for_ever));
  loop.unwatch(left.token);
  loop.unwatch(right.token);
}
BENCHMARK(ping_pong);

void turn_without_work(benchmark::State& state) {
  Loop loop;
  for (auto _ : state) must(loop.run_once(Duration{}));
}
BENCHMARK(turn_without_work);

// Watchers in one phase, without any descriptor.
void phases(benchmark::State& state) {
  struct Nothing final : Watcher {
    void on_ready(Ready) override {}
  };
  Loop loop;
  Nothing watchers[100];
  Token tokens[100];
  for (int i = 0; i < 100; ++i) tokens[i] = *loop.watch(-1, Interest::none, watchers[i]);
  for (auto _ : state) {
    for (const Token token : tokens) loop.schedule(token, Phase::flush);
    must(loop.run_once(Duration{}));
  }
  for (const Token token : tokens) loop.unwatch(token);
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(phases);

// From the loop's own thread: no wakeup, only the lock.
void post_to_itself(benchmark::State& state) {
  Loop loop;
  int calls = 0;
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) loop.post([&calls] { ++calls; });
    must(loop.run_once(for_ever));
  }
  benchmark::DoNotOptimize(calls);
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(post_to_itself);

// To a loop that sleeps in another thread, and back.
void post_round_trip(benchmark::State& state) {
  Loop here;
  Loop there;
  std::thread other([&there] { must(there.run()); });
  for (auto _ : state) {
    bool back = false;
    there.post([&] { here.post([&back] { back = true; }); });
    while (!back) must(here.run_once(for_ever));
  }
  there.stop();
  other.join();
}
BENCHMARK(post_round_trip)->UseRealTime();

void watch_and_unwatch(benchmark::State& state) {
  Loop loop;
  Pair pair;
  for (auto _ : state) {
    Echo echo(loop, pair.a.value());
    loop.unwatch(echo.token);
  }
}
BENCHMARK(watch_and_unwatch);

}  // namespace

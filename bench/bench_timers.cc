// SPDX-License-Identifier: MIT
//
// The timer wheel with as many timers as there are connections.

#include <benchmark/benchmark.h>

#include <memory>

#include "net/timers.h"

namespace {

using namespace hilo::net;

struct Idle final : Timer {
  void on_timer(Time) override {}
};

// So many timers, armed between 0 and 60 s from now.
struct Armed {
  explicit Armed(std::size_t n) : count(n), timers(std::make_unique<Idle[]>(n)) {
    for (std::size_t i = 0; i < count; ++i) wheel.arm(timers[i], later());
  }
  ~Armed() {
    for (std::size_t i = 0; i < count; ++i) wheel.cancel(timers[i]);
  }
  Time later() {
    random = random * 1664525 + 1013904223;
    return now + Duration::milliseconds((random >> 8) % 60'000);
  }
  Idle& any() {
    random = random * 1664525 + 1013904223;
    return timers[(random >> 4) % count];
  }

  Time now{1'000'000'000};
  TimerWheel wheel{now};
  std::size_t count;
  std::unique_ptr<Idle[]> timers;
  std::uint32_t random = 1;
};

void arm_again(benchmark::State& state) {
  Armed armed(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) armed.wheel.arm(armed.any(), armed.later());
}
BENCHMARK(arm_again)->Arg(1'000)->Arg(100'000);

void cancel_and_arm(benchmark::State& state) {
  Armed armed(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    Idle& timer = armed.any();
    armed.wheel.cancel(timer);
    armed.wheel.arm(timer, armed.later());
  }
}
BENCHMARK(cancel_and_arm)->Arg(1'000)->Arg(100'000);

void until_next(benchmark::State& state) {
  Armed armed(1'000);
  for (auto _ : state) benchmark::DoNotOptimize(armed.wheel.until_next(armed.now));
}
BENCHMARK(until_next);

void advance_with_nothing_due(benchmark::State& state) {
  TimerWheel wheel{Time{0}};
  Idle timer;
  wheel.arm(timer, Time{INT64_MAX});
  Time now{0};
  for (auto _ : state) {
    now = now + Duration{10'000};
    wheel.advance(now);
  }
  wheel.cancel(timer);
}
BENCHMARK(advance_with_nothing_due);

// A timer's whole life: armed for up to a minute, moved down, fired; time in milliseconds.
void a_minute_of_timers(benchmark::State& state) {
  Armed armed(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const Time end = armed.now + Duration::seconds(60);
    while (armed.now < end) {
      armed.now = armed.now + Duration::milliseconds(1);
      armed.wheel.advance(armed.now);
    }
    state.PauseTiming();
    for (std::size_t i = 0; i < armed.count; ++i) armed.wheel.arm(armed.timers[i], armed.later());
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(a_minute_of_timers)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace

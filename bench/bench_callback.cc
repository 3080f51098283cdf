// SPDX-License-Identifier: MIT
//
// What it costs to hand a 16-byte view to a handler, by the form of the handler. The view passes
// through a function that is not inlined, as the dispatch of a connection does.

#include <benchmark/benchmark.h>

#include <functional>

#include "net/base/bytes.h"
#include "net/base/callback.h"

namespace {

using hilo::Bytes;
using hilo::Callback;

struct Sum {
  std::size_t total = 0;
  void take(Bytes bytes) noexcept { total += bytes.size() + bytes.front(); }
};

struct Interface {
  virtual void take(Bytes bytes) = 0;

 protected:
  ~Interface() = default;
};
struct VirtualSum final : Interface {
  Sum sum;
  void take(Bytes bytes) override { sum.take(bytes); }
};
// A second one, lest the compiler guess which it is.
struct VirtualCount final : Interface {
  std::size_t count = 0;
  void take(Bytes) override { ++count; }
};

const std::uint8_t data[64] = {1, 2, 3};

// Calls `handler` for one view after the other; the optimiser knows neither it nor the views.
template <class Handler>
void deliver(benchmark::State& state, Handler& handler) {
  const std::uint8_t* begin = data;
  std::size_t bytes = 16;
  for (auto _ : state) {
    benchmark::DoNotOptimize(begin);
    benchmark::DoNotOptimize(bytes);
    handler(Bytes(begin, bytes));
  }
}

void template_handler(benchmark::State& state) {
  Sum sum;
  auto handler = [&sum](Bytes bytes) { sum.take(bytes); };
  deliver(state, handler);
  benchmark::DoNotOptimize(sum.total);
}
BENCHMARK(template_handler);

void virtual_handler(benchmark::State& state) {
  VirtualSum sum;
  VirtualCount count;
  bool wants_sum = true;
  benchmark::DoNotOptimize(wants_sum);
  Interface* interface = &count;
  if (wants_sum) interface = &sum;
  auto handler = [interface](Bytes bytes) { interface->take(bytes); };
  deliver(state, handler);
  benchmark::DoNotOptimize(sum.sum.total + count.count);
}
BENCHMARK(virtual_handler);

void callback_handler(benchmark::State& state) {
  Sum sum;
  Callback<void(Bytes)> handler = [&sum](Bytes bytes) { sum.take(bytes); };
  benchmark::DoNotOptimize(handler);
  deliver(state, handler);
  benchmark::DoNotOptimize(sum.total);
}
BENCHMARK(callback_handler);

void std_function_handler(benchmark::State& state) {
  Sum sum;
  std::function<void(Bytes)> handler = [&sum](Bytes bytes) { sum.take(bytes); };
  benchmark::DoNotOptimize(handler);
  deliver(state, handler);
  benchmark::DoNotOptimize(sum.total);
}
BENCHMARK(std_function_handler);

// What it costs to make and destroy one, with a capture of three pointers.
template <class Function>
void make(benchmark::State& state) {
  std::size_t a = 1;
  std::size_t b = 2;
  std::size_t c = 3;
  for (auto _ : state) {
    Function function = [&a, &b, &c] { benchmark::DoNotOptimize(a + b + c); };
    benchmark::DoNotOptimize(function);
  }
}
BENCHMARK(make<Callback<void()>>);
BENCHMARK(make<std::function<void()>>);

}  // namespace

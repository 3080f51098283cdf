// SPDX-License-Identifier: MIT
//
// What the proof of a handshake costs.

#include <benchmark/benchmark.h>

#include <string_view>

#include "ws/core/accept_key.h"

namespace {

std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";

void accept_key(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(sample_key);
    benchmark::DoNotOptimize(hilo::ws::accept_key(sample_key));
  }
}
BENCHMARK(accept_key);

void is_valid_key(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(sample_key);
    benchmark::DoNotOptimize(hilo::ws::is_valid_key(sample_key));
  }
}
BENCHMARK(is_valid_key);

}  // namespace

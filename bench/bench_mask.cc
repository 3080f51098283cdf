// SPDX-License-Identifier: MIT
//
// Unmasking against the bare cost of the memory: "load_store" is the plain in-place loop that only
// loads 32 bytes and stores them again. Arguments: size in bytes / distance from a 64-byte
// boundary.
//
// "mask_beside_load_store" does both in turns, in bursts of some microseconds, and compares the
// shortest ones: `share` is the time of the loop divided by that of mask(). On a machine that is
// shared with others this is the figure to believe.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "ws/core/mask.h"
#include "ws/core/mask_kernels.h"

namespace {

using hilo::ws::MaskFunction;
using hilo::ws::MaskKey;

constexpr std::size_t size_max = 64 * 1024;
constexpr MaskKey key{0x37, 0xFA, 0x21, 0x3D};

alignas(64) std::array<std::uint8_t, size_max + 64> memory{};

// A register that the compiler keeps in one instruction; without AVX it makes two of them.
using Register = std::uint8_t __attribute__((vector_size(32), aligned(1), may_alias));

#if defined(__x86_64__)
#define BENCH_TARGET [[gnu::noinline, gnu::target("avx2")]]
#define BENCH_REGISTER "+x"
#else
#define BENCH_TARGET [[gnu::noinline]]
#define BENCH_REGISTER "+m"
#endif

// The empty asm hides the value, or else the compiler sees that nothing changes. Unrolled, because
// the speed of the short loop depends on where the linker happens to put it.
BENCH_TARGET void load_store(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                             std::uint64_t) noexcept {
#pragma GCC unroll 4
  for (std::size_t i = 0; i < size; i += sizeof(Register)) {
    Register value = *reinterpret_cast<const Register*>(from + i);
    asm volatile("" : BENCH_REGISTER(value));
    *reinterpret_cast<Register*>(to + i) = value;
  }
}

void run_kernel(benchmark::State& state, MaskFunction apply) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::uint8_t* data = memory.data() + state.range(1);
  std::uint64_t word = hilo::ws::mask_detail::key_word(key, 0);
  for (auto _ : state) {
    benchmark::DoNotOptimize(word);
    apply(data, data, size, word);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void run_mask(benchmark::State& state) {
  auto size = static_cast<std::size_t>(state.range(0));
  std::uint8_t* data = memory.data() + state.range(1);
  MaskKey own_key = key;
  for (auto _ : state) {
    benchmark::DoNotOptimize(size);
    benchmark::DoNotOptimize(own_key);
    hilo::ws::mask({data, size}, own_key);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// Calls it so often that the clock is nothing beside it.
template <class Call>
std::chrono::nanoseconds burst(std::size_t size, Call&& call) {
  constexpr std::size_t bytes = 128 * 1024;
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t done = 0; done < bytes; done += size) {
    call();
    benchmark::ClobberMemory();
  }
  return std::chrono::steady_clock::now() - began;
}

void run_beside(benchmark::State& state) {
  auto size = static_cast<std::size_t>(state.range(0));
  std::uint8_t* data = memory.data() + state.range(1);
  MaskKey own_key = key;
  MaskFunction loop = load_store;
  std::chrono::nanoseconds least_of_loop = std::chrono::nanoseconds::max();
  std::chrono::nanoseconds least_of_mask = least_of_loop;
  for (auto _ : state) {
    const auto of_loop = burst(size, [&] {
      benchmark::DoNotOptimize(size);
      benchmark::DoNotOptimize(loop);
      loop(data, data, size, 0);
    });
    const auto of_mask = burst(size, [&] {
      benchmark::DoNotOptimize(size);
      benchmark::DoNotOptimize(own_key);
      hilo::ws::mask({data, size}, own_key);
    });
    least_of_loop = std::min(least_of_loop, of_loop);
    least_of_mask = std::min(least_of_mask, of_mask);
  }
  state.counters["share"] =
      static_cast<double>(least_of_loop.count()) / static_cast<double>(least_of_mask.count());
}

void sizes(benchmark::internal::Benchmark* bench, std::int64_t first) {
  for (std::int64_t size = first; size <= std::int64_t{size_max}; size *= 4) {
    bench->Args({size, 0})->Args({size, 1});
  }
  // Between the powers a kernel has to put odd numbers of registers together.
  for (const std::int64_t size : {96, 128, 160, 192, 224, 288, 384, 512}) {
    bench->Args({size, 0})->Args({size, 1});
  }
}

[[maybe_unused]] const bool registered = [] {
  sizes(benchmark::RegisterBenchmark("load_store", run_kernel, load_store), 64);
  sizes(benchmark::RegisterBenchmark("mask", run_mask), 16);
  sizes(benchmark::RegisterBenchmark("mask_beside_load_store", run_beside), 64);
  for (const hilo::ws::MaskKernel& kernel : hilo::ws::mask_kernels()) {
    if (!kernel.available()) continue;
    const std::string name = std::string("mask_") + kernel.name;
    sizes(benchmark::RegisterBenchmark(name.c_str(), run_kernel, kernel.apply), 16);
  }
  return true;
}();

}  // namespace

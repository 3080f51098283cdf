// SPDX-License-Identifier: MIT
//
// Unmasking against the bare cost of the memory: "load_store" is the plain in-place loop that only
// loads 32 bytes and stores them again. Arguments: size in bytes / distance from a 64-byte
// boundary.
//
// "mask_beside_load_store" does both in turns, in bursts of some microseconds, and compares the
// shortest ones: `share` is the time of the loop divided by that of mask(), and `share_of_unrolled`
// that of the same loop with four registers in a turn. On a machine that is shared with others
// these are the figures to believe.

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
#include "ws/core/processor.h"

namespace {

using hilo::ws::MaskFunction;
using hilo::ws::MaskKey;

constexpr std::size_t size_max = 64 * 1024;
constexpr MaskKey key{0x37, 0xFA, 0x21, 0x3D};

alignas(64) std::array<std::uint8_t, size_max + 64> memory{};

// A register that the compiler keeps in one instruction; without AVX it makes two of them.
using Register = std::uint8_t __attribute__((vector_size(32), aligned(1), may_alias));

#if defined(__x86_64__)
#define BENCH_TARGET [[gnu::noinline, gnu::aligned(64), gnu::target("avx2")]]
#define BENCH_INLINE [[gnu::always_inline, gnu::target("avx2")]] inline
#define BENCH_REGISTER "+x"
#else
#define BENCH_TARGET [[gnu::noinline, gnu::aligned(64)]]
#define BENCH_INLINE [[gnu::always_inline]] inline
#define BENCH_REGISTER "+m"
#endif

// The empty asm hides the value, or else the compiler sees that nothing changes.
BENCH_INLINE void keep(std::uint8_t* to, const std::uint8_t* from) noexcept {
  Register value = *reinterpret_cast<const Register*>(from);
  asm volatile("" : BENCH_REGISTER(value));
  *reinterpret_cast<Register*>(to) = value;
}

// Both are aligned, because the speed of so short a loop depends on where it lies.
BENCH_TARGET void load_store(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                             std::uint32_t) noexcept {
#pragma GCC unroll 1
  for (std::size_t i = 0; i < size; i += sizeof(Register)) keep(to + i, from + i);
}
BENCH_TARGET void load_store_unrolled(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                                      std::uint32_t) noexcept {
#pragma GCC unroll 4
  for (std::size_t i = 0; i < size; i += sizeof(Register)) keep(to + i, from + i);
}

void run_kernel(benchmark::State& state, MaskFunction apply) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::uint8_t* data = memory.data() + state.range(1);
  std::uint32_t word = hilo::ws::mask_detail::key_word(key, 0);
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

// Calls it so often that the clock is nothing beside it, for one payload behind the other, as
// frames lie in a receive buffer: on the same bytes again and again each call would wait for the
// stores of the one before it.
template <class Call>
[[gnu::noinline, gnu::aligned(64)]] std::chrono::nanoseconds burst(std::size_t size,
                                                                   std::size_t offset, Call call) {
  constexpr std::size_t bytes = 128 * 1024;
  constexpr std::size_t area = 16 * 1024;  // stays in the first cache
  const std::size_t step = (size + 63) / 64 * 64;
  const auto began = std::chrono::steady_clock::now();
  std::size_t at = 0;
  for (std::size_t done = 0; done < bytes; done += size) {
    call(memory.data() + offset + at, size);
    benchmark::ClobberMemory();
    at += step;
    if (at + step > area) at = 0;
  }
  return std::chrono::steady_clock::now() - began;
}

// With the kernel of this machine, or as on a machine that knows no better than that.
void run_beside(benchmark::State& state, [[maybe_unused]] bool without_avx512) {
#if defined(__x86_64__)
  using hilo::ws::mask_detail::Machine;
  hilo::ws::mask_detail::machine = without_avx512 ? Machine::avx2 : Machine::unknown;
#endif
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto offset = static_cast<std::size_t>(state.range(1));
  MaskKey own_key = key;
  benchmark::DoNotOptimize(own_key);
  auto of_plain = std::chrono::nanoseconds::max();
  auto of_unrolled = of_plain;
  auto of_mask = of_plain;
  for (auto _ : state) {
    of_plain = std::min(of_plain, burst(size, offset, [](std::uint8_t* data, std::size_t bytes) {
                          load_store(data, data, bytes, 0);
                        }));
    of_unrolled =
        std::min(of_unrolled, burst(size, offset, [](std::uint8_t* data, std::size_t bytes) {
                   load_store_unrolled(data, data, bytes, 0);
                 }));
    of_mask =
        std::min(of_mask, burst(size, offset, [own_key](std::uint8_t* data, std::size_t bytes) {
                   hilo::ws::mask({data, bytes}, own_key);
                 }));
  }
  const auto share_of = [&](std::chrono::nanoseconds loop) {
    return static_cast<double>(loop.count()) / static_cast<double>(of_mask.count());
  };
  state.counters["share"] = share_of(of_plain);
  state.counters["share_of_unrolled"] = share_of(of_unrolled);
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
  sizes(benchmark::RegisterBenchmark("mask_beside_load_store", run_beside, false), 64);
#if defined(__x86_64__)
  if (hilo::ws::processor::has_avx512()) {
    sizes(benchmark::RegisterBenchmark("mask_avx2_beside_load_store", run_beside, true), 64);
  }
#endif
  for (const hilo::ws::MaskKernel& kernel : hilo::ws::mask_kernels()) {
    if (!kernel.available()) continue;
    const std::string name = std::string("mask_") + kernel.name;
    sizes(benchmark::RegisterBenchmark(name.c_str(), run_kernel, kernel.apply), 16);
  }
  return true;
}();

}  // namespace

// SPDX-License-Identifier: MIT
//
// Checking text: ASCII, and a mix of Spanish, Japanese and emoji, by the public function and by
// each kernel of this machine. The argument is the size in bytes.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ws/core/utf8.h"
#include "ws/core/utf8_kernels.h"

namespace {

using hilo::as_bytes;
using hilo::Bytes;
using hilo::ws::Utf8Function;

constexpr std::size_t size_max = 64 * 1024;
constexpr std::string_view ascii = "The quick brown fox jumps over the lazy dog. ";
constexpr std::string_view mixed =
    "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío. ¡Añoraba a su niña! "
    "いろはにほへと ちりぬるを わかよたれそ つねならむ 日本語の文章です。"
    "😀🎉🧵👍🏽 ";

// Whole characters, filled up with spaces to the exact size.
std::string text_of(std::string_view pattern, std::size_t size) {
  std::string text;
  while (text.size() < size) text += pattern;
  while (text.size() > size || !hilo::ws::utf8_valid(as_bytes(text))) text.pop_back();
  text.append(size - text.size(), ' ');
  return text;
}

void run_valid(benchmark::State& state, std::string_view pattern) {
  const std::string text = text_of(pattern, static_cast<std::size_t>(state.range(0)));
  Bytes bytes = as_bytes(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    bool valid = hilo::ws::utf8_valid(bytes);
    benchmark::DoNotOptimize(valid);
    if (!valid) std::abort();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void run_kernel(benchmark::State& state, Utf8Function check, std::string_view pattern) {
  const std::string text = text_of(pattern, static_cast<std::size_t>(state.range(0)));
  Bytes bytes = as_bytes(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    hilo::ws::utf8_detail::State between;
    bool valid = hilo::ws::utf8_advance(check, between, bytes);
    benchmark::DoNotOptimize(valid);
    if (!valid) std::abort();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// Sure of nothing: all is left to the byte-wise automaton.
std::size_t nothing(const std::uint8_t*, std::size_t) noexcept {
  return 0;
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (std::int64_t size = 16; size <= std::int64_t{size_max}; size *= 4) bench->Arg(size);
}

[[maybe_unused]] const bool registered = [] {
  for (const bool is_ascii : {true, false}) {
    const std::string suffix = is_ascii ? "_ascii" : "_mixed";
    const std::string_view pattern = is_ascii ? ascii : mixed;
    sizes(benchmark::RegisterBenchmark(("utf8_valid" + suffix).c_str(), run_valid, pattern));
    sizes(benchmark::RegisterBenchmark(("utf8_scalar" + suffix).c_str(), run_kernel, nothing,
                                       pattern));
    for (const hilo::ws::Utf8Kernel& kernel : hilo::ws::utf8_kernels()) {
      if (!kernel.available()) continue;
      const std::string name = std::string("utf8_") + kernel.name + suffix;
      sizes(benchmark::RegisterBenchmark(name.c_str(), run_kernel, kernel.check, pattern));
    }
  }
  return true;
}();

}  // namespace

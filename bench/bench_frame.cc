// SPDX-License-Identifier: MIT
//
// Headers alone: read, judged and written. The argument is the size of the payload that they
// announce, and so the form of the length: 2, 4 or 10 bytes, and 4 more for the key.

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "ws/core/frame.h"

namespace {

using namespace hilo::ws;

constexpr MaskKey key{0x37, 0xFA, 0x21, 0x3D};

void parse_and_check(benchmark::State& state) {
  std::array<std::uint8_t, frame_header_bytes_max> bytes{};
  const auto payload_bytes = static_cast<std::uint64_t>(state.range(0));
  std::size_t size = write_header(bytes.data(), Opcode::binary, true, payload_bytes, &key);
  const FrameRules rules{Role::server, false, std::uint64_t{1} << 20};
  for (auto _ : state) {
    benchmark::DoNotOptimize(size);
    benchmark::DoNotOptimize(bytes);
    FrameHeader header = parse_header(hilo::Bytes{bytes}.first(size));
    Errc error = check_header(header, rules);
    benchmark::DoNotOptimize(header);
    benchmark::DoNotOptimize(error);
  }
}
BENCHMARK(parse_and_check)->Arg(16)->Arg(1000)->Arg(100000);

void write(benchmark::State& state) {
  std::array<std::uint8_t, frame_header_bytes_max> bytes{};
  auto payload_bytes = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(payload_bytes);
    std::size_t size = write_header(bytes.data(), Opcode::binary, true, payload_bytes, &key);
    benchmark::DoNotOptimize(size);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write)->Arg(16)->Arg(1000)->Arg(100000);

}  // namespace

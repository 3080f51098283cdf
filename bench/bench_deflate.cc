// SPDX-License-Identifier: MIT
//
// What compression costs: JSON-like text through the Compression of a session, out and in. The
// arguments are the size of a message and whether the connection has contexts of its own (1) or
// shares those of its loop (0).
//
//   ratio       bytes of the messages by their bytes on the wire
//   loop_bytes  what all connections of the loop share
//   each_bytes  what a connection adds to that
//
// Messages differ, as those of a connection do: with context takeover they share words with the
// ones before, without it only with themselves.

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "net/base/pool.h"
#include "ws/core/deflate_contexts.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

constexpr std::size_t messages = 64;

std::vector<std::string> make_messages(std::size_t bytes) {
  std::vector<std::string> all;
  std::uint32_t random = 1;
  for (std::size_t i = 0; i < messages; ++i) {
    std::string text = "[";
    while (text.size() < bytes) {
      random = random * 1'664'525U + 1'013'904'223U;
      text.append("{\"id\":").append(std::to_string(random >> 8));
      text.append(",\"name\":\"sensor ").append(std::to_string(random % 97));
      text.append("\",\"temperature\":").append(std::to_string((random >> 12) % 400));
      text.append((random & 4096) != 0 ? ",\"ok\":true}," : ",\"ok\":false},");
    }
    text.resize(bytes);
    all.push_back(std::move(text));
  }
  return all;
}

// One connection on its loop, and the other end of the wire on another.
struct Ends {
  explicit Ends(bool own, std::uint8_t level)
      : options{.enabled = true,
                .threshold_bytes = 0,
                .server_no_context_takeover = !own,
                .client_no_context_takeover = !own,
                .level = level},
        agreed{!own, !own, window_bits_max, window_bits_max},
        near(options, DeflateMemory::unlimited, counters),
        far(options, DeflateMemory::unlimited, counters),
        sender(near.make(Role::server, agreed)),
        receiver(far.make(Role::client, agreed)) {}

  DeflateOptions options;
  DeflateParameters agreed;
  DeflateCounters counters;
  DeflateContexts near;
  DeflateContexts far;
  CompressionPointer sender;
  CompressionPointer receiver;
  Pool pool;
  MessageLimits limits;
};

void report(benchmark::State& state, const Ends& ends, std::size_t size) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
  state.counters["ratio"] = static_cast<double>(ends.counters.deflated_bytes) /
                            static_cast<double>(ends.counters.deflated_wire_bytes);
}

void run_out(benchmark::State& state, std::uint8_t level) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<std::string> texts = make_messages(size);
  Ends ends(state.range(1) != 0, level);
  std::size_t next = 0;
  for (auto _ : state) {
    Buffer wire(ends.pool);
    HILO_CHECK(ends.sender->shrink(as_bytes(texts[next++ % messages]), wire));
  }
  report(state, ends, size);
}
void deflate_out(benchmark::State& state) {
  run_out(state, DeflateOptions{}.level);
}
void deflate_out_fastest(benchmark::State& state) {
  run_out(state, 1);
}
BENCHMARK(deflate_out)->ArgsProduct({{1 << 10, 16 << 10}, {0, 1}});
BENCHMARK(deflate_out_fastest)->ArgsProduct({{1 << 10, 16 << 10}, {0, 1}});

// The window of a takeover is that of the message before, so the wire is made along the way, in
// rounds, while the clock stands.
void inflate_in(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<std::string> texts = make_messages(size);
  Ends ends(state.range(1) != 0, DeflateOptions{}.level);
  std::vector<std::string> wires;
  std::size_t next = messages;
  for (auto _ : state) {
    if (next == messages) {
      state.PauseTiming();
      wires.clear();
      for (const std::string& text : texts) {
        Buffer wire(ends.pool);
        HILO_CHECK(ends.sender->shrink(as_bytes(text), wire));
        wires.emplace_back(as_text(std::as_const(wire).readable()));
      }
      next = 0;
      state.ResumeTiming();
    }
    Buffer text(ends.pool);
    HILO_CHECK(ends.receiver->expand(as_bytes(wires[next++]), ends.limits, text) == Errc::none);
  }
  report(state, ends, size);
}
BENCHMARK(inflate_in)->ArgsProduct({{1 << 10, 16 << 10}, {0, 1}});

// A hundred connections that have sent and received, and are silent now.
void memory(benchmark::State& state) {
  constexpr std::size_t connections = 100;
  const std::string text = make_messages(16 << 10).front();
  Ends ends(state.range(0) != 0, DeflateOptions{}.level);
  const auto use = [&](Compression& compression) {
    Buffer wire(ends.pool);
    Buffer back(ends.pool);
    HILO_CHECK(compression.shrink(as_bytes(text), wire));
    HILO_CHECK(compression.expand(std::as_const(wire).readable(), ends.limits, back) == Errc::none);
  };
  for (auto _ : state) {
    std::vector<CompressionPointer> all;
    all.push_back(ends.near.make(Role::server, {true, true, window_bits_max, window_bits_max}));
    use(*all.back());
    const std::size_t loop_bytes = ends.near.memory().taken_bytes();
    while (all.size() < connections + 1) {
      all.push_back(ends.near.make(Role::server, ends.agreed));
      use(*all.back());
    }
    const std::size_t added = ends.near.memory().taken_bytes() - loop_bytes;
    state.counters["loop_bytes"] = static_cast<double>(loop_bytes);
    state.counters["each_bytes"] = static_cast<double>(added) / connections;
  }
}
BENCHMARK(memory)->Arg(0)->Arg(1)->Iterations(1);

}  // namespace

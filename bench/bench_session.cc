// SPDX-License-Identifier: MIT
//
// Bytes in, events out: frames back to back in a receive buffer, each message looked at by its size
// alone. The argument is the size of a payload; "frame_time" is the time per frame.
//
// A session unmasks in place, so a buffer can be used once only. Masking is its own inverse: the
// next round over the same buffer masks again what the one before unmasked, which costs the same,
// and binary does not care what it reads. Text would not be UTF-8 every second round. Its key is
// therefore one of equal bytes without a top bit (0x15): both "a" and "a" ^ 0x15 are ASCII, and the
// unmasking is done in full all the same.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "net/base/check.h"
#include "net/base/pool.h"
#include "ws/core/frame.h"
#include "ws/core/session.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr MessageLimits limits{.message_bytes_max = std::size_t{4} << 20};
constexpr MaskKey any_key{0x37, 0xFA, 0x21, 0x3D};
constexpr MaskKey ascii_key{0x15, 0x15, 0x15, 0x15};

void add_frame(std::vector<std::uint8_t>& stream, Opcode opcode, bool final, std::size_t size,
               const MaskKey* key) {
  std::array<std::uint8_t, frame_header_bytes_max> header{};
  const std::size_t header_bytes = write_header(header.data(), opcode, final, size, key);
  stream.insert(stream.end(), header.begin(),
                header.begin() + static_cast<std::ptrdiff_t>(header_bytes));
  stream.insert(stream.end(), size, 'a');
}

void report(benchmark::State& state, std::size_t frames, std::size_t bytes) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["frame_time"] =
      benchmark::Counter(rounds * static_cast<double>(frames),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

// Whole frames, as many as the buffer holds.
void run_whole(benchmark::State& state, Role role, Opcode opcode, const MaskKey* key) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> stream;
  std::size_t frames = 0;
  do {
    add_frame(stream, opcode, true, size, key);
    ++frames;
  } while (stream.size() + size + frame_header_bytes_max <= buffer_bytes);
  Pool pool;
  const Session::Shared shared{limits, &pool};
  Session session(role, shared);
  for (auto _ : state) {
    MutableBytes input = stream;
    std::size_t payload_bytes = 0;
    while (const Event event = session.next(input)) payload_bytes += event.payload.size();
    HILO_CHECK(payload_bytes == frames * size);
  }
  report(state, frames, stream.size());
}

void server_binary(benchmark::State& state) {
  run_whole(state, Role::server, Opcode::binary, &any_key);
}
void server_text(benchmark::State& state) {
  run_whole(state, Role::server, Opcode::text, &ascii_key);
}
void client_binary(benchmark::State& state) {
  run_whole(state, Role::client, Opcode::binary, nullptr);
}
void client_text(benchmark::State& state) {
  run_whole(state, Role::client, Opcode::text, nullptr);
}
BENCHMARK(server_binary)->Arg(0)->Arg(16)->Arg(125)->Arg(1024)->Arg(4096)->Arg(64 * 1024);
BENCHMARK(server_text)->Arg(16)->Arg(125)->Arg(1024)->Arg(4096)->Arg(64 * 1024);
BENCHMARK(client_binary)->Arg(16)->Arg(125)->Arg(4096);
BENCHMARK(client_text)->Arg(16)->Arg(125)->Arg(4096);

// Messages of four fragments.
void server_fragments(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> stream;
  std::size_t frames = 0;
  while (stream.size() + 4 * (size + frame_header_bytes_max) <= buffer_bytes) {
    for (int i = 0; i < 4; ++i) {
      add_frame(stream, i == 0 ? Opcode::binary : Opcode::continuation, i == 3, size, &any_key);
      ++frames;
    }
  }
  Pool pool;
  const Session::Shared shared{limits, &pool};
  Session session(Role::server, shared);
  for (auto _ : state) {
    MutableBytes input = stream;
    std::size_t payload_bytes = 0;
    while (const Event event = session.next(input)) payload_bytes += event.payload.size();
    HILO_CHECK(payload_bytes == frames * size);
  }
  report(state, frames, stream.size());
}
BENCHMARK(server_fragments)->Arg(16)->Arg(1024);

// A message of 1 MiB that arrives in reads of 64 KiB. The memcpy that stands for the read is part
// of the figure: "into_space" reads where the session wants it, "from_buffer" lets the session
// copy.
void run_large(benchmark::State& state, bool into_space) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> stream;
  add_frame(stream, Opcode::binary, true, size, &any_key);
  std::vector<std::uint8_t> buffer(buffer_bytes);
  Pool pool;
  const Session::Shared shared{limits, &pool};
  Session session(Role::server, shared);
  for (auto _ : state) {
    Bytes wire = stream;
    std::size_t payload_bytes = 0;
    while (!wire.empty()) {
      MutableBytes to = into_space ? session.receive_space(wire.size()) : MutableBytes{};
      const bool direct = !to.empty();
      if (!direct) to = buffer;
      const std::size_t part = std::min({wire.size(), to.size(), buffer_bytes});
      std::memcpy(to.data(), wire.data(), part);
      wire = wire.subspan(part);
      MutableBytes input = to.first(part);
      const Event event = direct ? session.commit(part) : session.next(input);
      payload_bytes += event.payload.size();
    }
    HILO_CHECK(payload_bytes == size);
  }
  report(state, 1, stream.size());
}
void large_into_space(benchmark::State& state) {
  run_large(state, true);
}
void large_from_buffer(benchmark::State& state) {
  run_large(state, false);
}
BENCHMARK(large_into_space)->Arg(1 << 20);
BENCHMARK(large_from_buffer)->Arg(1 << 20);

// The way out: 16-byte messages, a server's and a client's.
void send_server(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(static_cast<std::size_t>(state.range(0)), 'a');
  Pool pool;
  const Session::Shared shared{limits, &pool};
  Session session(Role::server, shared);
  for (auto _ : state) {
    Outgoing outgoing = session.send(Opcode::binary, payload);
    benchmark::DoNotOptimize(outgoing);
  }
}
void send_client(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(static_cast<std::size_t>(state.range(0)), 'a');
  Pool pool;
  Buffer out(pool);
  const Session::Shared shared{limits, &pool};
  Session session(Role::client, shared);
  for (auto _ : state) {
    HILO_CHECK(static_cast<bool>(session.send(Opcode::binary, payload, any_key, out)));
    if (out.size() > buffer_bytes) out.release();
  }
}
BENCHMARK(send_server)->Arg(16);
BENCHMARK(send_client)->Arg(16)->Arg(4096);

}  // namespace

// SPDX-License-Identifier: MIT
//
// Engine.IO without sockets: bodies of ten packets read and written in each framing, base64, and
// what one message costs a session that polls.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "net/base/pool.h"
#include "ws/engineio/base64.h"
#include "ws/engineio/payload.h"
#include "ws/engineio/session.h"

namespace {

using namespace hilo;
using namespace hilo::engineio;

constexpr int packets_per_body = 10;
constexpr Framing framings[] = {Framing::v4, Framing::v3_text, Framing::v3_binary};

MutableBytes bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

std::string body_of(Framing framing, std::string text) {
  Pool pool;
  Buffer out{pool};
  for (int i = 0; i < packets_per_body; ++i) {
    if (!append_packet(framing, {PacketType::message, false, bytes_of(text)}, out)) std::abort();
  }
  return std::string(as_text(Bytes{out.readable()}));
}

// range(0): the framing; range(1): bytes of each packet.
void read_payload(benchmark::State& state) {
  const Framing framing = framings[state.range(0)];
  std::string body = body_of(framing, std::string(static_cast<std::size_t>(state.range(1)), 'x'));
  for (auto _ : state) {
    if (check_payload(framing, bytes_of(body), 4096) != Errc::none) std::abort();
    PayloadReader reader{framing, bytes_of(body)};
    Packet packet;
    while (reader.next(packet)) benchmark::DoNotOptimize(packet.data.data());
  }
  state.SetItemsProcessed(state.iterations() * packets_per_body);
}
BENCHMARK(read_payload)->ArgsProduct({{0, 1, 2}, {16, 1024}});

void write_payload(benchmark::State& state) {
  const Framing framing = framings[state.range(0)];
  std::string text(static_cast<std::size_t>(state.range(1)), 'x');
  Pool pool;
  for (auto _ : state) {
    Buffer out{pool};
    for (int i = 0; i < packets_per_body; ++i) {
      const Packet packet{PacketType::message, false, bytes_of(text)};
      if (!append_packet(framing, packet, out)) std::abort();
    }
    benchmark::DoNotOptimize(out.readable().data());
  }
  state.SetItemsProcessed(state.iterations() * packets_per_body);
}
BENCHMARK(write_payload)->ArgsProduct({{0, 1, 2}, {16, 1024}});

void base64_there_and_back(benchmark::State& state) {
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  std::string text(base64_size(data.size()), ' ');
  for (auto _ : state) {
    encode_base64(as_bytes(data), bytes_of(text).data());
    benchmark::DoNotOptimize(decode_base64(bytes_of(text)));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(base64_there_and_back)->Arg(64)->Arg(65536);

// A GET that waits, a message, its answer.
void poll_of_one_message(benchmark::State& state) {
  Pool pool;
  const Options options;
  Session session{pool, options, {}, {}};
  const std::string text(32, 'x');
  for (auto _ : state) {
    if (session.begin_poll() != Errc::none || !session.send(false, as_bytes(text))) std::abort();
    Buffer out{pool};
    bool is_binary = false;
    if (!session.write_poll(out, is_binary, {})) std::abort();
    benchmark::DoNotOptimize(out.readable().data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(poll_of_one_message);

}  // namespace

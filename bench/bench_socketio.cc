// SPDX-License-Identifier: MIT
//
// Socket.IO: packets, events to a handler and back, broadcasts, and what an idle client costs.
//
//   decode, encode              one event, text to values and back
//   echo/<in flight>            events that want an answer over one socket pair; items are events
//   connect                     a client comes in, is connected, and goes
//   broadcast/<clients>         one event to all, until the kernel has it; items are deliveries
//   idle_memory                 bytes_each: growth of resident memory for 9,000 silent clients
//
// Instructions of hilo's own (those of the kernel are not counted):
//   valgrind --tool=callgrind --collect-atstart=no --toggle-collect='echo_once*'
//     build/release/bench/socketio --benchmark_filter=echo/16 --benchmark_min_time=0.01

#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "net/loop.h"
#include "net/socket.h"
#include "ws/server.h"
#include "ws/socketio/decoder.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/server.h"

namespace {

using namespace hilo;

constexpr std::string_view event =
    "2[\"chat message\",{\"room\":\"hall\",\"text\":\"hola\",\"n\":7}]";

// A frame as a client sends it, under the mask that changes nothing.
std::string client_frame(std::string_view text) {
  HILO_CHECK(text.size() < 126);
  std::string frame{'\x81', static_cast<char>(0x80 | text.size()), 0, 0, 0, 0};
  return frame.append(text);
}

// A server and its clients, each on a socket pair.
class Clients {
 public:
  explicit Clients(std::size_t count) : http_(loop_, {}, lean()), io_(http_) {
    io_.on_connection([this](socketio::Socket socket) {
      ++connected_;
      socket.on("echo", [](const socketio::Json& value, socketio::Ack ack) { ack(value); });
    });
    add(count);
  }

  void add(std::size_t count) {
    constexpr std::string_view request =
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    peers_.reserve(peers_.size() + count);
    for (std::size_t i = 0; i < count; ++i) {
      std::array<int, 2> fds{};
      HILO_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
      peers_.emplace_back(fds[0]);
      http_.adopt(net::Fd{fds[1]}, {});
      send(request);
      turn();
      send(client_frame("40"));
      const std::size_t wanted = connected_ + 1;
      while (connected_ != wanted) turn();
      turn();
      static_cast<void>(receive(peers_.back()));
    }
  }

  // The latest client goes: DISCONNECT, and a Close without a code.
  void remove() {
    send(client_frame("41") + std::string{'\x88', '\x80', 0, 0, 0, 0});
    turn();
    static_cast<void>(receive());
    peers_.pop_back();
    while (io_.client_count() != peers_.size()) turn();
    turn();
  }

  // From the latest client.
  void send(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    HILO_CHECK(net::socket::send(peers_.back().value(), {&bytes, 1}).bytes == bytes.size());
  }
  std::size_t receive(const net::Fd& peer) {
    std::size_t bytes = 0;
    net::Io io;
    while ((io = net::socket::receive(peer.value(), block_)).kind == net::Io::Kind::done) {
      bytes += io.bytes;
    }
    return bytes;
  }
  std::size_t receive() { return receive(peers_.back()); }
  void empty_peers() {
    for (const net::Fd& peer : peers_) static_cast<void>(receive(peer));
  }
  void turn() { HILO_CHECK(loop_.run_once(net::Duration{})); }
  socketio::Server& io() noexcept { return io_; }

 private:
  static ws::ServerOptions lean() {
    ws::ServerOptions options;
    options.keep_request_fields = false;
    return options;
  }

  net::Loop loop_;
  ws::Server http_;
  socketio::Server io_;
  std::vector<net::Fd> peers_;
  std::size_t connected_ = 0;
  std::array<std::uint8_t, 65536> block_;
};

std::size_t resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int fields = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

// Not inlined: tools look for them by name.
[[gnu::noinline]] std::size_t echo_once(Clients& clients, std::string_view frames) {
  clients.send(frames);
  clients.turn();
  return clients.receive();
}
[[gnu::noinline]] void connect_once(Clients& clients) {
  clients.add(1);
  clients.remove();
}
[[gnu::noinline]] void broadcast_once(Clients& clients, const socketio::Json& value) {
  clients.io().emit("stats", value);
  clients.turn();
}

namespace {

bool enough_descriptors(benchmark::State& state, std::size_t clients) {
  static_cast<void>(net::socket::raise_descriptor_limit());
  const bool enough = net::socket::descriptor_limit() > 2 * clients + 64;
  if (!enough) state.SkipWithError("too few descriptors");
  return enough;
}

void decode(benchmark::State& state) {
  const socketio::PacketLimits limits;
  socketio::Decoder decoder(limits);
  for (auto _ : state) {
    socketio::Packet packet;
    bool is_whole = false;
    HILO_CHECK(decoder.take_text(event, packet, is_whole) == socketio::Errc::none && is_whole);
    benchmark::DoNotOptimize(packet);
  }
}
BENCHMARK(decode);

void encode(benchmark::State& state) {
  const socketio::Json value = socketio::Json::parse(event.substr(1));
  for (auto _ : state) {
    const socketio::EncodedPacket packet({.type = socketio::PacketType::event}, value);
    benchmark::DoNotOptimize(packet.text(engineio::Revision::v4).data());
  }
}
BENCHMARK(encode);

void echo(benchmark::State& state) {
  Clients clients(1);
  std::string frames;
  const std::string text = "427[\"echo\",{\"text\":\"hola\",\"n\":7}]";
  for (std::int64_t i = 0; i < state.range(0); ++i) frames += client_frame(text);
  const std::size_t answer = std::string_view("??437[{\"n\":7,\"text\":\"hola\"}]").size();
  for (auto _ : state) {
    HILO_CHECK(echo_once(clients, frames) == answer * static_cast<std::size_t>(state.range(0)));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(echo)->Arg(1)->Arg(16);

void connect(benchmark::State& state) {
  Clients clients(1);
  for (auto _ : state) connect_once(clients);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(connect);

void broadcast(benchmark::State& state) {
  if (!enough_descriptors(state, static_cast<std::size_t>(state.range(0)))) return;
  Clients clients(static_cast<std::size_t>(state.range(0)));
  clients.empty_peers();
  const socketio::Json value = {{"numClients", state.range(0)}};
  for (auto _ : state) {
    broadcast_once(clients, value);
    state.PauseTiming();
    clients.empty_peers();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(broadcast)->Arg(1000)->Arg(10'000);

void idle_memory(benchmark::State& state) {
  // The tables have their first size by then, and what one does only once is done.
  constexpr std::size_t warm_up = 100;
  constexpr std::size_t count = 9000;
  if (!enough_descriptors(state, warm_up + count)) return;
  Clients clients(warm_up);
  std::size_t growth = 0;
  for (auto _ : state) {
    const std::size_t before = resident_bytes();
    clients.add(count);
    growth = resident_bytes() - before;
  }
  state.counters["bytes_each"] = static_cast<double>(growth) / static_cast<double>(count);
}
BENCHMARK(idle_memory)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

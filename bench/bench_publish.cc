// SPDX-License-Identifier: MIT
//
// Fan-out: one publication to many subscribers, each on a socket of its own, until the kernel has
// it all. The peers are emptied outside of the measured time. Items are deliveries.
//
//   publish/<subscribers>/<payload bytes>
//
// Instructions of hilo's own, for one delivery (those of the kernel are not counted):
//   valgrind --tool=callgrind --collect-atstart=no --toggle-collect='publish_once*'
//     build/release/bench/publish --benchmark_filter=1000/64 --benchmark_min_time=0.01

#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "net/loop.h"
#include "net/socket.h"
#include "ws/hub.h"
#include "ws/server.h"

namespace {

using namespace hilo;

class Fanout {
 public:
  explicit Fanout(std::size_t subscribers) : server_(loop_) {
    static_cast<void>(net::socket::raise_descriptor_limit());
    server_.on_open([](ws::Connection& c) { HILO_CHECK(c.subscribe("all")); });
    constexpr std::string_view request =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    for (std::size_t i = 0; i < subscribers; ++i) {
      std::array<int, 2> fds{};
      HILO_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
      peers_.emplace_back(fds[0]);
      const Bytes bytes = as_bytes(request);
      HILO_CHECK(net::socket::send(fds[0], {&bytes, 1}).kind == net::Io::Kind::done);
      server_.adopt(net::Fd{fds[1]}, {});
    }
    while (server_.hub().subscriber_count("all") != subscribers) turn();
    turn();
    empty_peers();
  }

  void publish(Bytes payload) {
    HILO_CHECK(server_.publish("all", ws::Opcode::binary, payload) == ws::Posted::queued);
    turn();
  }
  void empty_peers() {
    for (const net::Fd& peer : peers_) {
      while (net::socket::receive(peer.value(), block_).kind == net::Io::Kind::done) {
      }
    }
  }

 private:
  void turn() { HILO_CHECK(loop_.run_once(net::Duration{})); }

  net::Loop loop_;
  ws::Server server_;
  std::vector<net::Fd> peers_;
  std::array<std::uint8_t, 65536> block_;
};

}  // namespace

// Not inlined: tools look for it by name.
[[gnu::noinline]] void publish_once(Fanout& fanout, Bytes payload) {
  fanout.publish(payload);
}

namespace {

void publish(benchmark::State& state) {
  Fanout fanout(static_cast<std::size_t>(state.range(0)));
  const std::vector<std::uint8_t> payload(static_cast<std::size_t>(state.range(1)), 'x');
  for (auto _ : state) {
    publish_once(fanout, payload);
    state.PauseTiming();
    fanout.empty_peers();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(publish)->Args({1, 64})->Args({100, 64})->Args({1000, 64})->Args({1000, 4096});

}  // namespace

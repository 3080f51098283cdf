// SPDX-License-Identifier: MIT
//
// What Stream costs: a byte echo over the loopback, both ends on one loop, one message under way.
// The raw variant makes the same system calls without loop and stream, for comparison: send,
// receive, send, receive, with an epoll wait before each receive.

#include <benchmark/benchmark.h>
#include <sys/epoll.h>

#include <memory>
#include <string>

#include "net/loop.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/transport_memory.h"

namespace {

using namespace hilo;
using namespace hilo::net;

struct Pair {
  Fd client;
  Fd server;
};

Pair connected() {
  Result<Fd> listening = socket::listen(*Address::from_ip("127.0.0.1", 0), {});
  Result<Fd> client = socket::open_stream(Family::ipv4);
  static_cast<void>(socket::connect(client->value(), *socket::local_address(listening->value())));
  static_cast<void>(socket::set_no_delay(client->value()));
  Result<Fd> server = socket::accept(listening->value(), nullptr);
  return {std::move(*client), std::move(*server)};
}

// Sends back what comes, or counts it.
class End final : public Stream::Handler {
 public:
  End(Loop& loop, Fd fd, bool echo) : stream(loop, std::move(fd), *this), echo_(echo) {
    HILO_CHECK(stream.start());
  }
  End(Loop& loop, std::unique_ptr<Transport> transport, bool echo)
      : stream(loop, std::move(transport), Fd{}, *this), echo_(echo) {
    HILO_CHECK(stream.start());
  }

  Stream::Want on_input(MutableBytes& input) override {
    received += input.size();
    if (echo_) HILO_CHECK(stream.write(input));
    input = {};
    return Stream::Want::more;
  }
  void on_end() override {}
  void on_broken(std::error_code) override { std::abort(); }
  void on_reap() override {}

  Stream stream;
  std::size_t received = 0;

 private:
  bool echo_;
};

void run(benchmark::State& state, Loop& loop, End& client) {
  const std::string message(static_cast<std::size_t>(state.range(0)), 'x');
  std::size_t expected = 0;
  for (auto _ : state) {
    expected += message.size();
    HILO_CHECK(client.stream.write(as_bytes(message)));
    while (client.received < expected) HILO_CHECK(loop.run_once(Duration::seconds(1)));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(client.received));
  state.SetItemsProcessed(state.iterations());
}

void stream_echo_tcp(benchmark::State& state) {
  Loop loop;
  Pair pair = connected();
  End client(loop, std::move(pair.client), false);
  End server(loop, std::move(pair.server), true);
  run(state, loop, client);
}

// No kernel: what loop, stream and transport take themselves.
void stream_echo_memory(benchmark::State& state) {
  Loop loop;
  Result<MemoryTransport::Pair> ends = MemoryTransport::pair(std::size_t{1} << 20);
  End client(loop, std::move(ends->a), false);
  End server(loop, std::move(ends->b), true);
  run(state, loop, client);
}

void await(int poller) {
  epoll_event event;
  HILO_CHECK(epoll_wait(poller, &event, 1, -1) == 1);
}

void raw_echo_tcp(benchmark::State& state) {
  const Pair pair = connected();
  const int ends[] = {pair.client.value(), pair.server.value()};
  const Fd pollers[] = {Fd{epoll_create1(0)}, Fd{epoll_create1(0)}};
  for (int i = 0; i < 2; ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    HILO_CHECK(epoll_ctl(pollers[i].value(), EPOLL_CTL_ADD, ends[i], &event) == 0);
  }
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::string message(size, 'x');
  const auto buffer = std::make_unique<std::uint8_t[]>(size);
  const auto send_all = [](int fd, Bytes bytes) {
    while (!bytes.empty()) bytes = bytes.subspan(socket::send(fd, {&bytes, 1}).bytes);
  };
  for (auto _ : state) {
    send_all(ends[0], as_bytes(message));
    for (const int i : {1, 0}) {
      for (std::size_t got = 0; got < size;) {
        await(pollers[i].value());
        const Io io = socket::receive(ends[i], {buffer.get(), size});
        got += io.bytes;
        if (i == 1) send_all(ends[1], {buffer.get(), io.bytes});
      }
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(raw_echo_tcp)->Arg(16)->Arg(1024)->Arg(64 << 10);
BENCHMARK(stream_echo_tcp)->Arg(16)->Arg(1024)->Arg(64 << 10);
BENCHMARK(stream_echo_memory)->Arg(16)->Arg(1024)->Arg(64 << 10);

}  // namespace

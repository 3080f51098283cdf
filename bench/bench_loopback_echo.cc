// SPDX-License-Identifier: MIT
//
// A whole server over the loopback: messages per second that a server on its own thread echoes to a
// raw client, which writes frames made beforehand and counts bytes. The client costs little, but it
// does share the machine: on one core the figures are those of both together.
//
//   loopback_echo/<payload bytes>/<messages under way>
//   loopback_echo_tls/...    the same over TLS 1.3, where the client has as much to do as the
//   server

#include <benchmark/benchmark.h>
#include <poll.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "bench/tls_client.h"
#include "net/base/check.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/tls.h"
#include "ws/server.h"

namespace {

using namespace hilo;

class Server {
 public:
  explicit Server(bool tls) : server_(loop_) {
    server_.on_message([](ws::Connection& connection, ws::Message m) { connection.send(m); });
    ws::ListenOptions where{.host = "127.0.0.1"};
    if (tls) where.tls = *net::tls::ServerContext::create({.self_signed = true});
    const auto bound = server_.listen(where);
    HILO_CHECK(bound);
    address = *bound;
    thread_ = std::thread([this] { HILO_CHECK(loop_.run()); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    loop_.stop();
    thread_.join();
  }

  net::Address address;

 private:
  net::Loop loop_;
  ws::Server server_;
  std::thread thread_;
};

class Client {
 public:
  Client(const net::Address& address, bool tls)
      : fd_(std::move(*net::socket::open_stream(net::Family::ipv4))) {
    HILO_CHECK(net::socket::connect(fd_.value(), address).kind != net::Io::Kind::failed);
    wait_for(POLLOUT);
    HILO_CHECK(net::socket::set_no_delay(fd_.value()));
    if (tls) tls_ = std::make_unique<bench::TlsClient>(fd_.value());
    constexpr std::string_view request =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    send(request);
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) {
      const std::size_t taken = receive();
      answer += as_text({block_.data(), taken});
      if (taken == 0) wait_for(POLLIN);
    }
    HILO_CHECK(answer.starts_with("HTTP/1.1 101 "));
  }

  // Sends the bytes and takes the answer, of which no more than the kernel holds is left waiting.
  void exchange(std::string_view bytes, std::size_t answer_bytes) {
    std::size_t received = 0;
    while (received < answer_bytes) {
      if (!bytes.empty()) bytes.remove_prefix(send(bytes));
      const std::size_t taken = receive();
      received += taken;
      if (taken == 0) wait_for(bytes.empty() ? POLLIN : POLLIN | POLLOUT);
    }
    HILO_CHECK(received == answer_bytes);
  }

 private:
  void wait_for(int events) {
    pollfd wanted{fd_.value(), static_cast<short>(events), 0};
    HILO_CHECK(::poll(&wanted, 1, 10'000) == 1);
  }
  std::size_t send(std::string_view bytes) {
    const Bytes all = as_bytes(bytes);
    if (tls_) return tls_->send(all);
    const net::Io io = net::socket::send(fd_.value(), {&all, 1});
    return io.kind == net::Io::Kind::done ? io.bytes : 0;
  }
  std::size_t receive() {
    if (tls_) return tls_->receive(block_);
    const net::Io io = net::socket::receive(fd_.value(), block_);
    HILO_CHECK(io.kind == net::Io::Kind::done || io.kind == net::Io::Kind::would_block);
    return io.kind == net::Io::Kind::done ? io.bytes : 0;
  }

  net::Fd fd_;
  std::unique_ptr<bench::TlsClient> tls_;  // null: plain
  std::array<std::uint8_t, std::size_t{256} << 10> block_;
};

std::string header(std::size_t size, unsigned mask_bit) {
  const auto byte = [](std::size_t value) { return static_cast<char>(value & 0xFF); };
  std::string text("\x82");
  if (size < 126) return text + byte(mask_bit | size);
  if (size < 65536) return text + byte(mask_bit | 126) + byte(size >> 8) + byte(size);
  text += byte(mask_bit | 127);
  for (int shift = 56; shift >= 0; shift -= 8) text += byte(size >> shift);
  return text;
}

void echo(benchmark::State& state, bool tls) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto under_way = static_cast<std::size_t>(state.range(1));
  Server server(tls);
  Client client(server.address, tls);
  // Under a key of zeros the payload is what it is.
  const std::string frame = header(size, 0x80) + std::string(4, '\0') + std::string(size, 'x');
  std::string frames;
  for (std::size_t i = 0; i < under_way; ++i) frames += frame;
  const std::size_t answer = under_way * (header(size, 0).size() + size);
  for (auto _ : state) client.exchange(frames, answer);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(under_way));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(under_way * size));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({20, 1})->Args({20, 16})->Args({1 << 10, 16})->Args({16 << 10, 1});
  benchmark->Args({1 << 20, 1})->UseRealTime();
}

void loopback_echo(benchmark::State& state) {
  echo(state, false);
}
BENCHMARK(loopback_echo)->Apply(sizes);

void loopback_echo_tls(benchmark::State& state) {
  echo(state, true);
}
BENCHMARK(loopback_echo_tls)->Apply(sizes);

}  // namespace

// SPDX-License-Identifier: MIT
//
// What an idle WebSocket costs in user space: a server in a process of its own, 10,000 plain
// connections that are open and silent (2,000 over TLS), and the growth of its resident memory
// divided by them. The kernel's share (socket, buffers, epoll entry) is not in it.
//
//   idle_memory/0  with the fields of the request kept, as is the default
//   idle_memory/1  without (ServerOptions::keep_request_fields)
//   idle_memory/2  without, over TLS 1.3
//   idle_memory/3  as 1, and each has echoed 1 KiB and 100 KiB in fragments, a ping among them
//
//   bytes_each                 measured
//   connection, stream, http   sizeof of the parts; http only while a handshake is under way

#include <benchmark/benchmark.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bench/tls_client.h"
#include "net/base/check.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/tls.h"
#include "ws/connection_engine.h"
#include "ws/core/frame.h"
#include "ws/http_connection.h"
#include "ws/server.h"

namespace {

using namespace hilo;

constexpr std::size_t plain_connections = 10'000;
constexpr std::size_t tls_connections = 2'000;
// The tables have their first size by then, and what one does only once is done.
constexpr std::size_t warm_up = 100;

enum class Kind : std::int64_t { plain_with_fields, plain, tls, plain_after_echoes };

[[noreturn]] void serve(Kind kind, int report) {
  net::Loop loop;
  ws::ServerOptions options;
  options.keep_request_fields = kind == Kind::plain_with_fields;
  ws::Server server(loop, {}, std::move(options));
  server.on_message([](ws::Connection& connection, ws::Message m) { connection.send(m); });
  ws::ListenOptions where{.host = "127.0.0.1"};
  if (kind == Kind::tls) where.tls = *net::tls::ServerContext::create({.self_signed = true});
  const auto bound = server.listen(where);
  HILO_CHECK(bound);
  const std::uint16_t port = bound->port();
  HILO_CHECK(::write(report, &port, sizeof(port)) == sizeof(port));
  HILO_CHECK(loop.run());
  std::abort();
}

// Resident bytes of a process, 0 where /proc does not say.
std::size_t resident_bytes(pid_t process) {
  std::array<char, 64> path;
  std::snprintf(path.data(), path.size(), "/proc/%d/statm", static_cast<int>(process));
  std::FILE* file = std::fopen(path.data(), "r");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int fields = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::string frame(ws::Opcode opcode, bool final, std::size_t payload_bytes) {
  constexpr ws::MaskKey key{};
  std::array<std::uint8_t, ws::frame_header_bytes_max> header;
  const std::size_t size = ws::write_header(header.data(), opcode, final, payload_bytes, &key);
  std::string bytes(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size));
  return bytes + std::string(payload_bytes, 'x');
}

// Sends all of it while it receives so many bytes.
void exchange(const net::Fd& fd, std::string_view bytes, std::size_t expected) {
  std::array<std::uint8_t, 64 << 10> answer;
  while (!bytes.empty() || expected != 0) {
    pollfd wanted{fd.value(), static_cast<short>(POLLIN | (bytes.empty() ? 0 : POLLOUT)), 0};
    HILO_CHECK(::poll(&wanted, 1, 10'000) == 1);
    const Bytes left = as_bytes(bytes);
    if ((wanted.revents & POLLOUT) != 0) {
      bytes.remove_prefix(net::socket::send(fd.value(), {&left, 1}).bytes);
    }
    if ((wanted.revents & POLLIN) == 0) continue;
    const net::Io io = net::socket::receive(fd.value(), answer);
    HILO_CHECK(io.bytes != 0 && io.bytes <= expected);
    expected -= io.bytes;
  }
}

void echo(const net::Fd& fd) {
  constexpr std::size_t part = 25 << 10;
  constexpr std::size_t whole = 4 * part;
  exchange(fd, frame(ws::Opcode::binary, true, 1024), 4 + 1024);
  exchange(fd,
           frame(ws::Opcode::binary, false, part) + frame(ws::Opcode::continuation, false, part) +
               frame(ws::Opcode::ping, true, 4) + frame(ws::Opcode::continuation, false, part) +
               frame(ws::Opcode::continuation, true, part),
           2 + 4 + 10 + whole);
}

net::Fd connect(const net::Address& address, Kind kind) {
  Result<net::Fd> fd = net::socket::open_stream(net::Family::ipv4);
  HILO_CHECK(fd);
  HILO_CHECK(net::socket::connect(fd->value(), address).kind != net::Io::Kind::failed);
  pollfd wanted{fd->value(), POLLOUT, 0};
  HILO_CHECK(::poll(&wanted, 1, 10'000) == 1);
  // A nonce of its own for each, as clients have it.
  char key[] = "aaaaaaaaaaaaaaaaaaaaaA==";
  int number = fd->value();
  for (char* digit = key; number != 0; number /= 26) {
    *digit++ = static_cast<char>('a' + number % 26);
  }
  const std::string request =
      "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: " +
      std::string(key) + "\r\nSec-WebSocket-Version: 13\r\n\r\n";
  const Bytes bytes = as_bytes(request);
  if (kind == Kind::tls) {
    // What the client holds does not count, and a silent one needs to hold nothing.
    bench::TlsClient client(fd->value());
    HILO_CHECK(client.send(bytes) == bytes.size());
    std::array<std::uint8_t, 1024> answer;
    std::size_t received = 0;
    while ((received = client.receive(answer)) == 0) client.wait_for(POLLIN);
    HILO_CHECK(as_text(Bytes{answer}.first(received)).ends_with("\r\n\r\n"));
    return std::move(*fd);
  }
  HILO_CHECK(net::socket::send(fd->value(), {&bytes, 1}).bytes == bytes.size());
  std::array<std::uint8_t, 1024> answer;
  wanted.events = POLLIN;
  HILO_CHECK(::poll(&wanted, 1, 10'000) == 1);
  const net::Io io = net::socket::receive(fd->value(), answer);
  HILO_CHECK(as_text(Bytes{answer}.first(io.bytes)).ends_with("\r\n\r\n"));
  if (kind == Kind::plain_after_echoes) echo(*fd);
  return std::move(*fd);
}

void idle_memory(benchmark::State& state) {
  const auto kind = static_cast<Kind>(state.range(0));
  const std::size_t connections = kind == Kind::tls ? tls_connections : plain_connections;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  }
  if (limit.rlim_cur < connections + 64) return state.SkipWithError("too few descriptors");
  int report[2];
  HILO_CHECK(::pipe(report) == 0);
  const pid_t child = ::fork();
  HILO_CHECK(child >= 0);
  if (child == 0) serve(kind, report[1]);
  std::uint16_t port = 0;
  HILO_CHECK(::read(report[0], &port, sizeof(port)) == sizeof(port));
  const net::Address address = *net::Address::from_ip("127.0.0.1", port);

  std::size_t growth = 0;
  for (auto _ : state) {
    std::vector<net::Fd> peers;
    peers.reserve(connections);
    while (peers.size() < warm_up) peers.push_back(connect(address, kind));
    const std::size_t before = resident_bytes(child);
    while (peers.size() < connections) peers.push_back(connect(address, kind));
    growth = resident_bytes(child) - before;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(report[0]);
  ::close(report[1]);
  state.counters["bytes_each"] =
      static_cast<double>(growth) / static_cast<double>(connections - warm_up);
  state.counters["connection"] = sizeof(ws::Connection::Engine);
  state.counters["stream"] = sizeof(net::Stream);
  state.counters["http"] = sizeof(ws::HttpConnection);
}
BENCHMARK(idle_memory)->DenseRange(0, 3)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

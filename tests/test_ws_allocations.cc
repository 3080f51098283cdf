// SPDX-License-Identifier: MIT
//
// What a message costs besides time: no allocation once the loop is warm, and one receive and one
// send for all the messages that came together.

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/socket.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/frames.h"
#include "tests/support/skip.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/connection_engine.h"
#include "ws/metrics.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::test;

namespace {

// A server and raw peers in one thread. Only what the loop does is counted.
struct Counted {
  explicit Counted(ws::ServerOptions options = {}) : server(loop, {}, std::move(options)) {
    server.on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
    server.at("/all").on_message([this](ws::Connection&, ws::Message m) {
      server.for_each([m](ws::Connection& other) { other.send(m); });
    });
    const auto bound = server.listen({.host = "127.0.0.1"});
    REQUIRE(bound);
    address = *bound;
  }

  void turn() {
    const std::uint64_t before = allocation_counter::count();
    const Status status = loop.run_once(net::Duration{});
    allocated += allocation_counter::count() - before;
    if (!status) FAIL("the loop failed");
  }

  net::Fd connect(std::string_view path, std::string_view more = {}) {
    Result<net::Fd> fd = net::socket::open_stream(net::Family::ipv4);
    REQUIRE(fd);
    REQUIRE(net::socket::connect(fd->value(), address).kind != net::Io::Kind::failed);
    const std::string request = upgrade_request(path, more);
    std::size_t sent = 0;
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) {
      if (sent == 0) sent = write(*fd, request);
      turn();
      const net::Io io = net::socket::receive(fd->value(), block);
      if (io.kind == net::Io::Kind::done) answer += as_text({block.data(), io.bytes});
    }
    REQUIRE(answer.starts_with("HTTP/1.1 101 "));
    // Small pieces leave as they are.
    REQUIRE(net::socket::set_no_delay(fd->value()));
    return std::move(*fd);
  }

  static std::size_t write(const net::Fd& fd, std::string_view bytes) {
    const Bytes all = as_bytes(bytes);
    const net::Io io = net::socket::send(fd.value(), {&all, 1});
    return io.kind == net::Io::Kind::done ? io.bytes : 0;
  }
  std::size_t read(const net::Fd& fd) {
    const net::Io io = net::socket::receive(fd.value(), block);
    return io.kind == net::Io::Kind::done ? io.bytes : 0;
  }

  // Sends all of `bytes`, at most `piece` at a time, and waits for `answer_bytes` from each reader.
  void exchange(const net::Fd& fd, std::string_view bytes, std::size_t answer_bytes,
                std::size_t piece = std::string_view::npos) {
    std::size_t received = 0;
    while (!bytes.empty() || received < answer_bytes) {
      if (!bytes.empty()) bytes.remove_prefix(write(fd, bytes.substr(0, piece)));
      turn();
      received += read(fd);
    }
    if (received != answer_bytes) FAIL("another answer");
  }

  net::Loop loop;
  ws::Server server;
  net::Address address;
  std::uint64_t allocated = 0;
  std::array<std::uint8_t, 65536> block;
};

// Runs `round` until the loop is warm, then `rounds` times with every allocation counted.
template <class Round>
void check_allocates_nothing(Counted& counted, int rounds, Round&& round) {
  for (int i = 0; i < 3; ++i) round();
  counted.allocated = 0;
  for (int i = 0; i < rounds; ++i) round();
  CHECK(counted.allocated == 0);
}

}  // namespace

#define HILO_NEEDS_COUNTER() \
  if constexpr (!allocation_counter::available) HILO_SKIP("allocations cannot be counted here")

TEST_CASE("the counter sees what a handler allocates") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  std::vector<std::string> kept;
  counted.server.at("/keeps").on_message([&](ws::Connection& c, ws::Message m) {
    kept.emplace_back(m.text());
    c.send(m);
  });
  const net::Fd peer = counted.connect("/keeps");
  counted.allocated = 0;
  const std::string text(100, 'x');
  counted.exchange(peer, client_frame(0x81, text), server_frame(0x81, text).size());
  CHECK(counted.allocated >= 1);
}

TEST_CASE("ten thousand echoes allocate nothing") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  const net::Fd peer = counted.connect("/echo");
  const std::string frame = client_frame(0x81, "twenty bytes of text");
  const std::size_t answer = server_frame(0x81, "twenty bytes of text").size();
  check_allocates_nothing(counted, 10'000, [&] { counted.exchange(peer, frame, answer); });
  CHECK(counted.server.metrics().messages_received == 10'003);
}

TEST_CASE("ten thousand echoes in batches of sixteen allocate nothing") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  const net::Fd peer = counted.connect("/echo");
  const std::string frames = repeat(client_frame(0x81, "twenty bytes of text"), 16);
  const std::size_t answer = 16 * server_frame(0x81, "twenty bytes of text").size();
  check_allocates_nothing(counted, 625, [&] { counted.exchange(peer, frames, answer); });
}

TEST_CASE("frames that are cut across reads, fragments and pings allocate nothing") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  const net::Fd peer = counted.connect("/echo");
  const std::string body(200, 'b');
  const std::string frames = client_frame(0x82, body) + client_frame(0x89, "are you there") +
                             client_frame(0x01, body) + client_frame(0x89, {}) +
                             client_frame(0x00, body) + client_frame(0x80, body) +
                             client_frame(0x8A, "unasked") + client_frame(0x81, {});
  const std::size_t answer =
      (server_frame(0x82, body) + server_frame(0x8A, "are you there") + server_frame(0x8A, {}) +
       server_frame(0x81, body + body + body) + server_frame(0x81, {}))
          .size();
  for (const std::size_t piece : {std::size_t{3}, std::size_t{7}, std::size_t{500}}) {
    CAPTURE(piece);
    check_allocates_nothing(counted, 20, [&] { counted.exchange(peer, frames, answer, piece); });
  }
}

TEST_CASE("messages of a megabyte allocate nothing, whole or fragmented") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  const net::Fd peer = counted.connect("/echo");
  const std::string large(std::size_t{1} << 20, 'l');
  const std::string_view half = std::string_view(large).substr(large.size() / 2);
  const std::string whole = client_frame(0x82, large);
  const std::string parts = client_frame(0x02, half) + client_frame(0x80, half);
  const std::size_t answer = server_frame(0x82, large).size();
  check_allocates_nothing(counted, 20, [&] {
    counted.exchange(peer, whole, answer);
    counted.exchange(peer, parts, answer);
  });
}

TEST_CASE("ten thousand echoes with cut frames and megabytes among them allocate nothing") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  const net::Fd peer = counted.connect("/echo");
  const std::string body(200, 'b');
  const std::string frame = client_frame(0x82, body);
  const std::size_t answer = server_frame(0x82, body).size();
  const std::string large(std::size_t{1} << 20, 'l');
  const std::string large_frame = client_frame(0x82, large);
  const std::size_t large_answer = server_frame(0x82, large).size();
  // A hundred echoes: one of them large, nine cut into pieces.
  check_allocates_nothing(counted, 100, [&] {
    counted.exchange(peer, large_frame, large_answer);
    for (int i = 0; i < 9; ++i) counted.exchange(peer, frame, answer, 50);
    for (int i = 0; i < 90; ++i) counted.exchange(peer, frame, answer);
  });
  CHECK(counted.server.metrics().messages_received == 10'300);
}

TEST_CASE("ten thousand echoes of a client allocate nothing") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  ws::Client client(counted.loop);
  int left = 0;
  client.on_message([&](ws::Connection& c, ws::Message m) {
    if (--left > 0) c.send(m);
  });
  ws::Connection* connection = nullptr;
  client.on_open([&](ws::Connection& c) { connection = &c; });
  REQUIRE(client.connect({.url = "ws://" + counted.address.to_string() + "/echo"}));
  while (connection == nullptr) counted.turn();
  const std::string large(std::size_t{1} << 20, 'l');
  // To and fro, each message an echo of the one before.
  const auto echo = [&](std::string_view first, int times) {
    left = times;
    REQUIRE(connection->send(ws::Opcode::binary, as_bytes(first)) == ws::Sent::accepted);
    while (left > 0) counted.turn();
  };
  check_allocates_nothing(counted, 100, [&] {
    echo("twenty bytes of text", 99);
    echo(large, 1);
  });
}

TEST_CASE("compressed messages allocate nothing, with context takeover and without") {
  HILO_NEEDS_COUNTER();
  for (const bool alone : {true, false}) {
    ws::ServerOptions options;
    options.deflate.enabled = true;
    options.deflate.server_no_context_takeover = alone;
    options.deflate.client_no_context_takeover = alone;
    Counted counted(std::move(options));
    const net::Fd peer =
        counted.connect("/echo", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    // Four stored blocks of 700 bytes in three fragments, of which the echo makes much less.
    std::string block = hex("00 BC 02 43 FD");
    for (int i = 0; i < 700; ++i) block += static_cast<char>('a' + i % 20);
    const std::string frames = client_frame(0x41, block + block) + client_frame(0x00, block) +
                               client_frame(0x80, block + '\0');
    const auto round = [&] {
      std::string_view left = frames;
      const std::uint64_t before = counted.server.metrics().messages_deflated;
      while (!left.empty() || counted.server.metrics().messages_deflated == before) {
        if (!left.empty()) left.remove_prefix(Counted::write(peer, left.substr(0, 1000)));
        counted.turn();
        counted.read(peer);
      }
    };
    check_allocates_nothing(counted, 300, round);
  }
}

TEST_CASE("a message to ten connections allocates nothing") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  std::vector<net::Fd> peers;
  for (int i = 0; i < 10; ++i) peers.push_back(counted.connect("/all"));
  for (const std::size_t size : {std::size_t{20}, std::size_t{20'000}}) {
    CAPTURE(size);
    const std::string text(size, 't');
    const std::string frame = client_frame(0x81, text);
    const std::size_t answer = server_frame(0x81, text).size();
    check_allocates_nothing(counted, 200, [&] {
      std::size_t sent = 0;
      std::array<std::size_t, 10> received{};
      std::size_t complete = 0;
      while (complete < peers.size()) {
        if (sent < frame.size()) {
          sent += Counted::write(peers[0], std::string_view(frame).substr(sent));
        }
        counted.turn();
        complete = 0;
        for (std::size_t i = 0; i < peers.size(); ++i) {
          received[i] += counted.read(peers[i]);
          complete += received[i] >= answer ? 1 : 0;
        }
      }
    });
  }
}

TEST_CASE("pages and their requests allocate nothing once the connection is there") {
  HILO_NEEDS_COUNTER();
  Counted counted;
  counted.server.get("/page", [](ws::http::Exchange& exchange) {
    if (!exchange.respond(200, "text/plain", "a page\n")) FAIL("no answer");
  });
  Result<net::Fd> peer = net::socket::open_stream(net::Family::ipv4);
  REQUIRE(peer);
  REQUIRE(net::socket::connect(peer->value(), counted.address).kind != net::Io::Kind::failed);
  const std::string request = "GET /page HTTP/1.1\r\nHost: a\r\nX-Some: field\r\n\r\n";
  const std::size_t answer = std::string_view(
                                 "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                 "Content-Type: text/plain\r\nContent-Length: 7\r\n\r\na page\n")
                                 .size();
  check_allocates_nothing(counted, 1000, [&] { counted.exchange(*peer, request, answer); });
}

namespace {

// Hands its stream over before anything arrives.
struct NoHandler final : net::Stream::Handler {
  net::Stream::Want on_input(MutableBytes&) override { return net::Stream::Want::more; }
  void on_end() override {}
  void on_broken(std::error_code) override {}
  void on_reap() override {}
};

// A connection on a transport that counts, and whoever owns it.
struct CountedConnection final : private ws::Connection::Engine::Owner {
  explicit CountedConnection(net::Loop& loop) : log(metrics) {
    shared.loop = &loop;
    shared.limits = &limits;
    shared.handlers = &handlers;
    shared.session = {.limits = limits.message(), .pool = &loop.pool()};
    shared.queue_bytes_limit = limits.queue_bytes_limit();
    shared.metrics = &metrics;
    shared.log = &log;
    shared.owner = this;
    handlers.on_message = [](ws::Connection& c, ws::Message m) { c.send(m); };
    auto [mine, theirs] = connected_sockets(Kind::tcp);
    peer = std::move(mine);
    const int fd = theirs.value();
    auto stream = std::make_unique<net::Stream>(
        loop, std::make_unique<CountingTransport>(fd, counts), std::move(theirs), no_handler);
    REQUIRE(stream->start());
    connection = connections.emplace(ws::Role::server, shared, net::PeerAddress{}).object;
    connection->open(std::move(stream), {});
  }
  ~CountedConnection() {
    if (connection != nullptr) connection->end_now();
  }
  void on_connection_gone(ws::Connection::Engine& gone) override {
    connections.erase(gone.id().handle());
    connection = nullptr;
  }

  ws::Limits limits;
  ws::Metrics metrics;
  ws::Log log;
  ws::Connection::Engine::Shared shared;
  ws::Handlers handlers;
  NoHandler no_handler;
  CountingTransport::Counts counts;
  net::Fd peer;
  Slab<ws::Connection::Engine> connections;
  ws::Connection::Engine* connection = nullptr;
};

}  // namespace

TEST_CASE("sixteen messages that come together cost one receive and one send") {
  net::Loop loop;
  CountedConnection counted(loop);
  const std::string frames = repeat(client_frame(0x81, "twenty bytes of text"), 16);
  const std::string echoes = repeat(server_frame(0x81, "twenty bytes of text"), 16);
  for (int round = 1; round <= 3; ++round) {
    REQUIRE(Counted::write(counted.peer, frames) == frames.size());
    std::string received;
    REQUIRE(turn_until(loop, [&] {
      std::uint8_t block[4096];
      const net::Io io = net::socket::receive(counted.peer.value(), block);
      if (io.kind == net::Io::Kind::done) received += as_text({block, io.bytes});
      return received.size() >= echoes.size();
    }));
    CHECK(received == echoes);
    CHECK(counted.counts.reads == round);
    CHECK(counted.counts.writes == round);
  }
}

TEST_CASE("what a turn sends from outside of any dispatch leaves in one send") {
  net::Loop loop;
  CountedConnection counted(loop);
  loop.post([&] {
    for (int i = 0; i < 16; ++i) {
      CHECK(counted.connection->send_text("from a post") == ws::Sent::accepted);
    }
  });
  settle(loop);
  CHECK(counted.counts.writes == 1);
}

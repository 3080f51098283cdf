// SPDX-License-Identifier: MIT

#include "tests/sim/world.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>

#include "net/base/check.h"
#include "tests/sim/torture.h"
#include "ws/core/frame.h"
#include "ws/core/mask.h"
#include "ws/metrics.h"

namespace hilo::sim {
namespace {

// Far more turns than anything here needs: who gets there spins.
constexpr int turns_max = 3'000'000;

}  // namespace

void World::settle() {
  const torture::InProduct product;
  for (int turn = 0;; ++turn) {
    HILO_CHECK(turn < turns_max);
    HILO_CHECK(loop.run_once({}));
    if (network.wait_was_idle && loop.until_next_turn().nanoseconds != 0) return;
  }
}

void World::run_for(net::Duration duration) {
  const torture::InProduct product;
  const net::Time end = network.now() + duration;
  settle();
  for (int turn = 0; network.now() < end; ++turn) {
    HILO_CHECK(turn < turns_max);
    HILO_CHECK(loop.run_once(end - network.now()));
  }
  settle();
}

Baseline World::baseline() {
  return {network.open_descriptors(), loop.watched_count(), loop.timers().armed_count(),
          loop.pool().taken_bytes()};
}

EchoServer::EchoServer(World& w, const ws::Limits& limits)
    : world(w), server(w.loop, limits, {.log = [this](ws::LogLevel level, std::string_view line) {
                         if (level != ws::LogLevel::debug) log.emplace_back(line);
                       }}) {
  server.on_open([this](ws::Connection&) { ++opened; })
      .on_message([this](ws::Connection& connection, ws::Message message) {
        messages.emplace_back(message.text());
        connection.send(message);
      })
      .on_close([this](ws::Connection&, ws::CloseInfo info) {
        closed.push_back({info.code, info.by, info.error, info.clean});
      });
  server.get("/page", [](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, "text/plain", "a page\n"));
  });
  const Result<net::Address> bound = server.listen({.host = "127.0.0.1", .port = 9001});
  HILO_CHECK(bound);
  address = *bound;
}

std::uint64_t EchoServer::all_rejects() const {
  const auto& all = server.metrics().rejects;
  return std::accumulate(all.begin(), all.end(), std::uint64_t{0});
}

Peer EchoServer::open_peer() {
  Peer peer = Peer::connect(address);
  peer.send(upgrade_request());
  world.settle();
  HILO_CHECK(peer.take().starts_with("HTTP/1.1 101 "));
  return peer;
}

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string upgrade_request() {
  return "GET / HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

std::string client_frame(std::uint8_t first, std::string_view payload) {
  constexpr ws::MaskKey key{0x37, 0xFA, 0x21, 0x3D};
  std::array<std::uint8_t, ws::frame_header_bytes_max> header;
  const std::size_t size = ws::write_header(header.data(), static_cast<ws::Opcode>(first & 0xF),
                                            (first & 0x80) != 0, payload.size(), &key);
  std::string frame(as_text(Bytes{header}.first(size)));
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(static_cast<std::uint8_t>(payload[i]) ^ key[i % key.size()]);
  }
  return frame;
}

std::string close_frame(std::uint16_t code) {
  return {'\x88', '\x02', static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
}

}  // namespace hilo::sim

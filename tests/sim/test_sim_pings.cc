// SPDX-License-Identifier: MIT
//
// Pings from peers that read little or nothing: the Pongs they are owed must not pile up, nor keep
// a connection from ending.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "tests/sim/world.h"
#include "ws/client.h"
#include "ws/core/accept_key.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

// Just below Limits::control_frames_max in its window.
constexpr int pings_per_second = 99;
const std::string ping_payload(125, 'p');

// The answer of a server to the request in `head`.
std::string upgrade_response(const std::string& head) {
  constexpr std::string_view field = "Sec-WebSocket-Key: ";
  const std::size_t begin = head.find(field) + field.size();
  const auto accept = ws::accept_key(std::string_view{head}.substr(begin, 24));
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         std::string{accept.data(), accept.size()} + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a peer that pings on after our Close and reads a little is reset in the end") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  peer.set_capacity(512);
  peer.send(client_frame(0x82, std::string(8192, 'x')));
  world.settle();
  echo.server.for_each([](ws::Connection& c) { CHECK(c.close()); });
  std::size_t held_bytes_max = 0;
  int seconds = 0;
  for (; seconds < 60 && echo.closed.empty(); ++seconds) {
    for (int i = 0; i < pings_per_second; ++i) peer.send(client_frame(0x89, ping_payload));
    world.run_for(1_s);
    static_cast<void>(peer.take());
    world.settle();
    held_bytes_max = std::max(held_bytes_max, world.loop.pool().taken_bytes());
  }
  REQUIRE(echo.closed.size() == 1);
  CHECK_FALSE(echo.closed[0].clean);
  CHECK(held_bytes_max <= 64 << 10);
  world.settle();
  CHECK(world.baseline().pool_bytes == before.pool_bytes);
}

TEST_CASE("a client whose ping stands behind what its server takes slowly is no dead one") {
  World world;
  PeerListener listener("127.0.0.1:9001");
  ws::Client client{world.loop};
  const ws::Limits limits;
  REQUIRE(client.connect({.url = "ws://127.0.0.1:9001/"}));
  world.run_for(5_ms);
  Peer server = listener.accept();
  server.send(upgrade_response(server.take()));
  world.settle();
  server.set_capacity(4096);
  REQUIRE(client.connection() != nullptr);
  REQUIRE(client.connection()->send_binary(as_bytes(std::string(600'000, 'x'))) ==
          ws::Sent::accepted);
  // 4 KiB a second: more than ping and pong have together, and more than silence has.
  int seconds = 0;
  for (; client.connection() != nullptr && client.connection()->buffered_bytes() != 0; ++seconds) {
    world.run_for(1_s);
    static_cast<void>(server.take());
    world.settle();
  }
  REQUIRE(client.connection() != nullptr);
  CHECK(net::Duration::seconds(seconds) > limits.idle_timeout);
  // Now it has its time, and no longer.
  world.run_for(limits.pong_timeout - 2_s);
  CHECK(client.connection() != nullptr);
  world.run_for(2_s + limits.close_timeout + 1_s);
  CHECK(client.connection() == nullptr);
}

TEST_CASE("a server that pings and does not read cannot make a client keep Pongs") {
  World world;
  PeerListener listener("127.0.0.1:9001");
  ws::Limits limits;
  limits.control_frames_max = 1'000'000;
  limits.stall_timeout = 0_s;
  ws::Client client{world.loop, limits};
  REQUIRE(client.connect({.url = "ws://127.0.0.1:9001/"}));
  world.run_for(5_ms);
  Peer server = listener.accept();
  server.send(upgrade_response(server.take()));
  world.settle();
  REQUIRE(client.connection() != nullptr);
  server.set_capacity(512);
  for (int i = 0; i < 10'000; ++i) {
    server.send("\x89\x7D" + ping_payload);
    world.settle();
  }
  CHECK(client.connection() != nullptr);
  CHECK(world.loop.pool().taken_bytes() <= 4 * limits.queue_bytes_pause);
}

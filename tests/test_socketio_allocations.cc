// SPDX-License-Identifier: MIT
//
// What an event costs besides time: no allocation once events of its form have come before, and
// one receive and one send for all that come together.

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/allocation_counter.h"
#include "tests/support/skip.h"
#include "tests/support/socketio_wire.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

constexpr std::size_t events = 16;

// Allocations of the server's for so many of an event that came together, and were answered.
std::uint64_t cost_of(SocketioServer& server, SocketioPeer& peer, std::string_view event,
                      std::string_view answer) {
  std::string frames;
  for (std::size_t i = 0; i < events; ++i) frames += client_frame(0x81, event);
  std::string answers;
  for (std::size_t i = 0; i < events; ++i) answers += server_frame(0x81, answer);
  std::uint64_t allocated = 0;
  for (int round = 0; round < 3; ++round) {
    REQUIRE(peer.send(frames));
    const std::uint64_t before = allocation_counter::count();
    for (int turn = 0; turn < 10; ++turn) {
      if (!server.loop.run_once(net::Duration{})) FAIL("the loop failed");
    }
    allocated = allocation_counter::count() - before;
    REQUIRE(peer.until_received(answers.size()));
    CHECK(peer.received == answers);
    peer.received.clear();
  }
  return allocated;
}

}  // namespace

TEST_CASE("an event and its answer allocate nothing") {
  if constexpr (!allocation_counter::available) HILO_SKIP("a sanitizer replaces malloc");
  SocketioServer server;
  server.io.on_connection([](Socket socket) {
    socket.on("sum", [](int a, int b, Ack ack) { ack(a + b); });
    socket.on("text", [](std::string_view text, Ack ack) { ack(text, true); });
    socket.on("echo", [](const Json& value, Ack ack) { ack(value); });
    socket.on("all",
              [](const Arguments& arguments) { arguments.ack->answer_each(arguments.each()); });
  });
  SocketioPeer peer(server);
  peer.connect();
  CHECK(cost_of(server, peer, "421[\"sum\",1,2]", "431[3]") == 0);
  CHECK(cost_of(server, peer, "421[\"text\",\"hola\"]", "431[\"hola\",true]") == 0);
  CHECK(cost_of(server, peer, "421[\"echo\",{\"text\":\"hola\",\"n\":7}]",
                "431[{\"n\":7,\"text\":\"hola\"}]") == 0);
  CHECK(cost_of(server, peer, "421[\"all\",1,[2],\"3\"]", "431[1,[2],\"3\"]") == 0);
  // A long one keeps nothing.
  const std::string text(600, 'a');
  CHECK(cost_of(server, peer, "421[\"text\",\"" + text + "\"]", "431[\"" + text + "\",true]") != 0);
}

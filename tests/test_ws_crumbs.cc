// SPDX-License-Identifier: MIT
//
// Frames that come in segments of a few bytes: the kernel is told to wait for more of such a frame,
// and nothing that anybody waits for waits with it.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/poller.h"
#include "net/socket.h"
#include "tests/support/call_counter.h"
#include "tests/support/skip.h"
#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using call_counter::Calls;

namespace {

const std::string message(40'000, 'x');
const std::string frame = client_frame(0x82, message);

// Of the bytes of one frame each part is a segment, and the loop has its turn behind each.
struct Crumbs {
  explicit Crumbs(const ws::Limits& limits = {}) : server(limits) {}

  void begin(std::string_view path = "/echo") {
    REQUIRE(peer.upgrade(path));
    REQUIRE(net::socket::set_no_delay(peer.fd()));
  }
  void segment(std::string_view bytes) {
    REQUIRE(net::socket::send(peer.fd(), as_bytes(bytes)).bytes == bytes.size());
    REQUIRE(server.loop.run_once({}));
  }
  void crumbs(std::string_view bytes) {
    for (const char& byte : bytes) segment({&byte, 1});
  }
  // System calls that were made for it.
  Calls count(std::string_view bytes) {
    const Calls before = call_counter::now();
    crumbs(bytes);
    Calls calls = call_counter::now() - before;
    calls.sends -= static_cast<std::int64_t>(bytes.size());  // our own
    return calls;
  }

  WireServer server;
  WirePeer peer{server};
};

}  // namespace

#define HILO_NEEDS_COUNTER() \
  if (!call_counter::available) HILO_SKIP("system calls cannot be counted here")

TEST_CASE("a large frame in segments of one byte costs few receives and is whole") {
  HILO_NEEDS_COUNTER();
  Crumbs it;
  it.begin();
  const Calls calls = it.count(frame);
  CHECK(calls.receives < 200);
  CHECK(calls.others < 20);
  const std::string echo = server_frame(0x82, message);
  REQUIRE(it.peer.until_received(echo.size()));
  CHECK(it.peer.received == echo);
  it.crumbs(client_frame(0x81, "what follows is seen"));
  REQUIRE(it.peer.until_received(echo.size() + 22));
}

TEST_CASE("without a deadline of the message nobody waits, and pongs' deadlines see each byte") {
  HILO_NEEDS_COUNTER();
  ws::Limits limits;
  limits.message_timeout = {};
  Crumbs it(limits);
  it.begin();
  const Calls calls = it.count(std::string_view(frame).substr(0, 1000));
  CHECK(calls.receives == 1000);
  CHECK(calls.others == 0);
}

TEST_CASE("chunks are shown as they come") {
  Crumbs it;
  std::size_t seen = 0;
  it.server.server.at("/chunks").on_chunk(
      [&](ws::Connection&, ws::Chunk chunk) { seen += chunk.bytes.size(); });
  it.begin("/chunks");
  const std::size_t header = frame.size() - message.size();
  it.segment(std::string_view(frame).substr(0, header));
  for (std::size_t i = 0; i < 1000; ++i) {
    it.segment(std::string_view(frame).substr(header + i, 1));
    REQUIRE(seen == i + 1);
  }
}

TEST_CASE("the closing handshake does not wait with the frame in whose middle it begins") {
  Crumbs it;
  it.begin();
  it.segment(std::string_view(frame).substr(0, 20'000));
  it.crumbs(std::string_view(frame).substr(20'000, 10));
  it.server.server.for_each(
      [](ws::Connection& connection) { REQUIRE(connection.close(ws::CloseCode::normal)); });
  it.segment(std::string_view(frame).substr(20'010));
  it.segment(client_frame(0x88, close_body(1000)));
  REQUIRE(it.server.until([&] { return it.server.closed.size() == 1; }));
  CHECK(it.server.closed[0].clean);
  CHECK(it.server.closed[0].code == ws::CloseCode::normal);
}

TEST_CASE("behind a frame in crumbs, a burst of more than one turn's messages leaves no mark") {
  Crumbs it;
  it.begin();
  // Too short to be read straight to where it is assembled.
  const std::string text(5000, 't');
  const std::string one = client_frame(0x82, text);
  it.crumbs(one.substr(0, 20));
  std::string rest = one.substr(20);
  const std::string small = client_frame(0x82, "m");
  for (int i = 0; i < 600; ++i) rest += small;
  REQUIRE(it.peer.send(rest));
  const std::size_t all = server_frame(0x82, text).size() + 600 * server_frame(0x82, "m").size();
  REQUIRE(it.peer.until_received(all));
  it.segment(small);
  REQUIRE(it.peer.until_received(all + server_frame(0x82, "m").size()));
}

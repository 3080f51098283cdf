// SPDX-License-Identifier: MIT
//
// What leaves a connection, and when: messages in fragments, the low-water mark, the options of the
// socket.

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <functional>
#include <string>

#include "tests/support/skip.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/connection.h"

using namespace hilo;
using namespace hilo::test;
using ws::Opcode;
using ws::Sent;

namespace {

// Calls `act` for each message on /act.
struct Stage : WireServer {
  explicit Stage(const ws::Limits& limits = {}) : WireServer(limits) {
    server.at("/act")
        .on_open([this](ws::Connection& c) { id = c.id(); })
        .on_message([this](ws::Connection& c, ws::Message) { act(c); })
        .on_dropped([this](ws::Connection&, Opcode, Bytes) { ++dropped; })
        .on_drained([this](ws::Connection& c) {
          ++drained;
          if (on_drained) on_drained(c);
        });
  }
  ws::Connection* connection() { return server.find(id); }
  // From outside of all callbacks, until the kernel takes no more and `bytes` wait.
  void fill(std::size_t bytes) {
    const std::string block(10'000, 'x');
    while (connection()->buffered_bytes() < bytes) {
      REQUIRE(connection()->send_text(block) == Sent::accepted);
      REQUIRE(loop.run_once(net::Duration{}));
    }
  }

  ws::ConnectionId id;
  std::function<void(ws::Connection&)> act;
  std::function<void(ws::Connection&)> on_drained;
  int dropped = 0;
  int drained = 0;
};

int socket_option(int fd, int name) {
  int value = -1;
  socklen_t bytes = sizeof value;
  CHECK(::getsockopt(fd, IPPROTO_TCP, name, &value, &bytes) == 0);
  return value;
}

}  // namespace

TEST_CASE("a message leaves in fragments, with control frames and no other message in between") {
  Stage stage;
  stage.act = [&](ws::Connection& c) {
    CHECK(c.send_fragment(Opcode::text, as_bytes("to "), false) == Sent::accepted);
    CHECK(c.send_text("another") == Sent::refused);
    CHECK(c.subscribe("topic"));
    CHECK(stage.server.publish("topic", Opcode::text, as_bytes("news")) == ws::Posted::queued);
    CHECK(c.ping(as_bytes("?")));
    CHECK(c.send_fragment(Opcode::text, {}, false) == Sent::accepted);
    CHECK(c.send_fragment(Opcode::binary, as_bytes("be"), true) == Sent::accepted);
    CHECK(c.send_text("another") == Sent::accepted);
    CHECK(c.send_fragment(Opcode::binary, as_bytes("one"), true) == Sent::accepted);
    CHECK(c.send_fragment(Opcode::text, as_bytes("cut"), false) == Sent::accepted);
    CHECK(c.close());
    CHECK(c.send_fragment(Opcode::text, as_bytes("off"), true) == Sent::closed);
  };
  WirePeer peer(stage);
  REQUIRE(peer.upgrade("/act"));
  REQUIRE(peer.send(client_frame(0x81, "go")));
  const std::string wanted = server_frame(0x01, "to ") + server_frame(0x89, "?") +
                             server_frame(0x00, "") + server_frame(0x80, "be") +
                             server_frame(0x81, "another") + server_frame(0x82, "one") +
                             server_frame(0x01, "cut") + server_frame(0x88, close_body(1000));
  REQUIRE(peer.until_received(wanted.size()));
  CHECK(peer.received == wanted);
  CHECK(stage.dropped == 1);  // the publication
  CHECK(stage.server.metrics().messages_sent == 3);
}

TEST_CASE("a fragment is never dropped, but refused, and may be sent again when there is room") {
  ws::Limits limits;
  limits.queue_bytes_max = 100'000;
  limits.overflow = ws::Overflow::drop;
  Stage stage(limits);
  WirePeer peer(stage, 4096);
  REQUIRE(peer.upgrade("/act"));
  stage.fill(70'000);
  const std::string part(40'000, 'y');
  ws::Connection& connection = *stage.connection();
  CHECK(connection.send_fragment(Opcode::text, as_bytes("begun "), false) == Sent::accepted);
  CHECK(connection.send_fragment(Opcode::text, as_bytes(part), true) == Sent::refused);
  Sent again = Sent::closed;
  stage.on_drained = [&](ws::Connection& c) {
    if (again != Sent::accepted) again = c.send_fragment(Opcode::text, as_bytes(part), true);
  };
  REQUIRE(peer.until_contains(server_frame(0x80, part)));
  CHECK(again == Sent::accepted);
  CHECK(peer.received.ends_with(server_frame(0x01, "begun ") + server_frame(0x80, part)));
  CHECK(stage.dropped == 0);
}

TEST_CASE("who was told of room and fills it with pings is told of room again") {
  // Larger than what the kernel takes at a stroke.
  constexpr std::size_t low = 4'000'000;
  ws::Limits limits;
  limits.queue_bytes_low = low;
  limits.queue_bytes_max = 4 * low;
  Stage stage(limits);
  WirePeer peer(stage, 4096);
  REQUIRE(peer.upgrade("/act"));
  stage.fill(2 * low);
  const std::string payload(125, 'p');
  stage.drained = 0;
  stage.on_drained = [&](ws::Connection& c) {
    if (stage.drained > 1) return;
    CHECK(c.buffered_bytes() > 0);
    bool sent = true;
    while (sent && c.buffered_bytes() <= low) sent = static_cast<bool>(c.ping(as_bytes(payload)));
    CHECK(sent);
  };
  REQUIRE(stage.until([&] {
    peer.receive();
    return stage.connection()->buffered_bytes() == 0;
  }));
  CHECK(stage.drained == 2);
}

TEST_CASE("small frames leave at once, and vanished peers are found by the kernel, on both sides") {
#if !defined(TCP_USER_TIMEOUT)
  HILO_SKIP("no TCP_USER_TIMEOUT here");
#else
  ws::Limits limits;
  limits.tcp_user_timeout = net::Duration::seconds(7);
  Stage stage(limits);
  ws::Client client(stage.loop, limits);
  const std::size_t first = open_descriptors();
  REQUIRE(client.connect({.url = "ws://" + stage.address.to_string() + "/act"}));
  REQUIRE(stage.until([&] { return client.connection() != nullptr && stage.connection(); }));
  int found = 0;
  for (int fd = 3; fd < static_cast<int>(first) + 64; ++fd) {
    sockaddr_storage address;
    socklen_t bytes = sizeof address;
    if (::getpeername(fd, static_cast<sockaddr*>(static_cast<void*>(&address)), &bytes) != 0 ||
        address.ss_family != AF_INET) {
      continue;
    }
    ++found;
    CHECK(socket_option(fd, TCP_NODELAY) == 1);
    CHECK(socket_option(fd, TCP_USER_TIMEOUT) == 7000);
  }
  CHECK(found == 2);
#endif
}

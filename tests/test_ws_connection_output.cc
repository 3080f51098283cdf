// SPDX-License-Identifier: MIT
//
// What leaves a connection, and when: messages in fragments, the low-water mark, the options of the
// socket.

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>

#include "tests/support/skip.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/connection.h"
#include "ws/metrics.h"

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

TEST_CASE("a burst from outside of all callbacks is offered to the kernel before it is judged") {
  Stage stage;
  WirePeer peer(stage, 16 << 20);
  REQUIRE(peer.upgrade("/act"));
  // A quarter more than may wait, and far less than sockets hold.
  const std::string message(64 << 10, 'm');
  for (int i = 0; i < 20; ++i) {
    REQUIRE(stage.connection()->send(Opcode::text, as_bytes(message)) == Sent::accepted);
  }
  REQUIRE(peer.until_received(20 * server_frame(0x81, message).size()));
  CHECK(stage.all_rejects() == 0);
}

TEST_CASE("and so is what waits from outside when the own callback sends more") {
  Stage stage;
  WirePeer reader(stage, 16 << 20);
  REQUIRE(reader.upgrade("/act"));
  const std::string message(64 << 10, 'm');
  const ws::ConnectionId reads = stage.id;
  WirePeer speaker(stage);
  REQUIRE(speaker.upgrade("/act"));
  // Both are ready in one turn, and whichever comes first sends to the reader from outside of its
  // callbacks; in its own, which comes second, it sends as much again.
  stage.act = [&](ws::Connection& c) {
    const bool is_own = c.id() == reads;
    for (int i = 0; i < (is_own ? 8 : 12); ++i) {
      CHECK(stage.server.find(reads)->send(Opcode::text, as_bytes(message)) == Sent::accepted);
    }
  };
  for (int round = 0; round < 2; ++round) {
    WirePeer& first = round == 0 ? speaker : reader;
    WirePeer& second = round == 0 ? reader : speaker;
    REQUIRE(first.send(client_frame(0x81, "a")));
    REQUIRE(second.send(client_frame(0x81, "b")));
    REQUIRE(reader.until_received(20 * server_frame(0x81, message).size()));
    reader.received.clear();
  }
  CHECK(stage.all_rejects() == 0);
}

TEST_CASE("a server that goes resets whoever still waits for something") {
  auto stage = std::make_unique<Stage>();
  WirePeer peer(*stage, 4096);
  REQUIRE(peer.upgrade("/act"));
  stage->fill(200'000);
  stage.reset();
  std::array<std::uint8_t, 4096> room;
  net::Io io;
  do {
    io = net::socket::receive(peer.fd(), room);
  } while (io.kind == net::Io::Kind::done);
  CHECK(io.kind == net::Io::Kind::failed);
}

TEST_CASE("large messages, read straight to where they are assembled, wait for what they bring") {
  ws::Limits limits;
  limits.queue_bytes_max = 8 << 20;
  Stage stage(limits);
  WirePeer peer(stage, 4096);
  REQUIRE(peer.upgrade("/echo"));
  const auto queued = [&] {
    std::size_t bytes = 0;
    stage.server.for_each([&](ws::Connection& c) { bytes = c.buffered_bytes(); });
    return bytes;
  };
  const auto put = [&](std::string_view bytes) {
    const net::Io io = net::socket::send(peer.fd(), as_bytes(bytes));
    REQUIRE(stage.loop.run_once({}));
    return io.kind == net::Io::Kind::done ? io.bytes : 0;
  };
  // The kernel has refused so little that nothing is paused for it.
  const std::string small = client_frame(0x82, std::string(1000, 's'));
  for (int i = 0; i < 20'000 && queued() == 0; ++i) REQUIRE(put(small) == small.size());
  REQUIRE(queued() != 0);
  REQUIRE(queued() < limits.queue_bytes_pause);
  const std::string large = client_frame(0x82, std::string(600 << 10, 'l'));
  std::size_t most = 0;
  std::size_t sent = 0;
  for (int round = 0; round < 2000 && sent < 40 * large.size(); ++round) {
    sent += put(std::string_view(large).substr(sent % large.size()));
    most = std::max(most, queued());
  }
  // What was refused first, and the message that came before the pause.
  CHECK(most < 2 * large.size());
  CHECK(stage.all_rejects() == 0);
}

TEST_CASE("a Close is heard although what was sent since the kernel refused some is much") {
  ws::Limits limits;
  limits.queue_bytes_pause = 20'000;
  Stage stage(limits);
  WirePeer peer(stage, 4096);
  REQUIRE(peer.upgrade("/mute"));
  ws::Connection* connection = nullptr;
  stage.server.for_each([&](ws::Connection& c) { connection = &c; });
  REQUIRE(connection != nullptr);
  const std::string text(1000, 's');
  const auto turn_with = [&](int messages) {
    for (int i = 0; i < messages; ++i) {
      REQUIRE(connection->send_text(text) == ws::Sent::accepted);
    }
    REQUIRE(stage.loop.run_once({}));
  };
  for (int i = 0; i < 20'000 && connection->buffered_bytes() == 0; ++i) turn_with(1);
  turn_with(1);  // it hears that something was refused, which is too little to stop reading
  REQUIRE(connection->buffered_bytes() < limits.queue_bytes_pause);
  turn_with(100);
  REQUIRE(connection->buffered_bytes() > limits.queue_bytes_pause);
  const std::string close = client_frame(0x88, close_body(1000));
  REQUIRE(net::socket::send(peer.fd(), as_bytes(close)).bytes == close.size());
  CHECK(stage.until([&] { return !connection->is_open(); }));
}

TEST_CASE("a pause behind close() does not keep the peer's Close away") {
  Stage stage;
  WirePeer peer(stage);
  REQUIRE(peer.upgrade("/echo"));
  stage.server.for_each([](ws::Connection& c) {
    REQUIRE(c.close(ws::CloseCode::normal));
    c.pause();
  });
  REQUIRE(peer.until_received(4));
  REQUIRE(peer.send(client_frame(0x88, close_body(1000))));
  REQUIRE(stage.until([&] { return stage.closed.size() == 1; }));
  CHECK(stage.closed[0].clean);
}

TEST_CASE("a message that paused its connection gives its memory back all the same") {
  Stage stage;
  stage.act = [](ws::Connection& c) { c.pause(); };
  WirePeer peer(stage);
  REQUIRE(peer.upgrade("/act"));
  static_cast<void>(peer.send(client_frame(0x82, std::string(500 << 10, 'p'))));
  REQUIRE(stage.until([&] { return stage.server.metrics().messages_received == 1; }));
  CHECK(stage.connection()->assembled_bytes() == 0);
}

TEST_CASE("a handler that throws within another one leaves it its message") {
  ws::Limits limits;
  limits.queue_bytes_max = 200;
  limits.overflow = ws::Overflow::drop;
  WireServer server(limits);
  bool is_whole = false;
  const std::string text(100 << 10, 't');
  server.server.at("/throws")
      .on_dropped([](ws::Connection&, Opcode, Bytes) { throw 1; })
      .on_message([&](ws::Connection& c, ws::Message m) {
        CHECK(c.send(m.opcode, m.payload) == Sent::dropped);
        is_whole = as_text(m.payload) == text;
      });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/throws"));
  static_cast<void>(peer.send(client_frame(0x81, text)));
  REQUIRE(peer.until_end());
  CHECK(is_whole);
  CHECK(server.rejects(ws::Errc::handler_threw) == 1);
}

TEST_CASE("a client's connection has a sender, too") {
  Stage stage;
  ws::Client client(stage.loop);
  REQUIRE(client.connect({.url = "ws://" + stage.address.to_string() + "/echo"}));
  REQUIRE(stage.until([&] { return client.connection() != nullptr; }));
  const ws::Sender sender = client.connection()->sender();
  CHECK_FALSE(sender.is_gone());
  CHECK(sender.send_text("from afar") == ws::Posted::queued);
  REQUIRE(stage.until([&] { return stage.messages.size() == 1; }));
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

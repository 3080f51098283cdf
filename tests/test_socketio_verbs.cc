// SPDX-License-Identifier: MIT
//
// The verbs as JavaScript has them: of the server itself and of a namespace, of many and of one,
// and what each does on the wire.

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/engineio_wire.h"
#include "tests/support/socketio_client.h"
#include "tests/support/socketio_wire.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

// Both ends agree on permessage-deflate.
struct Deflating : WireServer {
  static ws::ServerOptions deflate() {
    ws::ServerOptions options;
    options.deflate.enabled = true;
    return options;
  }
  Deflating() : WireServer({}, deflate()), io(server) {
    io.on("connection", [this](Socket socket) { last = socket; });
  }
  std::uint64_t received_bytes() {
    std::uint64_t bytes = 0;
    server.for_each([&](ws::Connection& connection) { bytes += connection.received_bytes(); });
    return bytes;
  }
  socketio::Server io;
  std::optional<Socket> last;
};

}  // namespace

TEST_CASE("the server and a namespace have the verbs of many themselves") {
  SocketioServer server;
  Namespace& news = server.io.of("/news");
  SocketioPeer peer(server);
  const std::string id = peer.connect();
  CHECK(peer.connect("40/news,") != "none");
  CHECK(server.io.local().emit("a") == 1);
  CHECK(server.io.volatile_().emit("b") == 1);
  CHECK(server.io.compress(false).emit("c") == 1);
  Events told;
  const auto note = [&](std::error_code error) { told.push_back(error.message()); };
  CHECK(server.io.timeout(milliseconds(1)).emit("d", note) == 1);
  for (const char* event : {"42[\"a\"]", "42[\"b\"]", "42[\"c\"]", "420[\"d\"]"}) {
    CHECK(peer.hear() == event);
  }
  REQUIRE(server.until([&] { return told.size() == 1; }));
  CHECK(told[0] == "operation has timed out");
  server.io.sockets_join("room");
  std::vector<RemoteSocket> sockets;
  server.io.fetch_sockets(
      [&](std::error_code, std::vector<RemoteSocket> all) { sockets = std::move(all); });
  REQUIRE(server.until([&] { return !sockets.empty(); }));
  CHECK(sockets[0].id == id);
  CHECK(sockets[0].rooms == Events{"room"});
  server.io.sockets_leave("room");
  CHECK(server.io.of("/").room_count() == 0);
  CHECK(news.local().emit("e") == 1);
  CHECK(news.timeout(milliseconds(1)).emit("f", note) == 1);
  CHECK(peer.hear() == "42/news,[\"e\"]");
  CHECK(peer.hear() == "42/news,0[\"f\"]");
  news.disconnect_sockets();
  CHECK(peer.hear() == "41/news,");
  server.io.disconnect_sockets(true);
  CHECK(peer.hear() == "41");
  CHECK(peer.was_closed());
  REQUIRE(server.io_settles());
}

TEST_CASE("on(\"connection\") is the lesson's, with a socket or without") {
  SocketioServer server;
  int sockets = 0;
  int connections = 0;
  server.io.on("connection", [&](Socket socket) { sockets += socket.connected() ? 1 : 0; })
      .on("connection", [&] { ++connections; });
  server.io.of("/news").on("connect", [&](Socket) { ++sockets; });
  SocketioPeer peer(server);
  peer.connect();
  peer.connect("40/news,");
  CHECK(sockets == 2);
  CHECK(connections == 1);
}

TEST_CASE("compress(false) shows on the wire: RSV1 is not set") {
  Deflating server;
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request("/socket.io/?EIO=4&transport=websocket",
                                    "Sec-WebSocket-Extensions: permessage-deflate\r\n")));
  REQUIRE(peer.until_contains("0{\"sid\":"));
  REQUIRE(peer.send(client_frame(0x81, "40")));
  REQUIRE(server.until([&] { return server.last.has_value(); }));
  REQUIRE(peer.until_contains("40{\"sid\":"));
  peer.received.clear();
  const std::string text(2000, 'a');
  const auto first_byte = [&](auto&& emit) {
    peer.received.clear();
    emit();
    REQUIRE(peer.until_received(2));
    const auto first = static_cast<unsigned char>(peer.received[0]);
    // What is not compressed has all of it there, and "420[..." is its beginning.
    if (first == 0x81) REQUIRE(peer.until_contains(text));
    REQUIRE(server.io.emit("end") == 1);
    REQUIRE(peer.until_contains("42[\"end\"]"));
    return first;
  };
  const Socket socket = *server.last;
  CHECK(first_byte([&] { socket.emit("x", text); }) == 0xc1);
  CHECK(first_byte([&] { socket.compress(true).emit("x", text); }) == 0xc1);
  CHECK(first_byte([&] { socket.compress(false).emit("x", text); }) == 0x81);
  CHECK(first_byte([&] { server.io.emit("x", text); }) == 0xc1);
  CHECK(first_byte([&] { server.io.compress(false).emit("x", text); }) == 0x81);
  CHECK(first_byte([&] { server.io.to(socket.id()).compress(false).emit("x", text); }) == 0x81);
}

TEST_CASE("and a client's, too") {
  Deflating server;
  ManagerOptions options = quick();
  options.connect.websocket.deflate.enabled = true;
  Manager manager(server.loop, "http://" + server.address.to_string(), std::move(options));
  const ClientSocket socket = manager.socket();
  int events = 0;
  REQUIRE(server.until([&] { return server.last && socket.connected(); }));
  server.last->on("x", [&] { ++events; });
  const auto bytes_of = [&](bool compress) {
    const std::uint64_t before = server.received_bytes();
    const int heard = events;
    socket.compress(compress).emit("x", std::string(2000, 'a'));
    REQUIRE(server.until([&] { return events > heard; }));
    return server.received_bytes() - before;
  };
  CHECK(bytes_of(true) < 200);
  CHECK(bytes_of(false) > 2000);
}

TEST_CASE("by polling, what is volatile leaves only where a GET waits") {
  SocketioServer server;
  std::optional<Socket> last;
  server.io.on("connection", [&](Socket socket) { last = socket; });
  const std::string target = "/socket.io/?EIO=4&transport=polling";
  HttpPeer peer(server);
  const std::string session = target + "&sid=" + sid_of(peer.get(target).body);
  CHECK(peer.post(session, "40").body == "ok");
  CHECK(peer.get(session).body.starts_with("40{"));
  CHECK_FALSE(last->volatile_().emit("lost"));
  CHECK(server.io.volatile_().emit("lost") == 0);
  REQUIRE(peer.ask("GET", session));
  server.turns();
  CHECK(last->volatile_().emit("heard"));
  CHECK(peer.answer().body == "42[\"heard\"]");
  CHECK(last->emit("waits"));
  CHECK(peer.get(session).body == "42[\"waits\"]");
}

TEST_CASE("who falls silent is told off with \"ping timeout\", by either transport") {
  for (const bool polls : {false, true}) {
    CAPTURE(polls);
    Options options;
    options.engine.ping_interval = milliseconds(20);
    options.engine.ping_timeout = milliseconds(20);
    SocketioServer server(std::move(options));
    Events reasons;
    server.io.on("connection", [&](Socket socket) {
      socket.on("disconnect", [&](std::string_view reason) { reasons.emplace_back(reason); });
    });
    if (polls) {
      const std::string target = "/socket.io/?EIO=4&transport=polling";
      HttpPeer peer(server);
      const std::string session = target + "&sid=" + sid_of(peer.get(target).body);
      CHECK(peer.post(session, "40").body == "ok");
      REQUIRE(server.until([&] { return !reasons.empty(); }));
    } else {
      SocketioPeer peer(server);
      peer.connect();
      REQUIRE(server.until([&] { return !reasons.empty(); }));
    }
    CHECK(reasons == Events{"ping timeout"});
  }
}

TEST_CASE("what a handshake said: decoded parameters, the URL, and when") {
  SocketioServer server;
  std::optional<Socket> last;
  server.io.on("connection", [&](Socket socket) { last = socket; });
  WirePeer peer(server);
  const std::string url = "/socket.io/?EIO=4&transport=websocket&name=%C3%91u+%26&empty=";
  REQUIRE(peer.upgrade(url));
  REQUIRE(peer.send(client_frame(0x81, "40")));
  REQUIRE(server.until([&] { return last.has_value(); }));
  CHECK(last->query("name") == "\u00d1u &");
  CHECK(last->query("empty") == "");
  CHECK_FALSE(last->query("nothing"));
  CHECK(last->url() == url);
  CHECK(last->since() > 0);
  CHECK_FALSE(last->secure());
  peer.reset();
  REQUIRE(server.io_settles());
  CHECK_FALSE(last->query("name"));
  CHECK(last->url().empty());
  CHECK(last->since() == 0);
}

TEST_CASE("off_any() ends both lists, from within one of them, too") {
  SocketioServer server;
  Events told;
  server.io.on("connection", [&](Socket socket) {
    socket.on_any([&, socket](std::string_view event, Json&) {
      socket.off_any();
      told.emplace_back(event);
    });
    socket.on_any([&](std::string_view, Json&) { told.emplace_back("second"); });
    socket.on_any_outgoing([&, socket](std::string_view event, const Json&) {
      socket.off_any_outgoing();
      told.emplace_back(event);
    });
    socket.on("ask", [socket] { socket.emit("out"); });
  });
  SocketioPeer peer(server);
  peer.connect();
  peer.say("42[\"ask\"]");
  peer.say("42[\"ask\"]");
  CHECK(peer.hear() == "42[\"out\"]");
  CHECK(peer.hear() == "42[\"out\"]");
  CHECK(told == Events{"ask", "out"});
}

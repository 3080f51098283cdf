// SPDX-License-Identifier: MIT
//
// Engine.IO and Socket.IO over TLS, server and client, by every transport.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "net/tls.h"
#include "tests/support/socketio_client.h"
#include "ws/engineio/client.h"

using namespace hilo;
using namespace hilo::test;

namespace {

std::shared_ptr<const net::tls::ClientContext> trusting() {
  auto context = net::tls::ClientContext::create({.insecure = true});
  REQUIRE(context);
  return *context;
}

constexpr engineio::Transports transports[] = {
    engineio::Transports::polling_first, engineio::Transports::polling,
    engineio::Transports::websocket, engineio::Transports::websocket_first};

}  // namespace

TEST_CASE("a session of Engine.IO over TLS moves text and binary both ways") {
  for (const engineio::Transports each : transports) {
    CAPTURE(static_cast<int>(each));
    WireServer server({}, {}, any_tls_context());
    engineio::Server engine{server.server};
    engine.on_message([](engineio::Socket& socket, engineio::Message message) {
      CHECK(socket.send(message) == ws::Sent::accepted);
    });
    std::string heard;
    engineio::Client client{server.loop};
    client.on_open([](engineio::Client& opened) { opened.send_text("h\u00e9llo"); })
        .on_message([&](engineio::Client& opened, engineio::Message message) {
          heard += std::string(message.text()) + (message.binary ? "!" : ",");
          if (!message.binary) opened.send_binary(as_bytes("bytes"));
        });
    const std::string url = "https://" + server.address.to_string();
    engineio::ConnectOptions connect{.url = url, .transports = each};
    connect.websocket.tls = trusting();
    REQUIRE(client.connect(connect));
    REQUIRE(server.until([&] { return heard == "h\u00e9llo,bytes!"; }));
    const bool polls = each == engineio::Transports::polling;
    REQUIRE(server.until([&] {
      return client.transport() ==
             (polls ? engineio::Transport::polling : engineio::Transport::websocket);
    }));
    client.close();
    REQUIRE(server.until([&] { return engine.socket_count() == 0; }));
  }
}

TEST_CASE("events of Socket.IO over TLS are answered, and a certificate of nobody's is refused") {
  for (const engineio::Transports each : transports) {
    CAPTURE(static_cast<int>(each));
    WireServer server({}, {}, any_tls_context());
    socketio::Server io{server.server};
    io.on("connection", [](socketio::Socket socket) {
      CHECK(socket.secure());
      socket.on("sum", [](int a, int b, socketio::Ack ack) { ack(a + b); });
    });
    const std::string url = "https://" + server.address.to_string();
    const auto options = [each](std::shared_ptr<const net::tls::ClientContext> tls) {
      socketio::ManagerOptions made;
      made.connect.transports = each;
      made.connect.websocket.tls = std::move(tls);
      return made;
    };
    int sum = 0;
    {
      socketio::Manager manager{server.loop, url, options(trusting())};
      manager.socket().emit("sum", 20, 22, [&](std::error_code error, int answer) {
        CHECK_FALSE(error);
        sum = answer;
      });
      REQUIRE(server.until([&] { return sum == 42; }));
    }
    std::optional<std::string> why;
    socketio::Manager wary{server.loop, url, options(nullptr)};
    wary.socket().on("connect_error", [&](std::string_view message) { why = message; });
    REQUIRE(server.until([&] { return why.has_value(); }));
    CHECK_FALSE(why->empty());
    CHECK(io.of("/").socket_count() <= 1);
  }
}

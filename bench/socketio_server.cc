// SPDX-License-Identifier: MIT
//
// Our side of `make bench-socketio`: what socketio_server.cjs does on Node, line for line.

#include <cstdio>
#include <string_view>

#include "net/base/check.h"
#include "net/loop.h"
#include "net/socket.h"
#include "ws/server.h"
#include "ws/socketio/server.h"

int main() {
  using namespace hilo;
  static_cast<void>(net::socket::raise_descriptor_limit());
  net::Loop loop;
  ws::ServerOptions options;
  options.keep_request_fields = false;  // as in hilo serve
  ws::Server http(loop, {}, std::move(options));
  socketio::Server io(http);
  io.on_connection([&io](socketio::Socket socket) {
    socket.on("echo", [](const socketio::Json& value, socketio::Ack ack) { ack(value); });
    socket.on("join", [socket](std::string_view room, socketio::Ack ack) {
      socket.join(room);
      ack();
    });
    socket.on("tell", [&io](std::string_view room, const socketio::Json& value) {
      io.to(room).emit("news", value);
    });
  });
  const auto bound = http.listen({.host = "127.0.0.1"});
  HILO_CHECK(bound);
  std::printf("listening on %s\n", bound->to_string().c_str());
  std::fflush(stdout);
  HILO_CHECK(loop.run());
}

// SPDX-License-Identifier: MIT
//
// The highest level: a Socket.IO server and its client in one loop, and an event between them.

#include <cstdio>
#include <string>

#include "net/base/version.h"
#include "ws/socketio/manager.h"
#include "ws/socketio/server.h"

int main() {
  hilo::net::Loop loop;
  hilo::ws::Server http{loop};
  hilo::socketio::Server io{http};
  io.on_connection([](hilo::socketio::Socket socket) { socket.emit("number", 7); });
  auto bound = http.listen({.host = "127.0.0.1"});
  if (!bound) return 1;

  int number = 0;
  hilo::socketio::Manager manager{loop, "http://127.0.0.1:" + std::to_string(bound->port())};
  manager.socket().on("number", [&](int got) {
    number = got;
    loop.stop();
  });
  if (!loop.run()) return 1;
  std::printf("socketio %s: %d\n", HILO_VERSION, number);
  return number == 7 ? 0 : 1;
}

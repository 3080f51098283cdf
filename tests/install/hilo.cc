// SPDX-License-Identifier: MIT
//
// The middle level: a server and a client in one loop, and an echo between them.

#include <cstdio>
#include <string>

#include "net/base/version.h"
#include "ws/client.h"
#include "ws/server.h"

int main() {
  hilo::net::Loop loop;
  hilo::ws::Server server{loop};
  server.on_message([](hilo::ws::Connection& c, hilo::ws::Message m) { c.send(m); });
  auto bound = server.listen({.host = "127.0.0.1"});
  if (!bound) return 1;

  bool is_echoed = false;
  hilo::ws::Client client{loop};
  client.on_open([](hilo::ws::Connection& c) { c.send_text("hola"); })
      .on_message([&](hilo::ws::Connection&, hilo::ws::Message m) {
        is_echoed = m.text() == "hola";
        loop.stop();
      })
      .on_failed([&](std::error_code) { loop.stop(); });
  const std::string url = "ws://127.0.0.1:" + std::to_string(bound->port()) + "/";
  if (!client.connect({.url = url}) || !loop.run()) return 1;
  std::printf("hilo %s: %s\n", HILO_VERSION, is_echoed ? "hola" : "nothing");
  return is_echoed ? 0 : 1;
}

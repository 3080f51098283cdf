// SPDX-License-Identifier: MIT
//
// The ten-line echo from the two files of `make amalgam`, with a client to ask it over a socket.

#include <hilo.h>

#include <cstdio>
#include <string>

int main() {
  hilo::net::Loop loop;
  hilo::ws::Server server{loop};
  server.on_message([](hilo::ws::Connection& c, hilo::ws::Message m) { c.send(m); });
  const auto bound = server.listen({.host = "127.0.0.1"});
  if (!bound) return 1;

  bool echoed = false;
  hilo::ws::Client client{loop};
  client.on_open([](hilo::ws::Connection& c) { c.send_text("hola"); })
      .on_message([&](hilo::ws::Connection&, hilo::ws::Message m) {
        echoed = m.text() == "hola";
        loop.stop();
      })
      .on_failed([&](std::error_code) { loop.stop(); });
  const std::string url = "ws://" + bound->to_string();
  const bool ran = client.connect({.url = url}) && loop.run();
  std::printf("%s all of it in one file echoes over a socket (hilo %s)\n",
              ran && echoed ? "ok" : "not ok", HILO_VERSION);
  return ran && echoed ? 0 : 1;
}

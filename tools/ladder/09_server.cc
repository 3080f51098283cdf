// SPDX-License-Identifier: MIT
//
// Chapter 9: the server.
//
// Everything below is in these few lines: the listener and its sockets, the loop that waits for
// them, streams that know back-pressure, the handshake, frames, sessions. What is left to write is
// what the program is about. Here it is an echo.
//
// Called with --check, the program is its own client. Otherwise it serves; to talk to it, open the
// console of a browser on an empty page (about:blank) and write:
//
//     socket = new WebSocket("ws://127.0.0.1:9001/")
//     socket.onmessage = (event) => console.log(event.data)
//     socket.send("hola")
//
//   to read   ws/server.h, ws/connection.h, ws/client.h; RFC 6455 from its beginning
//   exercise  make exercise N=09: a room in which everybody hears the others
//   next      tools/hilo/serve.cc: a server with flags, limits and a page

#include <cstdio>
#include <string>

#include "tools/ladder/expect.h"
#include "ws/client.h"
#include "ws/server.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

void check(net::Loop& loop, const std::string& url) {
  ws::Client client{loop};
  client.on_open([](ws::Connection& c) { c.send_text("hola"); });
  client.on_message([](ws::Connection& c, ws::Message message) {
    expect(message.is_text() && message.text() == "hola", "hola came back");
    must(c.close(ws::CloseCode::normal, "adios"));
  });
  client.on_close([&](ws::Connection&, ws::CloseInfo info) {
    expect(info.clean && info.code == ws::CloseCode::normal, "both sides have said it");
    loop.stop();
  });
  client.on_failed([](std::error_code why) { expect(false, why.message().c_str()); });
  must(client.connect({.url = url}));
  must(loop.run());
}

}  // namespace

int main(int argc, char** argv) {
  const bool checking = ladder::checking(argc, argv);
  net::Loop loop;
  ws::Server server{loop, {}, {.origin = {.allow = ws::OriginPolicy::Allow::any}}};
  server.on_open([](ws::Connection&) { std::puts("somebody has come"); });
  server.on_message([](ws::Connection& c, ws::Message message) { c.send(message); });
  server.on_close([](ws::Connection&, ws::CloseInfo) { std::puts("somebody has gone"); });

  const std::uint16_t port = checking ? 0 : 9001;
  const net::Address bound = must(server.listen({.host = "127.0.0.1", .port = port}));
  const std::string url = "ws://" + bound.to_string() + "/";
  std::printf("an echo on %s\n", url.c_str());
  if (!checking) return loop.run() ? 0 : 1;
  check(loop, url);
  return 0;
}

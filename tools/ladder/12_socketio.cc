// SPDX-License-Identifier: MIT
//
// Chapter 12: Socket.IO, where the lesson ends.
//
// A message of Engine.IO becomes an event with a name and arguments, as JSON; a number in front of
// it asks for an answer; a name in front of that is a namespace, a conversation of its own over the
// same connection. On the server there are rooms. The program of the lesson is five lines of it:
// whoever comes or goes, everybody is told how many there are.
//
//   2["stats",{"numClients":1}]     and on the wire, with Engine.IO's digit: 42["stats",...]
//
// Called with --check, the program is its own two clients. Otherwise it serves; hilo connect is a
// client, and so is the page at /lesson of hilo serve:
//
//     hilo connect --socketio --listen ws://127.0.0.1:9001/
//
//   to read   ws/socketio/server.h, ws/socketio/socket.h, ws/socketio/manager.h
//   exercise  make exercise N=12: read what stands in front of the JSON
//   next      tools/hilo/lesson.cc: the same, and a chat

#include <cstdio>
#include <string>
#include <vector>

#include "tools/ladder/expect.h"
#include "ws/server.h"
#include "ws/socketio/manager.h"
#include "ws/socketio/server.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

void check(net::Loop& loop, const std::string& url) {
  std::vector<int> told;
  socketio::Manager second{loop, url};
  socketio::Manager first{loop, url};
  socketio::ClientSocket there = first.socket();
  there.on("stats", [&](const socketio::Json& stats) {
    told.push_back(stats.value("numClients", 0));
    if (told.size() == 1) second.socket().on("stats", [&] { second.socket().disconnect(); });
    if (told.size() == 3) loop.stop();
  });
  must(loop.run());
  expect(told == std::vector{1, 2, 1}, "one is there, then two, then one again: all were told");
}

}  // namespace

int main(int argc, char** argv) {
  const bool checking = ladder::checking(argc, argv);
  net::Loop loop;
  ws::Server http{loop};
  socketio::Server io{http};
  int num_clients = 0;
  io.on_connection([&](socketio::Socket socket) {
    io.emit("stats", {{"numClients", ++num_clients}});
    socket.on("disconnect", [&] { io.emit("stats", {{"numClients", --num_clients}}); });
  });

  const std::uint16_t port = checking ? 0 : 9001;
  const net::Address bound = must(http.listen({.host = "127.0.0.1", .port = port}));
  const std::string url = "http://" + bound.to_string();
  std::printf("Socket.IO on %s\n", url.c_str());
  if (!checking) return loop.run() ? 0 : 1;
  check(loop, url);
  return 0;
}

// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 9: a topic, to which everybody subscribes; ws/hub.h has who is there.

#include <string>

#include "tools/ladder/exercises/09_server.h"
#include "ws/hub.h"
#include "ws/server.h"

namespace hilo::exercise {
namespace {

constexpr const char* room = "room";

void tell_how_many(ws::Server& server) {
  const std::size_t count = server.hub().subscriber_count(room);
  const std::string stats = "{\"numClients\":" + std::to_string(count) + "}";
  server.publish(room, ws::Opcode::text, as_bytes(stats));
}

}  // namespace

void open_room(ws::Server& server) {
  server.on_open([&server](ws::Connection& c) {
    if (!c.subscribe(room)) return c.abort();
    tell_how_many(server);
  });
  server.on_message([&server](ws::Connection& c, ws::Message message) {
    server.publish(room, message, {.except = c.id()});
  });
  server.on_close([&server](ws::Connection&, ws::CloseInfo) { tell_how_many(server); });
}

}  // namespace hilo::exercise

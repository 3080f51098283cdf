// SPDX-License-Identifier: MIT
//
// The lowest level alone: a session reads a frame that a client masked, and answers it.

#include <cstdio>

#include "net/base/version.h"
#include "ws/core/session.h"

int main() {
  hilo::Pool pool;
  const hilo::ws::Session::Shared shared{.pool = &pool};
  hilo::Buffer wire(pool);
  hilo::ws::Session client(hilo::ws::Role::client, shared);
  hilo::ws::Session server(hilo::ws::Role::server, shared);
  if (!client.send(hilo::ws::Opcode::text, hilo::as_bytes("hola"), {1, 2, 3, 4}, wire)) return 1;
  hilo::MutableBytes input = wire.readable();
  const hilo::ws::Event event = server.next(input);
  std::printf("core %s: %.*s\n", HILO_VERSION, static_cast<int>(event.payload.size()),
              hilo::as_text(event.payload).data());
  return event.kind == hilo::ws::Event::Kind::message ? 0 : 1;
}

// SPDX-License-Identifier: MIT
//
// The protocol alone from the two files of `make amalgam`: a client's frame, read by a server.

#include <hilo.h>

#include <cstdio>

int main() {
  using namespace hilo;
  Pool pool;
  const ws::Session::Shared shared{.pool = &pool};
  ws::Session client{ws::Role::client, shared};
  ws::Session server{ws::Role::server, shared};
  Buffer wire{pool};
  const ws::MaskKey key{0x37, 0xfa, 0x21, 0x3d};  // of RFC 6455 §5.7
  bool holds = static_cast<bool>(client.send(ws::Opcode::text, as_bytes("Hello"), key, wire));
  MutableBytes input = wire.readable();
  const ws::Event event = server.next(input);
  holds = holds && event.kind == ws::Event::Kind::message && as_text(event.payload) == "Hello";
  std::printf("%s the core in one file reads what it wrote (hilo %s)\n", holds ? "ok" : "not ok",
              HILO_VERSION);
  return holds ? 0 : 1;
}

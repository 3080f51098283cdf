// SPDX-License-Identifier: MIT
//
// The protocol alone, as an event loop of somebody else's would have it: a client and a server
// session that echo each other's messages, with no line of net or ws between them. It links with
// libhilo-core.a alone, built with or without exceptions and RTTI, and is measured by `make size`.

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "ws/core/session.h"

using namespace hilo;

namespace {

constexpr ws::MaskKey key = {0x37, 0xFA, 0x21, 0x3D};

// What a socket would carry: copied, as sessions unmask in place.
Status carry(const ws::Outgoing& outgoing, Buffer& wire) {
  for (const Bytes slice : outgoing.slices()) {
    if (Status status = wire.append(slice); !status) return status;
  }
  return {};
}

// One message to the server and its echo back.
bool echoes(ws::Session& client, ws::Session& server, Pool& pool, Bytes message) {
  Buffer wire{pool};
  if (!client.send(ws::Opcode::binary, message, key, wire)) return false;
  MutableBytes input = wire.readable();
  const ws::Event heard = server.next(input);
  if (heard.kind != ws::Event::Kind::message || heard.payload.size() != message.size())
    return false;
  Buffer back{pool};
  if (!carry(server.send(heard.opcode, heard.payload), back)) return false;
  input = back.readable();
  return as_text(client.next(input).payload) == as_text(message);
}

bool run() {
  Pool pool;
  const ws::Session::Shared shared{.pool = &pool};
  ws::Session client{ws::Role::client, shared};
  ws::Session server{ws::Role::server, shared};
  std::uint8_t message[70'000];
  for (std::size_t i = 0; i < sizeof message; ++i) message[i] = static_cast<std::uint8_t>(i);
  for (const std::size_t bytes : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 70'000U}) {
    if (!echoes(client, server, pool, Bytes{message, bytes})) return false;
  }
  // The last message is shown until then.
  client.release_shown();
  server.release_shown();
  return pool.taken_bytes() == 0;
}

}  // namespace

int main() {
  const bool holds = run();
  std::printf("%s sessions echo messages of every kind of length\n", holds ? "ok" : "not ok");
  return holds ? 0 : 1;
}

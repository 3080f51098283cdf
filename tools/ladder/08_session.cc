// SPDX-License-Identifier: MIT
//
// Chapter 8: the session.
//
// Frames are not yet messages. A message may come in fragments, with a ping in the midst of them; a
// text must be UTF-8 even where a fragment cuts a letter in two; a ping wants its pong, a Close its
// echo, and a broken rule an end. All this is the session: bytes go in, events come out, and now
// and then bytes that have to be sent.
//
// There is no socket in this chapter. The session has none: it calls nobody and knows no time. So
// it can be tested without a network, put into any event loop, and watched in slow motion, as here.
//
//   to read   ws/core/session.h, ws/core/message.h; RFC 6455 §5.4, §5.5, §7.1
//   exercise  make exercise N=08: make messages of fragments, with pings between them
//   next      09_server.cc: everything together

#include <cstdint>
#include <cstdio>
#include <vector>

#include "tools/ladder/expect.h"
#include "ws/core/session.h"

using namespace hilo;
using ladder::expect;
using ladder::must;
using Kind = ws::Event::Kind;

namespace {

// A client has to draw a fresh, unpredictable key for every frame. Nobody listens here.
constexpr ws::MaskKey key = {1, 2, 3, 4};

// What a socket would carry, in one piece.
std::vector<std::uint8_t> on_the_wire(const ws::Outgoing& outgoing) {
  std::vector<std::uint8_t> bytes;
  for (const Bytes slice : outgoing.slices()) bytes.insert(bytes.end(), slice.begin(), slice.end());
  return bytes;
}

}  // namespace

int main() {
  Pool pool;
  const ws::Session::Shared shared{.pool = &pool};
  ws::Session client{ws::Role::client, shared};
  ws::Session server{ws::Role::server, shared};

  std::puts("a text, there and back");
  Buffer wire{pool};
  must(client.send(ws::Opcode::text, as_bytes("hola"), key, wire));
  MutableBytes input = wire.readable();
  const ws::Event heard = server.next(input);
  expect(heard.kind == Kind::message && as_text(heard.payload) == "hola", "the server hears hola");
  std::vector<std::uint8_t> back = on_the_wire(server.send(heard.opcode, heard.payload));
  input = back;
  expect(as_text(client.next(input).payload) == "hola", "and the client hears it back");
  wire.release();

  std::puts("a letter cut in two by fragments, a ping between them, one byte at a time");
  const Bytes word = as_bytes("mañana");  // the ñ is two bytes, and the cut goes through it
  must(client.send(ws::Opcode::text, word.first(3), key, wire, false));
  must(client.ping(as_bytes("still there?"), key, wire));
  must(client.send(ws::Opcode::text, word.subspan(3), key, wire));
  std::vector<Kind> kinds;
  for (std::uint8_t& byte : wire.readable()) {
    input = {&byte, 1};
    while (const ws::Event event = server.next(input)) {
      kinds.push_back(event.kind);
      if (event.kind == Kind::message) expect(as_text(event.payload) == "mañana", "it is whole");
      // The answer to a ping is ready to be sent; the payload is the same.
      const std::vector<std::uint8_t> reply = on_the_wire(server.take_replies());
      expect(reply.empty() == (event.kind != Kind::ping), "a ping has its pong, a text has none");
    }
  }
  expect(kinds == std::vector{Kind::ping, Kind::message}, "the ping did not wait for the message");
  wire.release();

  std::puts("the closing handshake");
  must(client.close(ws::CloseCode::normal, "adios", key, wire));
  input = wire.readable();
  const ws::Event close = server.next(input);
  expect(close.kind == Kind::close && close.code == ws::CloseCode::normal, "the server hears 1000");
  back = on_the_wire(server.take_replies());
  expect(server.wants_transport_close(), "has answered, and may end the connection");
  input = back;
  expect(client.next(input).kind == Kind::close, "the client hears its own Close back");
  expect(client.wants_transport_close(), "and is done as well");

  std::puts("a rule is broken");
  ws::Session strict{ws::Role::server, shared};
  std::vector<std::uint8_t> unmasked = {0x81, 0x02, 'h', 'i'};
  input = unmasked;
  const ws::Event failure = strict.next(input);
  expect(failure.error == ws::Errc::frame_unmasked, "the client has not masked its frame");
  expect(failure.code == ws::CloseCode::protocol_error, "and is told so with 1002");
  return 0;
}

// SPDX-License-Identifier: MIT
//
// Chapter 11: Engine.IO, or what if there is no WebSocket to be had?
//
// Proxies that know HTTP and nothing else once made that a real question, and a page that has to be
// there at once still begins with what always works: it asks (GET) and is answered when there is
// something to say, and it tells (POST). Engine.IO makes one session of that, with a name, and
// moves it to a WebSocket as soon as one has shown that it works, without losing a packet:
//
//   0 open   2 ping   3 pong   4 message   5 upgrade   6 noop
//
//   to read   ws/engineio/packet.h, ws/engineio/payload.h, ws/engineio/session.h
//   to see    hilo connect --trace --socketio, and /chat of hilo serve
//   exercise  make exercise N=11: take a body of several packets apart, in both revisions
//   next      12_socketio.cc: events with names

#include <cstdio>
#include <string>

#include "net/base/buffer.h"
#include "tools/ladder/expect.h"
#include "ws/engineio/payload.h"

using namespace hilo;
using engineio::Framing;
using engineio::Packet;
using engineio::PacketType;
using engineio::Revision;
using ladder::expect;
using ladder::must;

namespace {

MutableBytes bytes_in(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

int main() {
  // Over polling, all packets that wait are one body. A byte that no JSON holds stands between.
  std::string hello = "hola";
  std::string bytes = "\1\2\3";
  Pool pool;
  Buffer body{pool};
  must(append_packet(Framing::v4, {.type = PacketType::message, .data = bytes_in(hello)}, body));
  must(append_packet(Framing::v4,
                     {.type = PacketType::message, .binary = true, .data = bytes_in(bytes)}, body));
  must(append_packet(Framing::v4, {.type = PacketType::noop}, body));
  expect(as_text(body.readable()) ==
             "4hola\x1e"
             "bAQID\x1e"
             "6",
         "a text, three bytes as base64, and a noop: 4hola | bAQID | 6");

  // Who receives it looks at all of it before anything is believed.
  constexpr std::uint32_t packets_max = 16;
  expect(check_payload(Framing::v4, body.readable(), packets_max) == engineio::Errc::none,
         "each of them is a packet");
  engineio::PayloadReader reader{Framing::v4, body.readable()};
  Packet packet;
  expect(reader.next(packet) && as_text(packet.data) == "hola", "the text comes first");
  expect(reader.next(packet) && packet.binary && as_text(packet.data) == bytes, "then the bytes");
  expect(reader.next(packet) && packet.type == PacketType::noop && !reader.next(packet),
         "then nothing, which frees a poll that waits");

  // Over a WebSocket a packet is a message. The new way is tried beside the old one: "2probe" has
  // to come back as "3probe"; then the server ends the poll that waits with a noop, and "5" says
  // that from here on everything comes this way. In between nothing is sent twice and nothing is
  // lost.
  for (std::string step : {"2probe", "3probe", "5"}) {
    expect(decode_text(Revision::v4, bytes_in(step), packet) == engineio::Errc::none, step.c_str());
  }
  expect(packet.type == PacketType::upgrade, "and the session has moved");
  return 0;
}

// SPDX-License-Identifier: MIT
//
// Part: one thing that the bytes of a connection say, and where they say it.
//
// What explains a connection (dialogue.h) tells it as a sequence of parts, in the order in which
// the bytes arrive; how they are shown is for whoever takes them. A part of depth 0 is a unit of
// its layer (a head, a frame, a message, a packet), those behind it with a greater depth are in it.
//
//   place   bits of the stream of that direction, counted from the first byte of the connection,
//           the most significant bit of a byte first, as RFC 6455 §5.2 draws them. A part that is
//           not on the wire as such (the accept key's digest, what was inflated, a packet in a
//           message of several frames) has no place: bits is 0
//   in_tls  where the connection is TLS there are two streams: that of TCP, in which the parts of
//           layer tls have their place, and the clear one that records carry, in which heads,
//           frames and messages have theirs, and reads and writes of a process that tells of its
//           own. These say in_tls
//   views   name, section and source are static text; the value is the part's own

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/callback.h"
#include "ws/trace/fault.h"

namespace hilo::trace {

// Who says it.
enum class Direction : std::uint8_t { to_server, to_client };

enum class Layer : std::uint8_t {
  tcp,
  tls,
  http,
  handshake,
  frame,
  message,
  deflate,
  engineio,
  socketio,
  engine,  // no bytes: what the process does besides, as timers and queues
};

struct Place {
  std::uint64_t bit = 0;
  std::uint64_t bits = 0;
};

// Whole bytes.
constexpr Place bytes_at(std::uint64_t offset, std::uint64_t count) noexcept {
  return {.bit = offset * 8, .bits = count * 8};
}

struct Part {
  Direction direction = Direction::to_server;
  Layer layer = Layer::frame;
  std::uint8_t depth = 0;
  Place place = {};
  std::string_view name;
  std::string value = {};
  std::string_view section = {};  // of the RFC or protocol: "RFC 6455 §5.2"
  std::string_view source = {};   // what in this code reads it: "ws/core/frame.cc parse_header"
  Fault fault = {};               // if it breaks a rule; of a WebSocket nothing follows then
  bool in_tls = false;            // its place is in the clear stream, within TLS
};

using PartSink = Callback<void(const Part&)>;

std::string_view to_string(Layer layer) noexcept;
std::string_view to_string(Direction direction) noexcept;

}  // namespace hilo::trace

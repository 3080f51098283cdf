// SPDX-License-Identifier: MIT
//
// What a Socket.IO server can be told. The values here are what ships; below it are the options of
// Engine.IO, and the limits of the ws::Server.

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/duration.h"
#include "ws/engineio/options.h"
#include "ws/socketio/packet.h"

namespace hilo::socketio {

struct Options {
  engineio::Options engine = {};

  // From the session to its first namespace.
  net::Duration connect_timeout = net::Duration::seconds(20);
  // From a packet to the last of its attachments.
  net::Duration attachment_timeout = net::Duration::seconds(10);
  PacketLimits packet = {};
  std::uint32_t namespaces_per_client_max = 32;
  // That clients may have made by Server::of(may_be, made). They stay.
  std::size_t dynamic_namespaces_max = 10'000;
  // Answers that may be waited for, of one socket.
  std::size_t acks_max = 1000;
};

}  // namespace hilo::socketio

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

// Clients that lost their connection take up where they were: recovery.h. Of each namespace. Where
// servers have met, or have an adapter, it is off, and the log says so: a client may come back to
// any of them, and what it missed is kept in one.
struct RecoveryOptions {
  bool enabled = false;
  // How long a session is kept, and so are events.
  net::Duration max_disconnection_duration = net::Duration::seconds(120);
  // Who comes back is not asked again. Otherwise middleware sees a new socket, and what was kept is
  // given back behind it.
  bool skip_middlewares = true;
  std::size_t sessions_max = 10'000;
  std::size_t event_bytes_max = std::size_t{1} << 24;
};

struct Options {
  engineio::Options engine = {};

  // From the session to its first namespace.
  net::Duration connect_timeout = net::Duration::seconds(20);
  // From a packet to the last of its attachments.
  net::Duration attachment_timeout = net::Duration::seconds(10);
  Parser parser = Parser::json;  // as the clients'
  PacketLimits packet = {};
  std::uint32_t namespaces_per_client_max = 32;
  // That clients may have made by Server::of(may_be, made), at a time.
  std::size_t dynamic_namespaces_max = 10'000;
  // For the answers of other servers, to fetch_sockets() and server_side_emit(). An event to many
  // that wants answers has its timeout(), or without one this; other servers get this on top.
  net::Duration servers_timeout = net::Duration::seconds(5);
  // Answers that may be waited for, of one socket.
  std::size_t acks_max = 1000;
  RecoveryOptions recovery = {};
};

}  // namespace hilo::socketio

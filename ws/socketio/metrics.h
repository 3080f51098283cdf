// SPDX-License-Identifier: MIT
//
// Metrics: counters of one Socket.IO server, plain numbers that only its loop's thread touches.

#pragma once

#include <array>
#include <cstdint>

#include "ws/socketio/error.h"

namespace hilo::socketio {

struct Metrics {
  std::uint64_t connected = 0;  // sockets: to each namespace one
  std::uint64_t disconnected = 0;
  std::uint64_t recovered = 0;  // of those connected
  std::uint64_t events_received = 0;
  std::uint64_t packets_sent = 0;  // to each socket one
  std::uint64_t relays_lost = 0;   // broadcasts that did not reach another loop (neighbour.h)
  std::array<std::uint64_t, errc_count> rejects{};  // by rule, see error.h
};

}  // namespace hilo::socketio

// SPDX-License-Identifier: MIT
//
// Metrics: counters of one Engine.IO server, plain numbers that only its loop's thread touches.

#pragma once

#include <array>
#include <cstdint>

#include "ws/engineio/error.h"

namespace hilo::engineio {

struct Metrics {
  std::uint64_t opened = 0;  // sessions
  std::uint64_t closed = 0;
  std::uint64_t upgraded = 0;  // from polling to a WebSocket
  std::uint64_t polls = 0;     // GETs answered
  std::uint64_t posts = 0;     // POSTs answered
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;                  // accepted by send()
  std::uint64_t packets_lost = 0;                   // accepted, and still queued at the end
  std::array<std::uint64_t, errc_count> rejects{};  // by rule, see error.h
};

}  // namespace hilo::engineio

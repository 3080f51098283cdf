// SPDX-License-Identifier: MIT
//
// Metrics: counters of one server or client, plain numbers that only its loop's thread touches.
// Add up those of several loops to have a process's.

#pragma once

#include <array>
#include <cstdint>

#include "ws/core/deflate_contexts.h"
#include "ws/core/error.h"

namespace hilo::ws {

struct Metrics : DeflateCounters {
  std::uint64_t accepted = 0;       // TCP connections
  std::uint64_t shed = 0;           // dropped for want of descriptors
  std::uint64_t http_requests = 0;  // answered, upgrades not among them
  std::uint64_t upgrades = 0;
  std::uint64_t closed = 0;  // WebSocket connections that are gone
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;     // accepted by send()
  std::uint64_t messages_dropped = 0;  // by Overflow::drop
  std::uint64_t payload_bytes_received = 0;
  std::uint64_t payload_bytes_sent = 0;
  std::uint64_t log_lines_suppressed = 0;           // by the rate limit of the log
  std::array<std::uint64_t, errc_count> rejects{};  // by rule, see ws/core/error.h
};

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// Metrics: counters of one server or client, plain numbers that only its loop's thread touches.
// Add up those of several loops to have a process's.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/time_histogram.h"
#include "ws/core/deflate_counters.h"
#include "ws/core/error.h"
#include "ws/core/rfc6455.h"

namespace hilo::ws {

// Close codes as they are counted: 1000 to 1015 one by one, then those that have no meaning yet,
// those of libraries (3000 to 3999) and of applications (4000 to 4999).
constexpr std::size_t close_class_count = 19;
constexpr std::size_t close_class(CloseCode code) noexcept {
  const auto number = static_cast<std::uint16_t>(code);
  if (number < 1000 || number > 4999) return 16;
  if (number < 1016) return static_cast<std::size_t>(number - 1000);
  return number < 3000 ? 16 : (number < 4000 ? 17 : 18);
}

struct Metrics : DeflateCounters {
  std::uint64_t accepted = 0;       // TCP connections
  std::uint64_t shed = 0;           // dropped for want of descriptors
  std::uint64_t http_requests = 0;  // answered, upgrades not among them
  std::uint64_t upgrades = 0;
  std::uint64_t transfers = 0;  // connections that came from another server of the process
  std::uint64_t closed = 0;     // WebSocket connections that are gone
  // The same by code (close_class) and ClosedBy, as on_close hears them.
  std::array<std::array<std::uint64_t, 3>, close_class_count> closes{};
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;     // accepted by send()
  std::uint64_t messages_dropped = 0;  // by Overflow::drop
  std::uint64_t payload_bytes_received = 0;
  std::uint64_t payload_bytes_sent = 0;
  std::uint64_t pongs_ignored = 0;  // that answered nothing, where nobody listens to Pongs
  std::uint64_t bytes_ignored = 0;  // behind the peer's Close, or behind a rule that it broke
  std::uint64_t log_lines_suppressed = 0;           // by its rate limit, or no memory
  std::array<std::uint64_t, errc_count> rejects{};  // by rule, see ws/core/error.h
  // From accept, or from the first byte of a later request, to the 101.
  net::TimeHistogram handshake_time;

  void count_sent(std::size_t payload_bytes) noexcept {
    ++messages_sent;
    payload_bytes_sent += payload_bytes;
  }
  void count_received(std::size_t payload_bytes) noexcept {
    ++messages_received;
    payload_bytes_received += payload_bytes;
  }
};

}  // namespace hilo::ws

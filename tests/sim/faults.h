// SPDX-License-Identifier: MIT
//
// Faults: what may go wrong on the virtual network, how likely each is, and how often each was.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/duration.h"

namespace hilo::sim {

// What happened, as it is counted.
enum class Fault : std::uint8_t {
  short_io,
  would_block,
  delayed,
  interrupted,
  held_back,
  shuffled,
  reset,
  silent,
  zero_window,
  taken_error,
  connected_at_once,
  connect_lost,
  connect_refused,
  accept_failed,
  no_descriptor,
  no_buffers,
  name_missing,
  name_late,
  clock_set,
  host_paused,
  server_killed,
  server_drained,
  client_killed,
  bad_peer,
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::bad_peer) + 1;
using FaultCounts = std::array<std::uint64_t, fault_count>;

std::string_view to_string(Fault fault) noexcept;

// In percent of the cases in which it could happen. All off by default.
struct Faults {
  unsigned short_io = 0;     // a receive or send moves less than it could
  unsigned would_block = 0;  // a receive or send that could move something moves nothing
  unsigned delayed = 0;      // what is sent arrives later, in order
  net::Duration delay_max = net::Duration::milliseconds(300);
  // A wait, a receive or a send ends before it does anything, as by a signal (EINTR).
  unsigned interrupted = 0;
  unsigned held_back = 0;    // a ready descriptor is reported one wait later
  unsigned shuffled = 0;     // the events of a wait come in any order
  unsigned taken_error = 0;  // the poller takes a socket's error and tells it with the event
  unsigned connected_at_once = 0;
  unsigned connect_lost = 0;          // of the connects: nobody ever answers
  unsigned reset = 0;                 // of the connections: reset at some byte
  std::size_t reset_byte_max = 4096;  // which one, at most, counted in one direction
  unsigned silent = 0;       // of the connections: from some such byte on nothing arrives any more
  unsigned zero_window = 0;  // of the sends: what follows has to wait
  net::Duration zero_window_max = net::Duration::seconds(5);
  unsigned accept_failed = 0;  // ECONNABORTED, EMFILE, ENFILE, ENOBUFS or ENOMEM
  unsigned no_descriptor = 0;  // of the sockets that are opened: EMFILE
  unsigned no_buffers = 0;     // of the sends: ENOBUFS
  unsigned name_missing = 0;   // of the look-ups: there is no such name
  unsigned name_late = 0;      // of the look-ups: too late
  bool no_entropy = false;     // not by chance: every draw of the product's fails
};

}  // namespace hilo::sim

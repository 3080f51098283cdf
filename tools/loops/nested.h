// SPDX-License-Identifier: MIT
//
// What every loop has to ask a net::Loop that is nested in it: when to call run_once(0) even though
// fd() has not become readable.

#pragma once

#include <algorithm>
#include <cstdint>

#include "net/loop.h"

namespace hilo::loops {

// In whole milliseconds, as most loops count; negative: not before fd() is readable. Rounded up:
// who comes too early finds nothing to do, and would come again and again until it is time.
inline std::int64_t milliseconds_to_turn(const net::Loop& loop) {
  const net::Duration wait = loop.until_next_turn();
  const std::int64_t rounded_up = (wait.nanoseconds + 999'999) / 1'000'000;
  if (loop.fd() >= 0) return wait < net::Duration{} ? -1 : rounded_up;
  // Built with POLLER=poll there is no descriptor to wait for: all that is left is to look often.
  constexpr std::int64_t patience = 5;
  return wait < net::Duration{} ? patience : std::min(rounded_up, patience);
}

}  // namespace hilo::loops

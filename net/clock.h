// SPDX-License-Identifier: MIT
//
// The two clocks, as plain functions so that a simulator can put its own in their place (a seam).
// The loop reads the clock when a wait returns and when a turn ends (and oftener while it polls
// busily), and what is armed from outside of it does; everything else takes time as an argument.

#pragma once

#include <cstdint>

#include "net/duration.h"

namespace hilo::net {

// Monotonic: never steps, whatever happens to the wall clock. All timers run on it.
Time clock_now() noexcept;

// Milliseconds since 1970 UTC, for what people and HTTP read, never for deadlines.
std::int64_t clock_wall_milliseconds() noexcept;

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// RoundTrips: what the samples of a connection's pings say, smoothed as TCP does it (RFC 6298 §2).
//
//   smoothed += (sample - smoothed) / 8         variation += (|smoothed - sample| - variation) / 4
//
// The first sample is the smoothed value, and half of it the variation. Pure: the clock is others'.

#pragma once

#include <cstdint>

#include "net/duration.h"

namespace hilo::ws {

struct RoundTrips {
  net::Duration latest;     // of the last pong; all are zero before the first
  net::Duration smoothed;   // SRTT
  net::Duration variation;  // RTTVAR
  std::uint32_t count = 0;  // samples so far; stops at its largest value

  constexpr void add(net::Duration sample) noexcept {
    // A clock that went back is no time spent.
    if (sample.nanoseconds < 0) sample = {};
    const std::int64_t difference = sample.nanoseconds - smoothed.nanoseconds;
    if (count == 0) {
      smoothed = sample;
      variation = {sample.nanoseconds / 2};
    } else {
      // §2.3: the variation first, from the smoothed value as it was.
      const std::int64_t distance = difference < 0 ? -difference : difference;
      variation.nanoseconds += (distance - variation.nanoseconds) / 4;
      smoothed.nanoseconds += difference / 8;
    }
    latest = sample;
    if (count != UINT32_MAX) ++count;
  }
};

}  // namespace hilo::ws

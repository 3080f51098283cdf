// SPDX-License-Identifier: MIT
//
// How a client comes back: after how long, and how often.

#pragma once

#include <cstdint>

#include "net/duration.h"

namespace hilo::socketio {

struct ReconnectionOptions {
  bool enabled = true;
  net::Duration delay = net::Duration::seconds(1);  // doubled each time, up to
  // The reference has 5 s, which has all of a crowd knock at once every few seconds.
  net::Duration delay_max = net::Duration::seconds(30);
  // Which part of it may be more or less: 0 to 1.
  double randomization = 0.5;
  // Attempts in a row that may fail. 0: no limit.
  std::uint32_t attempts_max = 0;
};

// The wait behind so many failures: never above delay_max, where it is only shorter, so that those
// who were cut off together do not come back together. `random` is uniform over all 64 bits.
net::Duration reconnection_delay(const ReconnectionOptions& options, std::uint32_t failures,
                                 std::uint64_t random) noexcept;

}  // namespace hilo::socketio

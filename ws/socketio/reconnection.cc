// SPDX-License-Identifier: MIT

#include "ws/socketio/reconnection.h"

#include <algorithm>

#include "ws/backoff.h"

namespace hilo::socketio {

net::Duration reconnection_delay(const ReconnectionOptions& options, std::uint32_t failures,
                                 std::uint64_t random) noexcept {
  // Durations have 63 bits to double.
  constexpr std::uint32_t doublings_max = 63;
  ws::Backoff backoff({.base = options.delay, .cap = options.delay_max});
  for (std::uint32_t i = 0; i < std::min(failures, doublings_max); ++i) {
    static_cast<void>(backoff.next(0));
  }
  const std::int64_t middle = backoff.ceiling().nanoseconds;
  const double part = std::clamp(options.randomization, 0.0, 1.0);
  const auto spread = static_cast<std::int64_t>(static_cast<double>(middle) * part);
  const std::int64_t least = middle - spread;
  const std::int64_t room = std::max<std::int64_t>(options.delay_max.nanoseconds - middle, 0);
  const std::int64_t most = middle + std::min(spread, room);
  const auto choices = static_cast<std::uint64_t>(most - least) + 1;
  return {least + static_cast<std::int64_t>(random % choices)};
}

}  // namespace hilo::socketio

// SPDX-License-Identifier: MIT

#include "net/clock.h"

#include "tests/sim/virtual_network.h"

namespace hilo::net {

Time clock_now() noexcept {
  return sim::Network::current().now();
}

std::int64_t clock_wall_milliseconds() noexcept {
  constexpr std::int64_t start = 1'767'225'600'000;  // 2026-01-01 00:00:00 UTC
  const Duration offset = sim::Network::current().wall_clock_offset;
  return start + clock_now().nanoseconds / 1'000'000 + offset.to_milliseconds();
}

}  // namespace hilo::net

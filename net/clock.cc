// SPDX-License-Identifier: MIT

#include "net/clock.h"

#include <ctime>

namespace hilo::net {

// Counted from the start of the machine: the sum fits.
Time clock_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec};
}

std::int64_t clock_wall_milliseconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return (Duration::seconds(now.tv_sec) + Duration{now.tv_nsec}).to_milliseconds();
}

}  // namespace hilo::net

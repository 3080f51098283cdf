// SPDX-License-Identifier: MIT

#include "net/clock.h"

#include <ctime>

namespace hilo::net {

Time clock_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Time{} + Duration::seconds(now.tv_sec) + Duration{now.tv_nsec};
}

std::int64_t clock_wall_milliseconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return (Duration::seconds(now.tv_sec) + Duration{now.tv_nsec}).to_milliseconds();
}

}  // namespace hilo::net

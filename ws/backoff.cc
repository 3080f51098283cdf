// SPDX-License-Identifier: MIT

#include "ws/backoff.h"

#include <algorithm>

namespace hilo::ws {

net::Duration Backoff::ceiling() const noexcept {
  const std::int64_t cap = std::max<std::int64_t>(options_.cap.nanoseconds, 0);
  std::int64_t wait = std::clamp<std::int64_t>(options_.base.nanoseconds, 0, cap);
  for (std::uint32_t i = 0; i < count_ && wait != 0 && wait < cap; ++i) {
    wait = wait > cap - wait ? cap : wait * 2;
  }
  return {wait};
}

net::Duration Backoff::next(std::uint64_t random) noexcept {
  const auto choices = static_cast<std::uint64_t>(ceiling().nanoseconds) + 1;
  if (count_ != UINT32_MAX) ++count_;
  // A few of 2^64 values more for one choice than for another: nothing that anybody could see.
  return {static_cast<std::int64_t>(random % choices)};
}

}  // namespace hilo::ws

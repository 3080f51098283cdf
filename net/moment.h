// SPDX-License-Identifier: MIT
//
// Moment: a Time in four bytes, for whoever is there once for each connection and notes several.
//
// Whole milliseconds, rounded up, so that no deadline that is counted from one comes early. Of the
// count the lowest 32 bits are kept, which come round every 49 days: to read it takes the present
// Time, before which it was, and not by more than `patience_max` and what a process may be stopped
// for (four days). Who waits for longer than that looks again in time.

#pragma once

#include <cstdint>

#include "net/duration.h"

namespace hilo::net {

class Moment {
 public:
  static constexpr Duration patience_max = Duration::seconds(45 * 24 * 3600);

  constexpr Moment() noexcept = default;
  // Of a time that is not below 0.
  constexpr explicit Moment(Time time) noexcept : ms_(low_bits(rounded_up(time))) {}

  // `now` is no earlier than what it was made from.
  constexpr Time before(Time now) const noexcept {
    const std::int64_t now_ms = rounded_up(now);
    return {(now_ms - std::int64_t{low_bits(now_ms) - ms_}) * nanoseconds_per_ms};
  }

 private:
  static constexpr std::int64_t nanoseconds_per_ms = 1'000'000;
  // Without a sign, which costs the division two instructions: clocks count from 0 on.
  static constexpr std::int64_t rounded_up(Time time) noexcept {
    const auto nanoseconds =
        static_cast<std::uint64_t>(time.nanoseconds + (nanoseconds_per_ms - 1));
    return static_cast<std::int64_t>(nanoseconds / std::uint64_t{nanoseconds_per_ms});
  }
  static constexpr std::uint32_t low_bits(std::int64_t ms) noexcept {
    return static_cast<std::uint32_t>(ms);
  }

  std::uint32_t ms_ = 0;
};

}  // namespace hilo::net

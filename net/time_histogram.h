// SPDX-License-Identifier: MIT
//
// TimeHistogram: how often times of each size were seen, in buckets that never change, so that
// those of several loops can be added up. Recording is a comparison or a few, and no allocation.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/duration.h"

namespace hilo::net {

class TimeHistogram {
 public:
  // The longest time of each bucket; one more bucket has all that is longer.
  static constexpr std::array<Duration, 16> bounds = {{
      {100'000},
      {250'000},
      {500'000},
      {1'000'000},
      {2'500'000},
      {5'000'000},
      {10'000'000},
      {25'000'000},
      {50'000'000},
      {100'000'000},
      {250'000'000},
      {500'000'000},
      {1'000'000'000},
      {2'500'000'000},
      {5'000'000'000},
      {10'000'000'000},
  }};

  void record(Duration time) noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && bounds[bucket] < time) ++bucket;
    ++counts_[bucket];
    sum_ = sum_ + time;
  }
  void add(const TimeHistogram& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    sum_ = sum_ + other.sum_;
  }

  // Of one bucket: above the bound before and not above its own.
  std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket]; }
  Duration sum() const noexcept { return sum_; }

 private:
  std::array<std::uint64_t, bounds.size() + 1> counts_{};
  Duration sum_;
};

}  // namespace hilo::net

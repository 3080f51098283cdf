// SPDX-License-Identifier: MIT
//
// LatencyHistogram: how often each latency was seen, to a hundredth of its size, from a nanosecond
// to a quarter of an hour, in a table that never grows. Recording is an index and an addition, so a
// generator can do it for every message; those of several threads add up to the same figures that
// one would have had.
//
//     0 1 2 ... 255 | 256 258 260 ... 510 | 512 516 ... 1020 | 1024 ...
//     one a bucket    128 buckets of 2 ns   128 of 4 ns        128 of 8 ns
//
//   units   nanoseconds inside; longer than `longest` counts as that
//   memory  35 KiB, inside the object

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "net/duration.h"

namespace hilo::tools::bench {

class LatencyHistogram {
 public:
  static constexpr net::Duration longest{(std::int64_t{1} << 40) - 1};  // 18 minutes

  void record(net::Duration latency, std::uint64_t times = 1) noexcept;
  void add(const LatencyHistogram& other) noexcept;
  void clear() noexcept { *this = {}; }

  std::uint64_t count() const noexcept { return count_; }
  // All of these are zero while nothing was recorded.
  net::Duration least() const noexcept { return count_ == 0 ? net::Duration{} : least_; }
  net::Duration most() const noexcept { return most_; }
  net::Duration mean() const noexcept;
  double deviation_nanoseconds() const noexcept;
  // What `percent` of all were at most: the end of the bucket that they reach up to, and never more
  // than most().
  net::Duration percentile(double percent) const noexcept;

  // As HdrHistogram's tools write and plot it: a line for each percentile on the way to 100, in
  // milliseconds.
  std::string to_hgrm() const;

 private:
  static constexpr int steps_bits = 7;  // 128 buckets for each doubling
  static constexpr std::size_t exact = std::size_t{2} << steps_bits;
  static constexpr std::size_t buckets = exact + (40 - steps_bits - 1) * (exact / 2);

  static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept;
  static std::uint64_t end_of(std::size_t bucket) noexcept;  // the largest value in it

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;  // nanoseconds; of squares, too: exact enough for a mean
  double square_sum_ = 0;
  net::Duration least_ = longest;
  net::Duration most_;
};

}  // namespace hilo::tools::bench

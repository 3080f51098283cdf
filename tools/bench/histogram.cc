// SPDX-License-Identifier: MIT

#include "tools/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace hilo::tools::bench {

std::size_t LatencyHistogram::bucket_of(std::uint64_t nanoseconds) noexcept {
  if (nanoseconds < exact) return static_cast<std::size_t>(nanoseconds);
  // The leading bits that are kept lie in [exact / 2, exact).
  const int shift = static_cast<int>(std::bit_width(nanoseconds)) - (steps_bits + 1);
  const auto leading = static_cast<std::size_t>(nanoseconds >> shift);
  return exact + static_cast<std::size_t>(shift - 1) * (exact / 2) + (leading - exact / 2);
}

std::uint64_t LatencyHistogram::end_of(std::size_t bucket) noexcept {
  if (bucket < exact) return bucket;
  const std::size_t shift = (bucket - exact) / (exact / 2) + 1;
  const std::size_t leading = (bucket - exact) % (exact / 2) + exact / 2;
  return ((std::uint64_t{leading} + 1) << shift) - 1;
}

void LatencyHistogram::record(net::Duration latency, std::uint64_t times) noexcept {
  latency = std::clamp(latency, net::Duration{}, longest);
  counts_[bucket_of(static_cast<std::uint64_t>(latency.nanoseconds))] += times;
  count_ += times;
  const auto value = static_cast<double>(latency.nanoseconds);
  sum_ += value * static_cast<double>(times);
  square_sum_ += value * value * static_cast<double>(times);
  least_ = std::min(least_, latency);
  most_ = std::max(most_, latency);
}

void LatencyHistogram::add(const LatencyHistogram& other) noexcept {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  square_sum_ += other.square_sum_;
  least_ = std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
}

net::Duration LatencyHistogram::mean() const noexcept {
  if (count_ == 0) return {};
  return {static_cast<std::int64_t>(sum_ / static_cast<double>(count_))};
}

double LatencyHistogram::deviation_nanoseconds() const noexcept {
  if (count_ == 0) return 0;
  const double mean = sum_ / static_cast<double>(count_);
  return std::sqrt(std::max(0.0, square_sum_ / static_cast<double>(count_) - mean * mean));
}

net::Duration LatencyHistogram::percentile(double percent) const noexcept {
  if (count_ == 0) return {};
  // A little less, because 99.9 % of 20,000 are 19,980 and not, as binary fractions have it, a bit
  // more.
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(count_);
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * (1 - 1e-12))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted) {
      return std::min(most_, net::Duration{static_cast<std::int64_t>(end_of(i))});
    }
  }
  return most_;
}

std::string LatencyHistogram::to_hgrm() const {
  std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  char line[160];
  const auto in_milliseconds = [](net::Duration time) {
    return static_cast<double>(time.nanoseconds) / 1e6;
  };
  std::uint64_t seen = 0;
  // Five lines for each halving of what is left, as HdrHistogram's own writers make by default.
  double next = 0;
  double step = 0.1;
  for (std::size_t i = 0; i < buckets && count_ > 0; ++i) {
    if (counts_[i] == 0) continue;
    seen += counts_[i];
    const double share = static_cast<double>(seen) / static_cast<double>(count_);
    if (share < next && seen != count_) continue;
    const net::Duration value =
        std::min(most_, net::Duration{static_cast<std::int64_t>(end_of(i))});
    const int size =
        seen == count_
            ? std::snprintf(line, sizeof(line), "%12.3f %2.12f %10llu\n", in_milliseconds(value),
                            share, static_cast<unsigned long long>(seen))
            : std::snprintf(line, sizeof(line), "%12.3f %2.12f %10llu %14.2f\n",
                            in_milliseconds(value), share, static_cast<unsigned long long>(seen),
                            1 / (1 - share));
    text.append(line, static_cast<std::size_t>(size));
    while (next <= share && share < 1) {
      if (1 - next <= step * 5) step /= 2;
      next += step;
    }
  }
  const int size = std::snprintf(line, sizeof(line),
                                 "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n#[Max     = "
                                 "%12.3f, Total count    = %12llu]\n",
                                 in_milliseconds(mean()), deviation_nanoseconds() / 1e6,
                                 in_milliseconds(most_), static_cast<unsigned long long>(count_));
  return text.append(line, static_cast<std::size_t>(size));
}

}  // namespace hilo::tools::bench

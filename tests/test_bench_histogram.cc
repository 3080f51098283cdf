// SPDX-License-Identifier: MIT

#include "tools/bench/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using hilo::net::Duration;
using hilo::tools::bench::LatencyHistogram;

TEST_CASE("short latencies are kept exactly, longer ones to a hundredth") {
  for (std::int64_t value = 0; value < 256; ++value) {
    LatencyHistogram histogram;
    histogram.record({value});
    histogram.record({10'000});  // or else the largest one would be told as it is
    CHECK(histogram.percentile(50).nanoseconds == value);
  }
  for (std::int64_t value = 256; value < LatencyHistogram::longest.nanoseconds / 2;
       value += value / 3 + 1) {
    LatencyHistogram histogram;
    histogram.record({value});
    histogram.record(LatencyHistogram::longest);
    const std::int64_t told = histogram.percentile(50).nanoseconds;
    CHECK(told >= value);
    CHECK(told - value <= value / 100);
  }
}

TEST_CASE("percentiles are those of the sorted list") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latency(11, 1.5);
  LatencyHistogram histogram;
  std::vector<std::int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    all.push_back(static_cast<std::int64_t>(latency(random)));
    histogram.record({all.back()});
  }
  std::sort(all.begin(), all.end());
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto place = static_cast<std::size_t>(percent / 100 * 20'000 + 0.999999) - 1;
    const auto exact = static_cast<double>(all[std::min(place, all.size() - 1)]);
    const auto told = static_cast<double>(histogram.percentile(percent).nanoseconds);
    CAPTURE(percent);
    CHECK(told >= exact);
    CHECK(told <= exact * 1.01);
  }
  CHECK(histogram.most().nanoseconds == all.back());
  CHECK(histogram.least().nanoseconds == all.front());
}

TEST_CASE("what two threads recorded adds up to what one would have") {
  LatencyHistogram one;
  LatencyHistogram two;
  LatencyHistogram both;
  for (std::int64_t i = 1; i < 5000; ++i) {
    (i % 3 == 0 ? one : two).record({i * i}, 2);
    both.record({i * i}, 2);
  }
  one.add(two);
  CHECK(one.to_hgrm() == both.to_hgrm());
  CHECK(one.count() == 2 * 4999);
  CHECK(one.mean() == both.mean());
}

TEST_CASE("an empty histogram is all zeros") {
  const LatencyHistogram histogram;
  CHECK(histogram.percentile(99).nanoseconds == 0);
  CHECK(histogram.most().nanoseconds == 0);
  CHECK(histogram.least().nanoseconds == 0);
  CHECK(histogram.mean().nanoseconds == 0);
}

TEST_CASE("latencies that are longer than a histogram reaches, or negative, count at its ends") {
  LatencyHistogram histogram;
  histogram.record(Duration::seconds(100'000));
  histogram.record({-5});
  CHECK(histogram.count() == 2);
  CHECK(histogram.most() == LatencyHistogram::longest);
  CHECK(histogram.least().nanoseconds == 0);
}

TEST_CASE("the file for plotters has rising values up to all of them") {
  LatencyHistogram histogram;
  for (std::int64_t i = 1; i <= 10'000; ++i) histogram.record(Duration{i * 1000});
  const std::string text = histogram.to_hgrm();
  CHECK(text.starts_with("       Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
  CHECK(text.find("      10.000 1.000000000000      10000\n") != text.npos);
  CHECK(text.find("Total count    =        10000]") != text.npos);
  // Five lines for each halving, until what is left lies in one bucket.
  CHECK(std::count(text.begin(), text.end(), '\n') > 30);
}

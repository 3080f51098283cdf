// SPDX-License-Identifier: MIT

#include "tools/bench/send_times.h"

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <utility>
#include <vector>

using hilo::net::Time;
using hilo::tools::bench::SendTimes;

TEST_CASE("the oldest message is answered first, also within those that left together") {
  SendTimes times;
  times.push({1}, 2);
  times.push({2}, 3);
  std::vector<std::pair<std::int64_t, std::size_t>> taken;
  const auto take = [&](Time time, std::size_t count) {
    taken.emplace_back(time.nanoseconds, count);
  };
  times.pop(1, take);
  times.pop(2, take);
  times.pop(100, take);
  CHECK(taken == std::vector<std::pair<std::int64_t, std::size_t>>{{1, 1}, {1, 1}, {2, 1}, {2, 2}});
}

TEST_CASE("any order of sending and answering is that of a queue") {
  std::mt19937 random(3);
  SendTimes times;
  std::deque<std::int64_t> slow_twin;
  std::int64_t now = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t count = random() % 7;
    if (random() % 2 == 0) {
      ++now;
      if (count > 0) times.push({now}, count);
      slow_twin.insert(slow_twin.end(), count, now);
    } else {
      times.pop(count, [&](Time time, std::size_t some) {
        for (; some > 0; --some) {
          REQUIRE(!slow_twin.empty());
          REQUIRE(slow_twin.front() == time.nanoseconds);
          slow_twin.pop_front();
        }
      });
    }
  }
  times.pop(1'000'000, [&](Time, std::size_t some) {
    slow_twin.erase(slow_twin.begin(), slow_twin.begin() + static_cast<std::ptrdiff_t>(some));
  });
  CHECK(slow_twin.empty());
}

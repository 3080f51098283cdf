// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "tools/ladder/exercises/03_loop.h"
#include "tools/ladder/exercises/shown.h"

using namespace hilo;
using exercise::milliseconds_to_sleep;
using exercise::take_due;
using Deadlines = std::vector<std::int64_t>;

TEST_SUITE_BEGIN("3: how long may the loop sleep, and who is due when it wakes up?");

TEST_CASE("without a timer the loop sleeps for ever, which is -1") {
  CHECK(milliseconds_to_sleep({}, 1000) == -1);
}

TEST_CASE("it sleeps until the first deadline, wherever that stands") {
  CHECK(milliseconds_to_sleep(Deadlines{1005, 1001, 1900}, 1000) == 1);
  CHECK(milliseconds_to_sleep(Deadlines{31'000, 91'000}, 1000) == 30'000);
}

TEST_CASE("a deadline of now or of long ago is no reason to sleep, and none to sleep for ever") {
  CHECK(milliseconds_to_sleep(Deadlines{1000}, 1000) == 0);
  CHECK(milliseconds_to_sleep(Deadlines{1500, 3}, 1000) == 0);
}

TEST_CASE("a deadline in two months is further away than an int can say") {
  constexpr std::int64_t two_months = std::int64_t{60} * 24 * 60 * 60 * 1000;
  CHECK(milliseconds_to_sleep(Deadlines{two_months}, 0) == std::numeric_limits<int>::max());
}

TEST_CASE("those that are due come in the order of their deadlines, and the others stay") {
  Deadlines waiting = {1200, 950, 1000, 1001, 990};
  CHECK(take_due(waiting, 1000) == Deadlines{950, 990, 1000});
  std::ranges::sort(waiting);
  CHECK(waiting == Deadlines{1001, 1200});
  CHECK(take_due(waiting, 1000).empty());
}

TEST_CASE("two of the same deadline are two") {
  Deadlines waiting = {5, 7, 5};
  CHECK(take_due(waiting, 6) == Deadlines{5, 5});
  CHECK(waiting == Deadlines{7});
}

TEST_CASE("a loop that asks both, turn by turn, wakes up at each deadline and at no other time") {
  std::mt19937 random{3};
  for (int round = 0; round < 50; ++round) {
    Deadlines waiting;
    for (int i = 0; i < 30; ++i) waiting.push_back(static_cast<std::int64_t>(random() % 100'000));
    Deadlines in_order = waiting;
    std::ranges::sort(in_order);

    Deadlines fired;
    std::int64_t now = 0;
    for (int turn = 0; turn <= 31 && !waiting.empty(); ++turn) {
      const int sleep = milliseconds_to_sleep(waiting, now);
      REQUIRE(sleep >= 0);
      now += sleep;
      const Deadlines due = take_due(waiting, now);
      REQUIRE(!due.empty());
      for (const std::int64_t deadline : due) REQUIRE(deadline == now);
      fired.insert(fired.end(), due.begin(), due.end());
    }
    REQUIRE(fired == in_order);
  }
}

// SPDX-License-Identifier: MIT

#include "net/moment.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace hilo::net;
using namespace hilo::net::literals;

namespace {

// When the lowest 32 bits of the milliseconds begin anew for the n-th time.
constexpr Time comes_round(std::int64_t n) {
  return Time{} + Duration::milliseconds(n << 32);
}

}  // namespace

TEST_CASE("a moment is a time in whole milliseconds, and not before it") {
  const Time noted = Time{} + 1'000_s;
  for (const Time now : {noted, noted + 1_ms, noted + 1_s, noted + Moment::patience_max}) {
    CHECK(Moment(noted).before(now) == noted);
    CHECK(Moment(noted - Duration{1}).before(now) == noted);
    CHECK(Moment(noted - Duration{999'999}).before(now) == noted);
    CHECK(Moment(noted - Duration{1'000'000}).before(now) == noted - 1_ms);
  }
  CHECK(Moment(Time{}).before(Time{} + 1_s) == Time{});
}

TEST_CASE("a moment may be read in the millisecond in which it was made") {
  const Time noted = Time{} + 5_s + Duration{1};
  CHECK(Moment(noted).before(noted) == Time{} + 5_s + 1_ms);
}

TEST_CASE("a moment is right where its bits come round") {
  for (const std::int64_t n : {1, 2, 50}) {
    for (const Duration distance : {Duration::milliseconds(-1), Duration{}, 1_ms, 1_s}) {
      const Time noted = comes_round(n) + distance;
      for (const Duration age : {Duration{}, 1_ms, 10_s, Moment::patience_max}) {
        CHECK(Moment(noted).before(noted + age) == noted);
      }
    }
  }
}

TEST_CASE("behind what may be waited for there is room for a process that stood still") {
  const Time noted = Time{} + 7_s;
  const Duration four_days = Duration::seconds(4 * 24 * 3600);
  CHECK(Moment(noted).before(noted + Moment::patience_max + four_days) == noted);
}

// SPDX-License-Identifier: MIT
//
// Duration and Time: 64-bit nanoseconds, told apart by their types.
//
// Our own and not <chrono>, because every public header includes this one and <chrono> alone costs
// more compile time than all of them together. A Time is a point on the monotonic clock of one
// process; only differences between two of them mean anything. Sums and products that do not fit
// are as far away as can be said, some 292 years: whoever waits for ever may say so.
//
//   using namespace hilo::net::literals;
//   Duration patience = 10_s;    // also _ms, _us, _min

#pragma once

#include <compare>
#include <cstdint>

namespace hilo::net {

// Saturate, where the sum or the product does not fit.
constexpr std::int64_t bounded_sum(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? INT64_MIN : INT64_MAX;
}
constexpr std::int64_t bounded_product(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

struct Duration {
  std::int64_t nanoseconds = 0;

  static constexpr Duration milliseconds(std::int64_t n) noexcept {
    return {bounded_product(n, 1'000'000)};
  }
  static constexpr Duration seconds(std::int64_t n) noexcept {
    return {bounded_product(n, 1'000'000'000)};
  }
  constexpr std::int64_t to_milliseconds() const noexcept { return nanoseconds / 1'000'000; }
  constexpr std::int64_t to_microseconds() const noexcept { return nanoseconds / 1'000; }

  friend constexpr auto operator<=>(Duration, Duration) noexcept = default;
  friend constexpr Duration operator+(Duration a, Duration b) noexcept {
    return {bounded_sum(a.nanoseconds, b.nanoseconds)};
  }
  friend constexpr Duration operator-(Duration a, Duration b) noexcept {
    return {a.nanoseconds - b.nanoseconds};
  }
  friend constexpr Duration operator*(Duration a, std::int64_t n) noexcept {
    return {bounded_product(a.nanoseconds, n)};
  }
};

struct Time {
  std::int64_t nanoseconds = 0;

  friend constexpr auto operator<=>(Time, Time) noexcept = default;
  friend constexpr Time operator+(Time t, Duration d) noexcept {
    return {bounded_sum(t.nanoseconds, d.nanoseconds)};
  }
  friend constexpr Time operator-(Time t, Duration d) noexcept {
    return {t.nanoseconds - d.nanoseconds};
  }
  friend constexpr Duration operator-(Time a, Time b) noexcept {
    return {a.nanoseconds - b.nanoseconds};
  }
};

namespace literals {
constexpr Duration operator""_us(unsigned long long n) noexcept {
  return {static_cast<std::int64_t>(n) * 1'000};
}
constexpr Duration operator""_ms(unsigned long long n) noexcept {
  return Duration::milliseconds(static_cast<std::int64_t>(n));
}
constexpr Duration operator""_s(unsigned long long n) noexcept {
  return Duration::seconds(static_cast<std::int64_t>(n));
}
constexpr Duration operator""_min(unsigned long long n) noexcept {
  return Duration::seconds(static_cast<std::int64_t>(n) * 60);
}
}  // namespace literals

}  // namespace hilo::net

// SPDX-License-Identifier: MIT

#include "tools/hilo/values.h"

#include <time.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace hilo::tools {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Of sizes, the largest first: formatting takes the first that divides.
constexpr std::array<Unit, 4> size_units = {
    {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"", 1}}};

// Of durations, in nanoseconds. Seconds are the largest one that is printed.
constexpr std::array<Unit, 6> duration_units = {{{"", 1'000'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"ms", 1'000'000},
                                                 {"us", 1'000},
                                                 {"min", 60'000'000'000},
                                                 {"h", 3'600'000'000'000}}};

const Unit* find_unit(std::span<const Unit> units, std::string_view name) noexcept {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::make_error_code(error);
  const Unit* unit =
      find_unit(size_units, text.substr(static_cast<std::size_t>(end - text.data())));
  if (unit == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (number > std::numeric_limits<std::uint64_t>::max() / unit->factor) {
    return std::make_error_code(std::errc::result_out_of_range);
  }
  return number * unit->factor;
}

Result<net::Duration> parse_duration(std::string_view text) noexcept {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return std::make_error_code(error);
  const Unit* unit =
      find_unit(duration_units, text.substr(static_cast<std::size_t>(end - text.data())));
  // "inf" and "nan" are numbers to from_chars.
  if (unit == nullptr || !std::isfinite(number) || std::signbit(number)) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  const double nanoseconds = number * static_cast<double>(unit->factor);
  constexpr double years_100 = 3.2e18;  // of nanoseconds; also far below what fits
  if (nanoseconds > years_100) return std::make_error_code(std::errc::result_out_of_range);
  return net::Duration{std::llround(nanoseconds)};
}

Result<std::vector<std::uint8_t>> parse_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') continue;
    const int high = hex_digit(text[i]);
    const int low = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    if (high < 0 || low < 0) return std::make_error_code(std::errc::invalid_argument);
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    ++i;
  }
  return bytes;
}

std::string format_size(std::uint64_t bytes) {
  for (const Unit& unit : size_units) {
    if (bytes != 0 && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor).append(unit.name);
    }
  }
  return "0";
}

std::string format_duration(net::Duration duration) {
  const std::int64_t milliseconds = duration.to_milliseconds();
  if (milliseconds == 0) return "0";
  if (milliseconds % 1000 == 0) return std::to_string(milliseconds / 1000) + "s";
  return std::to_string(milliseconds) + "ms";
}

std::string format_hex(Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

std::string format_time(std::int64_t wall_milliseconds) {
  const time_t seconds = static_cast<time_t>(wall_milliseconds / 1000);
  tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "-";
  std::array<char, 80> text;
  const int size =
      std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                    parts.tm_min, parts.tm_sec, static_cast<int>(wall_milliseconds % 1000));
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT

#include "ws/core/http_date.h"

#include <algorithm>

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view long_day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                               "Thursday", "Friday", "Saturday"};

struct Date {
  int year;
  int month;  // 1 to 12
  int day;    // 1 to 31
};

// Days since 1970-01-01 in the Gregorian calendar, counted in eras of 400 years that begin with
// March, so that the day that comes and goes is the last one of a year.
constexpr std::int64_t days_of(Date date) noexcept {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year =
      (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719'468;
}
static_assert(days_of({1970, 1, 1}) == 0 && days_of({2000, 3, 1}) == 11'017);

constexpr Date date_of(int days) noexcept {
  days += 719'468;
  const int era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int day_of_era = days - era * 146'097;
  const int year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int shifted = (5 * day_of_year + 2) / 153;
  const int month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted + 2) / 5 + 1};
}

constexpr std::int64_t seconds_min = days_of({0, 1, 1}) * day_seconds;
constexpr std::int64_t seconds_max = days_of({10'000, 1, 1}) * day_seconds - 1;

// Reads a date from the left; what does not fit makes everything after it fail.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}
  bool ended() const noexcept { return !failed_ && rest_.empty(); }

  void literal(std::string_view text) noexcept {
    if (!rest_.starts_with(text)) return fail();
    rest_.remove_prefix(text.size());
  }
  // asctime() pads the day with a space.
  int number(std::size_t digits, bool padded = false) noexcept {
    std::string_view text = rest_.substr(0, digits);
    if (text.size() != digits) return fail(), 0;
    rest_.remove_prefix(digits);
    if (padded && text.front() == ' ') text.remove_prefix(1);
    if (!all_in(text, ByteClass::digit)) return fail(), 0;
    int value = 0;
    for (const char digit : text) value = value * 10 + (digit - '0');
    return value;
  }
  // Which of the names of three letters, from 1 on.
  int name(std::string_view names) noexcept {
    const std::size_t at =
        rest_.size() < 3 ? std::string_view::npos : names.find(rest_.substr(0, 3));
    if (at == std::string_view::npos || at % 3 != 0) return fail(), 0;
    rest_.remove_prefix(3);
    return static_cast<int>(at / 3) + 1;
  }
  std::int64_t time() noexcept {
    const int hours = number(2);
    literal(":");
    const int minutes = number(2);
    literal(":");
    const int seconds = number(2);
    // 60 is a leap second.
    if (hours > 23 || minutes > 59 || seconds > 60) fail();
    return hours * 3600 + minutes * 60 + seconds;
  }

 private:
  void fail() noexcept {
    failed_ = true;
    rest_ = {};
  }
  std::string_view rest_;
  bool failed_ = false;
};

// A day that its month does not have is one of a later month.
bool is_day(Date date) noexcept {
  return date.day >= 1 && date_of(static_cast<int>(days_of(date))).month == date.month;
}

int full_year(int two_digits, std::int64_t now) noexcept {
  const int this_year =
      date_of(static_cast<int>(std::clamp(now, seconds_min, seconds_max) / day_seconds)).year;
  const int year = this_year / 100 * 100 + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

void write_digits(char* to, std::size_t count, int value) noexcept {
  for (std::size_t i = count; i-- != 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

HttpDate write_http_date(std::int64_t seconds) noexcept {
  seconds = std::clamp(seconds, seconds_min, seconds_max);
  const std::int64_t days_rounded =
      (seconds < 0 ? seconds - (day_seconds - 1) : seconds) / day_seconds;
  const auto days = static_cast<int>(days_rounded);
  const auto second = static_cast<int>(seconds - days_rounded * day_seconds);
  const Date date = date_of(days);
  const int weekday = ((days + 4) % 7 + 7) % 7;
  HttpDate text;
  std::string_view("Sun, 00 Jan 0000 00:00:00 GMT").copy(text.data(), text.size());
  day_names.copy(text.data(), 3, static_cast<std::size_t>(weekday) * 3);
  month_names.copy(&text[8], 3, static_cast<std::size_t>(date.month - 1) * 3);
  write_digits(&text[5], 2, date.day);
  write_digits(&text[12], 4, date.year);
  write_digits(&text[17], 2, second / 3600);
  write_digits(&text[20], 2, second / 60 % 60);
  write_digits(&text[23], 2, second % 60);
  return text;
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) noexcept {
  Date date{};
  std::int64_t time = 0;
  const std::size_t comma = text.find(',');
  Reader reader(text);
  if (comma == 3) {
    reader.name(day_names);
    reader.literal(", ");
    date.day = reader.number(2);
    reader.literal(" ");
    date.month = reader.name(month_names);
    reader.literal(" ");
    date.year = reader.number(4);
    reader.literal(" ");
    time = reader.time();
    reader.literal(" GMT");
  } else if (comma != std::string_view::npos) {
    const std::string_view day = text.substr(0, comma);
    if (std::find(std::begin(long_day_names), std::end(long_day_names), day) ==
        std::end(long_day_names)) {
      return std::nullopt;
    }
    reader.literal(day);
    reader.literal(", ");
    date.day = reader.number(2);
    reader.literal("-");
    date.month = reader.name(month_names);
    reader.literal("-");
    date.year = full_year(reader.number(2), now);
    reader.literal(" ");
    time = reader.time();
    reader.literal(" GMT");
  } else {
    reader.name(day_names);
    reader.literal(" ");
    date.month = reader.name(month_names);
    reader.literal(" ");
    date.day = reader.number(2, true);
    reader.literal(" ");
    time = reader.time();
    reader.literal(" ");
    date.year = reader.number(4);
  }
  if (!reader.ended() || !is_day(date)) return std::nullopt;
  return days_of(date) * day_seconds + time;
}

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT

#include "ws/core/http_date.h"

#include <doctest/doctest.h>

#include <ctime>
#include <string>

using namespace hilo::ws;

namespace {

constexpr std::int64_t now = 1'767'225'600;  // 2026-01-01

std::string written(std::int64_t seconds) {
  const HttpDate date = write_http_date(seconds);
  return {date.data(), date.size()};
}

}  // namespace

TEST_CASE("dates are written as the C library writes them, day for day") {
  CHECK(written(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(written(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(written(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
  // A day and a bit at a time, through the leap years of several centuries.
  for (std::time_t seconds = -11'676'096'000; seconds < 16'725'225'600; seconds += 86'400 * 5 + 7) {
    std::tm parts{};
    REQUIRE(gmtime_r(&seconds, &parts) != nullptr);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (written(seconds) != text || parse_http_date(text, now) != seconds) {
      CHECK(written(seconds) == text);
      CHECK(parse_http_date(text, now) == seconds);
      break;
    }
  }
  CHECK(written(INT64_MAX) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(written(INT64_MIN) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("all three forms of RFC 9110 §5.6.7 are read, and nothing else") {
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994"}) {
    CAPTURE(text);
    CHECK(parse_http_date(text, now) == 784'111'777);
  }
  // Two digits look back fifty years at most from the other side.
  CHECK(written(*parse_http_date("Friday, 01-Jan-76 00:00:00 GMT", now)).substr(12, 4) == "2076");
  CHECK(written(*parse_http_date("Friday, 01-Jan-77 00:00:00 GMT", now)).substr(12, 4) == "1977");
  CHECK(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT", now));
  CHECK(parse_http_date("Sat, 01 Jan 0000 00:00:00 GMT", now) == -62'167'219'200);
  for (const std::string_view text : {"",
                                      "Sun",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Xyz, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nox 1994 08:49:37 GMT",
                                      "Sun, 06 anF 1994 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Thu, 29 Feb 2023 00:00:00 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, -6 Nov 1994 08:49:37 GMT",
                                      "Sundax, 06-Nov-94 08:49:37 GMT",
                                      "unN, 06 Nov 1994 08:49:37 GMT",
                                      "Sun Nov   08:49:37 1994",
                                      "0",
                                      "784111777"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text, now));
  }
}

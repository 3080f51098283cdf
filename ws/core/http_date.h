// SPDX-License-Identifier: MIT
//
// Dates in HTTP fields (RFC 9110 §5.6.7). The core has no clock: seconds since 1970 UTC come in.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hilo::ws {

inline constexpr std::size_t http_date_bytes = 29;

// "Sun, 06 Nov 1994 08:49:37 GMT", for the years 0 to 9999; others are written as the nearest.
using HttpDate = std::array<char, http_date_bytes>;
HttpDate write_http_date(std::int64_t seconds) noexcept;

// All three forms that a recipient has to take: the one above, "Sunday, 06-Nov-94 08:49:37 GMT" and
// "Sun Nov  6 08:49:37 1994". Two digits of a year are one of the hundred years up to fifty behind
// `now`. The name of the day is not compared with the date.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) noexcept;

}  // namespace hilo::ws

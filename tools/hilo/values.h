// SPDX-License-Identifier: MIT
//
// What people write behind a flag: counts, sizes, durations, hexadecimal bytes.
//
//   sizes      4096, 64KiB, 1MiB, 2GiB
//   durations  500ms, 10s, 2min, 1h, and a plain number for seconds; fractions as in 0.5s
//   errors     errc::invalid_argument, errc::result_out_of_range

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/result.h"
#include "net/duration.h"

namespace hilo::tools {

Result<std::uint64_t> parse_size(std::string_view text) noexcept;
Result<net::Duration> parse_duration(std::string_view text) noexcept;
// Pairs of hexadecimal digits; blanks between pairs are skipped.
Result<std::vector<std::uint8_t>> parse_hex(std::string_view text);

// In the largest unit that leaves no remainder: "64KiB", "120s". They can be read back.
std::string format_size(std::uint64_t bytes);
std::string format_duration(net::Duration duration);
std::string format_hex(Bytes bytes);

// "2026-01-31T12:00:00.000Z"
std::string format_time(std::int64_t wall_milliseconds);

}  // namespace hilo::tools

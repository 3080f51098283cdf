// SPDX-License-Identifier: MIT
//
// How large the head of an HTTP message may be (RFC 9112 §3, §5).

#pragma once

#include <cstddef>
#include <cstdint>

namespace hilo::ws {

// Limits of one head. Lines are counted without their CR LF, the section with all of them but
// without the empty line at its end.
struct HeadLimits {
  std::uint16_t start_line_bytes_max = 8192;  // the request line or the status line
  std::uint16_t field_line_bytes_max = 8192;
  std::uint16_t fields_bytes_max = 16384;
  std::uint16_t field_count_max = 100;  // at most field_count_limit, which larger values mean
};
inline constexpr std::size_t field_count_limit = 100;

}  // namespace hilo::ws

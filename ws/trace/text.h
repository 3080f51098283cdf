// SPDX-License-Identifier: MIT
//
// How values are written in parts: text that no terminal obeys, and bytes in hexadecimal, both cut
// where they get long.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"

namespace hilo::trace {

inline constexpr std::size_t shown_bytes_max = 64;

// "Hola" in double quotes; control bytes, quotes and backslashes as in JSON, what is no ASCII as it
// is if `utf8`, else as \xff. Of more than shown_bytes_max bytes the beginning, and how many there
// are.
std::string in_quotes(std::string_view text, bool utf8 = true);

// "1 byte", "5 bytes".
std::string counted_bytes(std::uint64_t count);

// "48 6f 6c 61", likewise; and all of them.
std::string hexadecimal(Bytes bytes);
std::string hex_pairs(Bytes bytes);

}  // namespace hilo::trace

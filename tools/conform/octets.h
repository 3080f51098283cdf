// SPDX-License-Identifier: MIT
//
// Bytes as the tester handles them, and the few pure functions it needs on them.
//
// The tester shares no protocol code with the engine, or a bug there would be judged by itself: its
// own frames, heads, UTF-8 and digests are here and beside. It is run by hand and in tests, so it
// is written to be read; bytes are std::string, which is easy to write down, join and compare.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hilo::tools::conform {

using Octets = std::string;

// The bytes that pairs of hexadecimal digits stand for; blanks are skipped. For tables in the
// source: anything else aborts.
Octets hex(std::string_view digits);
// "48656c6c6f"; with more than `most` bytes the beginning and " ... (N bytes)".
std::string to_hex(std::string_view octets, std::size_t most = SIZE_MAX);
// For a person: "\"Hello\"" where all is printable ASCII, hexadecimal otherwise, and cut short.
std::string quoted(std::string_view octets, std::size_t most = 40);

// The text with what a terminal or a reader of UTF-8 might stumble over as "\x1b".
std::string shown(std::string_view text);

Octets big_endian(std::uint64_t value, std::size_t bytes);

// `count` times the same bytes.
Octets repeated(std::string_view octets, std::size_t count);
// `size` bytes that hardly compress, the same ones each time for the same seed.
Octets noise(std::size_t size, std::uint32_t seed);

// RFC 3629 §4, the whole text.
bool is_utf8(std::string_view text);

std::string base64(std::string_view octets);
// RFC 6455 §4.2.2: base64(SHA-1(key + GUID)).
std::string accept_for(std::string_view key);

bool same_ignoring_case(std::string_view a, std::string_view b);
std::string_view trimmed(std::string_view text);
// `text` with each occurrence of `mark` replaced.
std::string replaced(std::string_view text, std::string_view mark, std::string_view by);

}  // namespace hilo::tools::conform

// SPDX-License-Identifier: MIT
//
// The kernels behind utf8.h, one namespace and one file each, so that tests and benches can hold
// them against each other. Everyone else includes utf8.h.
//
// A kernel starts between two characters and says how far it is sure of the text: the bytes up to
// there are whole, right characters. It may stop early, because the rest is shorter than a register
// or ends in a character that is cut; the byte-wise automaton goes on from there. Nothing outside
// the data is read: the last register overlaps the one before it, inside the data.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "net/base/bytes.h"
#include "ws/core/utf8.h"

namespace hilo::ws {

// What a kernel answers when a byte is wrong, wherever it is.
constexpr std::size_t utf8_wrong = SIZE_MAX;

using Utf8Function = std::size_t (*)(const std::uint8_t* data, std::size_t size) noexcept;

struct Utf8Kernel {
  const char* name;
  Utf8Function check;
  bool (*available)() noexcept;  // whether this machine has the instructions
};

// The kernels compiled for this architecture, the slowest first. Lives forever.
std::span<const Utf8Kernel> utf8_kernels() noexcept;

// utf8_detail::advance with a kernel of one's choice.
bool utf8_advance(Utf8Function check, utf8_detail::State& state, Bytes data) noexcept;

// Byte by byte, RFC 3629 §4 written down: the slow twin that the tests believe.
namespace utf8_scalar {
bool advance(utf8_detail::State& state, Bytes data) noexcept;
}

// Sure of ASCII only, eight bytes at a time: for machines of which we know nothing.
namespace utf8_words {
std::size_t check(const std::uint8_t* data, std::size_t size) noexcept;
}

// Defined on x86-64 only.
namespace utf8_ssse3 {
std::size_t check(const std::uint8_t* data, std::size_t size) noexcept;
}
namespace utf8_avx2 {
std::size_t check(const std::uint8_t* data, std::size_t size) noexcept;
}

// Defined on AArch64 only.
namespace utf8_neon {
std::size_t check(const std::uint8_t* data, std::size_t size) noexcept;
}

// How the vector kernels see a wrong text. Whatever can be wrong with two neighbours shows in three
// half bytes: both halves of the first byte and the upper half of the second. Each half is looked
// up in a table of sixteen sets of errors that it permits, and an error is real when all three
// permit it. What remains is the length of long characters: a continuation byte that follows
// another one is right if and only if a lead byte of three or four stands two or three before.
namespace utf8_tables {

using Table = std::array<std::uint8_t, 16>;

enum Error : std::uint8_t {
  lead_then_no_continuation = 1 << 0,
  ascii_then_continuation = 1 << 1,
  overlong_2 = 1 << 2,           // C0 and C1 before a continuation
  overlong_3 = 1 << 3,           // E0 before 80..9F
  surrogate = 1 << 4,            // ED before A0..BF
  above_10ffff = 1 << 5,         // F4 before 90..BF, F5..FF before 90..BF
  overlong_4_or_above = 1 << 6,  // F0 before 80..8F, F5..FF before 80..8F
  two_continuations = 1 << 7,    // not wrong as such: see above
};

// What the upper half of the first byte permits.
constexpr Table first_high = [] {
  Table table{};
  for (std::size_t half = 0; half < 8; ++half) table[half] = ascii_then_continuation;
  for (std::size_t half = 8; half < 12; ++half) table[half] = two_continuations;
  table[0xC] = lead_then_no_continuation | overlong_2;
  table[0xD] = lead_then_no_continuation;
  table[0xE] = lead_then_no_continuation | overlong_3 | surrogate;
  table[0xF] = lead_then_no_continuation | above_10ffff | overlong_4_or_above;
  return table;
}();

// What its lower half permits.
constexpr Table first_low = [] {
  Table table{};
  table.fill(lead_then_no_continuation | ascii_then_continuation | two_continuations);
  table[0x0] |= overlong_2 | overlong_3 | overlong_4_or_above;
  table[0x1] |= overlong_2;
  table[0x4] |= above_10ffff;
  table[0xD] |= surrogate;
  for (std::size_t half = 5; half < 16; ++half) table[half] |= above_10ffff | overlong_4_or_above;
  return table;
}();

// What the upper half of the second byte permits.
constexpr Table second_high = [] {
  Table table{};
  table.fill(lead_then_no_continuation);
  table[0x8] = overlong_3 | overlong_4_or_above;
  table[0x9] = overlong_3 | above_10ffff;
  table[0xA] = surrogate | above_10ffff;
  table[0xB] = surrogate | above_10ffff;
  for (std::size_t half = 8; half < 12; ++half) {
    table[half] |= ascii_then_continuation | overlong_2 | two_continuations;
  }
  return table;
}();

// Subtracted with saturation, these leave the top bit in leads of at least three and of four.
constexpr std::uint8_t lead_3_less_top_bit = 0xE0 - 0x80;
constexpr std::uint8_t lead_4_less_top_bit = 0xF0 - 0x80;

// How many bytes before `end` belong to a character that goes on behind it. At least three bytes
// can be read there, and they are right so far.
inline std::size_t cut_bytes(const std::uint8_t* end) noexcept {
  if (end[-1] >= 0xC0) return 1;
  if (end[-2] >= 0xE0) return 2;
  return end[-3] >= 0xF0 ? 3 : 0;
}

}  // namespace utf8_tables

}  // namespace hilo::ws

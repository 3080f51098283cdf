// SPDX-License-Identifier: MIT

#include "ws/engineio/base64.h"

#include <array>
#include <string_view>

namespace hilo::engineio {
namespace {

constexpr std::string_view standard_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t no_digit = 0xFF;
constexpr std::array<std::uint8_t, 256> values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  for (std::size_t i = 0; i < standard_digits.size(); ++i) {
    table[static_cast<unsigned char>(standard_digits[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

std::size_t padding_of(Bytes text) noexcept {
  if (text.empty() || text[text.size() - 1] != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

// One group of four digits as 24 bits; above that, if one of them is none.
std::uint32_t group(const std::uint8_t* digits) noexcept {
  const std::uint32_t a = values[digits[0]];
  const std::uint32_t b = values[digits[1]];
  const std::uint32_t c = values[digits[2]];
  const std::uint32_t d = values[digits[3]];
  if (((a | b | c | d) & 0xC0) != 0) return 0xFFFFFFFF;
  return a << 18 | b << 12 | c << 6 | d;
}

// The last group, whose padding is read as zero bits; they must be zero in front of it, too.
std::uint32_t padded_group(const std::uint8_t* digits, std::size_t padding) noexcept {
  std::array<std::uint8_t, 4> whole{digits[0], digits[1], digits[2], 'A'};
  if (padding == 2) whole[2] = 'A';
  const std::uint32_t bits = group(whole.data());
  const std::uint32_t unused = padding == 2 ? 0xFFFF : 0xFF;
  return (bits & unused) == 0 ? bits : 0xFFFFFFFF;
}

// Decodes to `into`, which may be the text itself, or only checks if that is null.
std::optional<std::size_t> walk(Bytes text, std::uint8_t* into) noexcept {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = padding_of(text);
  const std::size_t whole = padding != 0 ? text.size() - 4 : text.size();
  std::size_t written = 0;
  for (std::size_t i = 0; i < whole; i += 4) {
    const std::uint32_t bits = group(text.data() + i);
    if (bits > 0xFFFFFF) return std::nullopt;
    if (into == nullptr) continue;
    into[written++] = static_cast<std::uint8_t>(bits >> 16);
    into[written++] = static_cast<std::uint8_t>(bits >> 8);
    into[written++] = static_cast<std::uint8_t>(bits);
  }
  const std::size_t bytes = text.size() / 4 * 3 - padding;
  if (padding == 0) return bytes;
  const std::uint32_t bits = padded_group(text.data() + whole, padding);
  if (bits > 0xFFFFFF) return std::nullopt;
  if (into == nullptr) return bytes;
  into[written++] = static_cast<std::uint8_t>(bits >> 16);
  if (padding == 1) into[written] = static_cast<std::uint8_t>(bits >> 8);
  return bytes;
}

// All whole groups of three; returns how many bytes they take.
template <class Character>
std::size_t encode_groups(Bytes data, std::string_view digits, Character* into) noexcept {
  const std::size_t whole = data.size() / 3 * 3;
  for (std::size_t i = 0; i < whole; i += 3) {
    const std::uint32_t bits =
        std::uint32_t{data[i]} << 16 | std::uint32_t{data[i + 1]} << 8 | data[i + 2];
    *into++ = static_cast<Character>(digits[bits >> 18]);
    *into++ = static_cast<Character>(digits[bits >> 12 & 0x3F]);
    *into++ = static_cast<Character>(digits[bits >> 6 & 0x3F]);
    *into++ = static_cast<Character>(digits[bits & 0x3F]);
  }
  return whole;
}

// What is left of `data`, one or two bytes, as 24 bits.
std::uint32_t rest_bits(Bytes rest) noexcept {
  return std::uint32_t{rest[0]} << 16 | (rest.size() == 2 ? std::uint32_t{rest[1]} << 8 : 0);
}

}  // namespace

void encode_base64(Bytes data, std::uint8_t* into) noexcept {
  const std::size_t whole = encode_groups(data, standard_digits, into);
  const Bytes rest = data.subspan(whole);
  if (rest.empty()) return;
  const std::uint32_t bits = rest_bits(rest);
  std::uint8_t* const last = into + whole / 3 * 4;
  last[0] = static_cast<std::uint8_t>(standard_digits[bits >> 18]);
  last[1] = static_cast<std::uint8_t>(standard_digits[bits >> 12 & 0x3F]);
  last[2] = rest.size() == 2 ? static_cast<std::uint8_t>(standard_digits[bits >> 6 & 0x3F]) : '=';
  last[3] = '=';
}

void encode_base64url(Bytes data, char* into) noexcept {
  const std::size_t whole = encode_groups(data, url_digits, into);
  const Bytes rest = data.subspan(whole);
  if (rest.empty()) return;
  const std::uint32_t bits = rest_bits(rest);
  char* const last = into + whole / 3 * 4;
  last[0] = url_digits[bits >> 18];
  last[1] = url_digits[bits >> 12 & 0x3F];
  if (rest.size() == 2) last[2] = url_digits[bits >> 6 & 0x3F];
}

std::optional<std::size_t> check_base64(Bytes text) noexcept {
  return walk(text, nullptr);
}

std::optional<std::size_t> decode_base64(MutableBytes text) noexcept {
  return walk(text, text.data());
}

}  // namespace hilo::engineio

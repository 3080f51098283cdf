// SPDX-License-Identifier: MIT

#include "ws/engineio/sid.h"

#include <algorithm>

#include "net/base/bytes.h"
#include "ws/engineio/base64.h"

namespace hilo::engineio {
namespace {

constexpr std::size_t place_bytes = 4;
constexpr std::size_t place_chars = 6;  // the last ones, which begin with two bits of randomness

static_assert((sid_random_bytes + place_bytes) * 8 == sid_chars * 6);

std::optional<std::uint32_t> digit_value(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == '-') return 62;
  if (c == '_') return 63;
  return std::nullopt;
}

}  // namespace

Sid::Sid(std::span<const std::uint8_t, sid_random_bytes> random, SidPlace place) noexcept {
  std::array<std::uint8_t, sid_random_bytes + place_bytes> bytes;
  std::copy(random.begin(), random.end(), bytes.begin());
  store_be32(&bytes[sid_random_bytes],
             std::uint32_t{place.loop_index} << 24 | (place.slot & (sid_slots_max - 1)));
  encode_base64url(bytes, text_.data());
}

bool Sid::equals(std::string_view other) const noexcept {
  if (other.size() != text_.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    difference |= static_cast<unsigned char>(text_[i]) ^ static_cast<unsigned char>(other[i]);
  }
  return difference == 0;
}

std::optional<SidPlace> Sid::place(std::string_view sid) noexcept {
  if (sid.size() != sid_chars) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : sid.substr(sid_chars - place_chars)) {
    const std::optional<std::uint32_t> digit = digit_value(c);
    if (!digit) return std::nullopt;
    value = value << 6 | *digit;
  }
  return SidPlace{.slot = value & (sid_slots_max - 1),
                  .loop_index = static_cast<std::uint8_t>(value >> 24)};
}

}  // namespace hilo::engineio

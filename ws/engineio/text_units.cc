// SPDX-License-Identifier: MIT

#include "ws/engineio/text_units.h"

#include <cstdint>

#include "ws/core/utf8.h"

namespace hilo::engineio {
namespace {

constexpr std::uint64_t top_bits = 0x8080808080808080;

// What one character adds is added by its first byte: continuation bytes are 10xxxxxx, and only
// characters beyond U+FFFF begin with 11110xxx.
std::size_t units_of(std::uint8_t byte) noexcept {
  return std::size_t{(byte & 0xC0) != 0x80} + std::size_t{byte >= 0xF0};
}

}  // namespace

std::size_t utf16_units(Bytes text) noexcept {
  std::size_t units = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    constexpr std::size_t word = sizeof(std::uint64_t);
    if (text.size() - at >= word &&
        (ws::utf8_detail::load<std::uint64_t>(text.data() + at) & top_bits) == 0) {
      units += word;
      at += word;
      continue;
    }
    units += units_of(text[at++]);
  }
  return units;
}

std::optional<std::size_t> utf16_prefix_bytes(Bytes text, std::size_t units) noexcept {
  std::size_t at = 0;
  while (units > 0) {
    constexpr std::size_t word = sizeof(std::uint64_t);
    if (units >= word && text.size() - at >= word &&
        (ws::utf8_detail::load<std::uint64_t>(text.data() + at) & top_bits) == 0) {
      units -= word;
      at += word;
      continue;
    }
    if (at == text.size()) return std::nullopt;
    const std::size_t more = units_of(text[at++]);
    if (more > units) return std::nullopt;
    units -= more;
  }
  // The rest of the last character.
  while (at < text.size() && (text[at] & 0xC0) == 0x80) ++at;
  return at;
}

std::optional<std::size_t> undo_double_utf8(MutableBytes text) noexcept {
  if (ws::utf8_detail::is_ascii(text)) return text.size();
  // Only U+0080 to U+00FF, which begin with C2 or C3, and what they stand for is UTF-8 itself.
  ws::Utf8Validator validator;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint8_t byte = text[i];
    if (byte >= 0x80) {
      if ((byte != 0xC2 && byte != 0xC3) || i + 1 == text.size()) return std::nullopt;
      byte = static_cast<std::uint8_t>((byte << 6) | (text[++i] & 0x3F));
    }
    if (!validator.feed({&byte, 1})) return std::nullopt;
  }
  if (!validator.complete()) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint8_t byte = text[i];
    if (byte >= 0x80) byte = static_cast<std::uint8_t>((byte << 6) | (text[++i] & 0x3F));
    text[size++] = byte;
  }
  return size;
}

}  // namespace hilo::engineio

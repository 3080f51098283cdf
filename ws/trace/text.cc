// SPDX-License-Identifier: MIT

#include "ws/trace/text.h"

#include <algorithm>

namespace hilo::trace {
namespace {

constexpr char digits[] = "0123456789abcdef";

// Not in the middle of a character.
std::size_t shown_bytes(std::string_view text) {
  if (text.size() <= shown_bytes_max) return text.size();
  std::size_t size = shown_bytes_max;
  while (size > shown_bytes_max - 3 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
    --size;
  }
  return size;
}

void append_byte(std::string& out, unsigned char byte, bool utf8) {
  switch (byte) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    default: break;
  }
  if (byte >= 0x20 && byte != 0x7F && (byte < 0x80 || utf8)) {
    out += static_cast<char>(byte);
    return;
  }
  out += "\\x";
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

std::string rest(std::size_t all, std::size_t shown) {
  return shown == all ? std::string() : " ... (" + std::to_string(all) + " bytes)";
}

}  // namespace

std::string in_quotes(std::string_view text, bool utf8) {
  const std::size_t shown = shown_bytes(text);
  std::string out = "\"";
  for (std::size_t i = 0; i < shown; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < shown ? text[i + 1] : 0);
    // The controls from U+0080 on, which terminals obey like those below U+0020.
    const bool is_control = utf8 && byte == 0xC2 && next >= 0x80 && next <= 0x9F;
    append_byte(out, byte, utf8 && !is_control);
    if (is_control) append_byte(out, static_cast<unsigned char>(text[++i]), false);
  }
  return out + '"' + rest(text.size(), shown);
}

std::string hexadecimal(Bytes bytes) {
  const std::size_t shown = std::min(bytes.size(), shown_bytes_max);
  return hex_pairs(bytes.first(shown)) + rest(bytes.size(), shown);
}

std::string hex_pairs(Bytes bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    if (!out.empty()) out += ' ';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string counted_bytes(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

}  // namespace hilo::trace

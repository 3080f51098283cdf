// SPDX-License-Identifier: MIT

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

constexpr bool is_one_of(unsigned byte, std::string_view set) {
  for (const char c : set) {
    if (static_cast<unsigned char>(c) == byte) return true;
  }
  return false;
}

constexpr detail::ByteClasses make_byte_classes() {
  detail::ByteClasses table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool digit = byte >= '0' && byte <= '9';
    const bool alpha = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z' && byte < 0x80;
    const bool hex = digit || (alpha && (byte | 0x20) <= 'f');
    const bool visible = byte > 0x20 && byte < 0x7F;
    unsigned bits = 0;
    if (digit || alpha || is_one_of(byte, "!#$%&'*+-.^_`|~")) bits |= ByteClass::token;
    if (visible || byte == ' ' || byte == '\t' || byte >= 0x80) bits |= ByteClass::value;
    if (visible && byte != '#' && byte != '%') bits |= ByteClass::target;
    if (digit) bits |= ByteClass::digit;
    if (hex) bits |= ByteClass::hex;
    if (alpha) bits |= ByteClass::alpha;
    if (digit || alpha || is_one_of(byte, "-._~")) bits |= ByteClass::host;
    if (digit || alpha || is_one_of(byte, "+/")) bits |= ByteClass::base64;
    table.of[byte] = static_cast<std::uint8_t>(bits);
  }
  return table;
}

}  // namespace

// Made when this is compiled, and not by each file that asks.
constexpr detail::ByteClasses detail::byte_classes = make_byte_classes();

std::optional<std::string_view> ListReader::next() noexcept {
  while (!rest_.empty()) {
    const std::size_t comma = rest_.find(',');
    const std::string_view member = trim(rest_.substr(0, comma));
    rest_.remove_prefix(comma == std::string_view::npos ? rest_.size() : comma + 1);
    if (!member.empty()) return member;
  }
  return std::nullopt;
}

bool is_target_text(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_in(text[i], ByteClass::target)) continue;
    if (text[i] != '%' || text.size() - i < 3) return false;
    if (!all_in(text.substr(i + 1, 2), ByteClass::hex)) return false;
    if (text.substr(i + 1, 2) == "00") return false;
    i += 2;
  }
  return true;
}

bool is_framing_field(std::string_view name) noexcept {
  return equals_ignoring_case(name, "Content-Length") ||
         equals_ignoring_case(name, "Transfer-Encoding");
}

bool contains_token(std::string_view list, std::string_view token) noexcept {
  if (equals_ignoring_case(list, token)) return true;
  ListReader reader(list);
  while (const auto member = reader.next()) {
    if (equals_ignoring_case(*member, token)) return true;
  }
  return false;
}

}  // namespace hilo::ws

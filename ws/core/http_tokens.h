// SPDX-License-Identifier: MIT
//
// The smallest words of HTTP: which byte may stand where, and comparing and splitting text.
//
// Pure functions over views; a returned view refers to the text that was given. Letters are ASCII
// letters, whatever the locale. Everything is linear in the length of its input.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/check.h"

namespace hilo::ws {

// What a byte may be part of; the bits are combined in one table so that a scan is one lookup.
struct ByteClass {
  static constexpr std::uint8_t token = 1;   // RFC 9110 §5.6.2: tchar
  static constexpr std::uint8_t value = 2;   // RFC 9110 §5.5: HTAB, SP, VCHAR, obs-text
  static constexpr std::uint8_t target = 4;  // VCHAR but '#' and '%', which begins an escape
  static constexpr std::uint8_t digit = 8;
  static constexpr std::uint8_t hex = 16;
  static constexpr std::uint8_t alpha = 32;
  static constexpr std::uint8_t host = 64;     // letters, digits, '-', '.', '_', '~'
  static constexpr std::uint8_t base64 = 128;  // RFC 4648 §4, without the '=' at the end
};

namespace detail {
struct ByteClasses {
  std::uint8_t of[256];
};
extern const ByteClasses byte_classes;
}  // namespace detail

inline bool is_in(std::uint8_t byte, std::uint8_t byte_class) noexcept {
  return (detail::byte_classes.of[byte] & byte_class) != 0;
}
inline bool is_in(char byte, std::uint8_t byte_class) noexcept {
  return is_in(static_cast<std::uint8_t>(byte), byte_class);
}

// The first position in [from, to) whose byte is not in the class, or `to`.
inline std::size_t skip(Bytes bytes, std::size_t from, std::size_t to,
                        std::uint8_t byte_class) noexcept {
  HILO_DCHECK(to <= bytes.size());
  const std::uint8_t* const data = bytes.data();  // a bound for all, not one for each
  while (from < to && is_in(data[from], byte_class)) ++from;
  return from;
}

// Every byte of `text` is in the class; true for an empty text.
inline bool all_in(std::string_view text, std::uint8_t byte_class) noexcept {
  for (const char c : text) {
    if (!is_in(c, byte_class)) return false;
  }
  return true;
}

// RFC 9110 §5.6.2: one or more tchar.
inline bool is_token(std::string_view text) noexcept {
  return !text.empty() && all_in(text, ByteClass::token);
}

// Whether `text` may stand as a path or a query in a request (RFC 9112 §3.2): visible ASCII without
// '#', each '%' followed by two hex digits, and no "%00". RFC 3986 forbids some of these bytes, but
// browsers send them.
bool is_target_text(std::string_view text) noexcept;

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  if (a == b) return true;  // as most are
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() &&
         equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// One that says where a body ends (RFC 9112 §6), and is therefore written by nobody but us.
bool is_framing_field(std::string_view name) noexcept;

// RFC 9110 §5.6.3: OWS is SP and HTAB.
constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t';
}

// `text` without the white space around it.
constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Reads the members of a comma-separated list in order, trimmed. Empty members are skipped, as
// RFC 9110 §5.6.1.2 asks of a recipient. Members are not checked otherwise, and a comma always
// separates: for lists whose members may hold quoted strings there is extension.h.
class ListReader {
 public:
  constexpr ListReader() noexcept = default;
  explicit constexpr ListReader(std::string_view list) noexcept : rest_(list) {}

  std::optional<std::string_view> next() noexcept;

 private:
  std::string_view rest_;
};

// Whether the list names `token`, which is one, in any case. "websocket/13" does not name
// "websocket".
bool contains_token(std::string_view list, std::string_view token) noexcept;

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// How the judge shows lists, bytes and what may be nothing, so that a learner sees what was found
// and what was expected: {"hola", "a\x1e"} and {5, 7} and nothing. For tests alone.

#pragma once

#include <doctest/doctest.h>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hilo::exercise {

inline std::string shown(std::string_view text) {
  constexpr std::size_t shown_max = 200;
  std::string quoted = "\"";
  for (const char c : text.substr(0, shown_max)) {
    char escape[5];
    const auto byte = static_cast<unsigned char>(c);
    std::snprintf(escape, sizeof escape, "\\x%02x", byte);
    const bool is_plain = byte >= 0x20 && byte != 0x7f;
    quoted += is_plain ? std::string(1, c) : escape;
  }
  return quoted + (text.size() > shown_max ? "\"..." : "\"");
}
inline std::string shown(std::uint8_t byte) {
  char digits[3];
  std::snprintf(digits, sizeof digits, "%02x", byte);
  return digits;
}
template <std::integral T>
std::string shown(T number) {
  return std::to_string(number);
}
template <class T>
std::string shown(const std::vector<T>& list) {
  std::string text;
  for (const T& each : list) text += (text.empty() ? "" : ", ") + shown(each);
  return "{" + text + "}";
}
template <class T>
std::string shown(const std::optional<T>& value) {
  if (!value) return "nothing";
  if constexpr (requires { shown(*value); }) return shown(*value);
  return "something";
}

}  // namespace hilo::exercise

template <class T>
struct doctest::StringMaker<std::vector<T>> {
  static String convert(const std::vector<T>& list) { return hilo::exercise::shown(list).c_str(); }
};
template <class T>
struct doctest::StringMaker<std::optional<T>> {
  static String convert(const std::optional<T>& value) {
    return hilo::exercise::shown(value).c_str();
  }
};
template <>
struct doctest::StringMaker<std::nullopt_t> {
  static String convert(std::nullopt_t) { return "nothing"; }
};

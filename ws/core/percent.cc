// SPDX-License-Identifier: MIT

#include "ws/core/percent.h"

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

int digit_value(char digit) noexcept {
  if (!is_in(static_cast<unsigned char>(digit), ByteClass::hex)) return -1;
  return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

// Takes the next character from the front of `text`. Negative: a malformed escape.
int take_decoded(std::string_view& text, Plus plus) noexcept {
  const char first = text.front();
  if (first != '%') {
    text.remove_prefix(1);
    return first == '+' && plus == Plus::is_space ? ' ' : static_cast<unsigned char>(first);
  }
  if (text.size() < 3) return -1;
  const int high = digit_value(text[1]);
  const int low = digit_value(text[2]);
  if (high < 0 || low < 0 || high + low == 0) return -1;
  text.remove_prefix(3);
  return high * 16 + low;
}

}  // namespace

std::optional<std::string_view> percent_decode(std::string_view text, std::span<char> into,
                                               Plus plus) noexcept {
  if (text.find_first_of(plus == Plus::is_space ? "%+" : "%") == std::string_view::npos)
    return text;
  std::size_t size = 0;
  while (!text.empty()) {
    const int decoded = take_decoded(text, plus);
    if (decoded < 0 || size == into.size()) return std::nullopt;
    into[size++] = static_cast<char>(decoded);
  }
  return std::string_view{into.data(), size};
}

bool percent_equals(std::string_view text, std::string_view plain, Plus plus) noexcept {
  for (const char wanted : plain) {
    if (text.empty() || take_decoded(text, plus) != static_cast<unsigned char>(wanted))
      return false;
  }
  return text.empty();
}

std::optional<QueryParameter> QueryReader::next() noexcept {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('&');
    const std::string_view pair = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return QueryParameter{pair, {}};
    return QueryParameter{pair.substr(0, equals), pair.substr(equals + 1)};
  }
  return std::nullopt;
}

std::optional<std::string_view> find_query(std::string_view query, std::string_view name) noexcept {
  QueryReader reader(query);
  while (const auto each = reader.next()) {
    if (percent_equals(each->name, name, Plus::is_space)) return each->value;
  }
  return std::nullopt;
}

std::size_t count_query(std::string_view query, std::string_view name) noexcept {
  std::size_t count = 0;
  QueryReader reader(query);
  while (const auto each = reader.next()) {
    if (percent_equals(each->name, name, Plus::is_space)) ++count;
  }
  return count;
}

}  // namespace hilo::ws

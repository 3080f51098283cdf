// SPDX-License-Identifier: MIT
//
// JSON text to values (RFC 8259). The library's own parser is as strict, and three times as slow:
// it asks for each byte by itself. It judges this one in the tests and in the fuzzer.

#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "ws/core/utf8.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// What stands for itself in a string: everything but quotes, backslashes and control characters.
constexpr std::array<bool, 256> plain_bytes = [] {
  std::array<bool, 256> plain{};
  for (std::size_t i = 0x20; i < plain.size(); ++i) plain[i] = i != '"' && i != '\\';
  return plain;
}();

void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

// Each read_ consumes what it reads; false, and all is lost. The text is UTF-8.
class Reader {
 public:
  Reader(std::string_view text, std::size_t depth_max) noexcept
      : at_(text.data()), end_(text.data() + text.size()), depth_left_(depth_max) {}

  bool read_all(Json& into) {
    if (!read_value(into)) return false;
    skip_space();
    return at_ == end_;
  }

 private:
  bool read_value(Json& into) {
    skip_space();
    if (at_ == end_) return false;
    switch (*at_) {
      case '{': return read_object(into);
      case '[': return read_array(into);
      case '"': {
        std::string text;
        if (!read_string(text)) return false;
        into = std::move(text);
        return true;
      }
      case 't': into = true; return take("true");
      case 'f': into = false; return take("false");
      case 'n': into = nullptr; return take("null");
      default: return read_number(into);
    }
  }

  bool read_array(Json& into) {
    if (!go_in()) return false;
    into = Json::array();
    auto& array = into.get_ref<Json::array_t&>();
    if (take_after_space(']')) return go_out();
    do {
      if (!read_value(array.emplace_back())) return false;
    } while (take_after_space(','));
    return take_after_space(']') && go_out();
  }

  bool read_object(Json& into) {
    if (!go_in()) return false;
    into = Json::object();
    auto& object = into.get_ref<Json::object_t&>();
    if (take_after_space('}')) return go_out();
    do {
      skip_space();
      std::string name;
      if (!read_string(name) || !take_after_space(':')) return false;
      // Of a name that is there twice, the last value counts.
      if (!read_value(object[std::move(name)])) return false;
    } while (take_after_space(','));
    return take_after_space('}') && go_out();
  }

  bool read_string(std::string& into) {
    if (!take("\"")) return false;
    for (;;) {
      const char* const begin = at_;
      while (at_ != end_ && plain_bytes[static_cast<unsigned char>(*at_)]) ++at_;
      into.append(begin, static_cast<std::size_t>(at_ - begin));
      if (at_ == end_) return false;
      const char mark = *at_++;
      if (mark == '"') return true;
      if (mark != '\\' || !read_escape(into)) return false;
    }
  }

  bool read_escape(std::string& into) {
    if (at_ == end_) return false;
    const char c = *at_++;
    switch (c) {
      case '"':
      case '\\':
      case '/': into += c; return true;
      case 'b': into += '\b'; return true;
      case 'f': into += '\f'; return true;
      case 'n': into += '\n'; return true;
      case 'r': into += '\r'; return true;
      case 't': into += '\t'; return true;
      case 'u': return read_code_point(into);
      default: return false;
    }
  }

  // Of UTF-16: what is above 0xFFFF takes two, and half of such a pair is nothing.
  bool read_code_point(std::string& into) {
    std::uint32_t point = 0;
    if (!read_unit(point)) return false;
    if (point >= 0xd800 && point <= 0xdfff) {
      std::uint32_t low = 0;
      if (point >= 0xdc00 || !take("\\u") || !read_unit(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return false;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(point, into);
    return true;
  }

  bool read_unit(std::uint32_t& into) noexcept {
    if (end_ - at_ < 4) return false;
    const auto result = std::from_chars(at_, at_ + 4, into, 16);
    if (result.ec != std::errc{} || result.ptr != at_ + 4) return false;
    at_ += 4;
    return true;
  }

  bool read_number(Json& into) {
    const char* const begin = at_;
    const bool is_negative = take("-");
    const bool has_zero = take("0");
    if (!has_zero && !take_digits()) return false;
    bool is_integer = true;
    if (take(".")) {
      is_integer = false;
      if (!take_digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      is_integer = false;
      ++at_;
      if (!take("+")) static_cast<void>(take("-"));
      if (!take_digits()) return false;
    }
    if (is_integer && (is_negative ? to_number<std::int64_t>(begin, into)
                                   : to_number<std::uint64_t>(begin, into))) {
      return true;
    }
    return to_number<double>(begin, into) || to_extreme_double(begin, into);
  }

  template <class Number>
  bool to_number(const char* begin, Json& into) const {
    Number number = 0;
    const auto result = std::from_chars(begin, at_, number);
    if (result.ec != std::errc{}) return false;
    into = number;
    return true;
  }
  // What is nearer to zero than any double is zero; what is too large is refused. The function
  // above does not say which of the two it met.
  bool to_extreme_double(const char* begin, Json& into) const {
    into = Json::parse(begin, at_, nullptr, false);
    return !into.is_discarded();
  }

  bool take_digits() noexcept {
    const char* const begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != begin;
  }
  bool take(std::string_view word) noexcept {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
      return false;
    }
    at_ += word.size();
    return true;
  }
  bool take_after_space(char c) noexcept {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void skip_space() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  // Into an array or object, and out of it.
  bool go_in() noexcept {
    if (depth_left_ == 0) return false;
    --depth_left_;
    ++at_;
    return true;
  }
  bool go_out() noexcept {
    ++depth_left_;
    return true;
  }

  const char* at_;
  const char* end_;
  std::size_t depth_left_;
};

}  // namespace

Errc parse_json(std::string_view text, std::size_t depth_max, Json& into) {
  const bool is_json = ws::utf8_valid(as_bytes(text)) && Reader(text, depth_max).read_all(into);
  return is_json ? Errc::none : Errc::packet_json;
}

}  // namespace hilo::socketio

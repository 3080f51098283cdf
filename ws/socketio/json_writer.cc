// SPDX-License-Identifier: MIT
//
// Values to JSON text, as JavaScript writes it: the shortest form of a number, no space, null for
// what is no number. The library's own writer costs three allocations before its first byte.

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "ws/core/utf8.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

// How a byte of text stands in JSON.
enum class Form : std::uint8_t { plain, escaped, beyond_ascii };

constexpr std::array<Form, 256> forms = [] {
  std::array<Form, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (i >= 0x80) table[i] = Form::beyond_ascii;
    if (i < 0x20 || i == '"' || i == '\\') table[i] = Form::escaped;
  }
  return table;
}();

// A character in front of a text, as its code point. What is no UTF-8 is U+FFFD, one for each
// sequence that breaks off.
struct Character {
  std::uint32_t point = 0xfffd;
  std::size_t bytes = 1;
};

Character first_character(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  Character character;
  while (character.bytes < bytes && character.bytes < text.size() &&
         (static_cast<unsigned char>(text[character.bytes]) & 0xc0) == 0x80) {
    ++character.bytes;
  }
  if (!ws::utf8_valid(as_bytes(text.substr(0, character.bytes)))) return character;
  character.point = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    character.point = character.point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  return character;
}

class Writer {
 public:
  Writer(bool ascii, std::string& out) noexcept : ascii_(ascii), out_(out) {}

  void write(const Json& value) {
    switch (value.type()) {
      case Json::value_t::object: return write_object(value.get_ref<const Json::object_t&>());
      case Json::value_t::array: return write_array(value.get_ref<const Json::array_t&>());
      case Json::value_t::string: return write_text(value.get_ref<const Json::string_t&>());
      case Json::value_t::boolean: out_ += value.get<bool>() ? "true" : "false"; return;
      case Json::value_t::number_integer: return write_number(value.get<std::int64_t>());
      case Json::value_t::number_unsigned: return write_number(value.get<std::uint64_t>());
      case Json::value_t::number_float: {
        const double number = value.get<double>();
        if (std::isfinite(number)) return write_number(number);
        out_ += "null";
        return;
      }
      case Json::value_t::null:
      case Json::value_t::binary:
      case Json::value_t::discarded: out_ += "null"; return;
    }
  }

 private:
  void write_object(const Json::object_t& object) {
    char mark = '{';
    for (const auto& [name, value] : object) {
      out_ += mark;
      write_text(name);
      out_ += ':';
      write(value);
      mark = ',';
    }
    out_ += object.empty() ? "{}" : "}";
  }

  void write_array(const Json::array_t& array) {
    char mark = '[';
    for (const Json& value : array) {
      out_ += mark;
      write(value);
      mark = ',';
    }
    out_ += array.empty() ? "[]" : "]";
  }

  template <class Number>
  void write_number(Number number) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out_.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }

  void write_text(std::string_view text) {
    // Text beyond ASCII is looked at character by character only where something is done about it.
    const bool is_whole = !ascii_ && ws::utf8_valid(as_bytes(text));
    out_ += '"';
    while (!text.empty()) {
      std::size_t plain = 0;
      while (plain < text.size() && stands_for_itself(text[plain], is_whole)) ++plain;
      out_.append(text.data(), plain);
      text.remove_prefix(plain);
      if (text.empty()) break;
      const bool is_escaped = forms[static_cast<unsigned char>(text[0])] == Form::escaped;
      text.remove_prefix(is_escaped ? write_escape(text[0]) : write_character(text));
    }
    out_ += '"';
  }
  static bool stands_for_itself(char c, bool is_whole) noexcept {
    const Form form = forms[static_cast<unsigned char>(c)];
    return form == Form::plain || (is_whole && form == Form::beyond_ascii);
  }

  std::size_t write_escape(char c) {
    constexpr std::string_view marks = "\b\f\n\r\t\"\\";
    constexpr std::string_view letters = "bfnrt\"\\";
    if (const std::size_t index = marks.find(c); index != std::string_view::npos) {
      out_ += '\\';
      out_ += letters[index];
    } else {
      write_unit(static_cast<unsigned char>(c));
    }
    return 1;
  }

  std::size_t write_character(std::string_view text) {
    const Character character = first_character(text);
    const std::uint32_t point = character.point;
    if (!ascii_) {
      out_ += point == 0xfffd ? replacement : text.substr(0, character.bytes);
    } else if (point < 0x10000) {
      write_unit(point);
    } else {
      write_unit(0xd800 + ((point - 0x10000) >> 10));
      write_unit(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
    return character.bytes;
  }
  void write_unit(std::uint32_t unit) {
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_ += hex_digits[unit >> shift & 0xf];
  }

  bool ascii_;
  std::string& out_;
};

}  // namespace

void write_json(const Json& value, bool ascii, std::string& out) {
  Writer(ascii, out).write(value);
}

}  // namespace hilo::socketio

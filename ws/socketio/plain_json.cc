// SPDX-License-Identifier: MIT

#include "ws/socketio/plain_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "net/base/bytes.h"
#include "ws/core/utf8.h"

namespace hilo::socketio {
namespace {

constexpr std::uint64_t each_byte = 0x0101010101010101;
constexpr std::uint64_t top_bits = 0x80 * each_byte;

// Stands for itself in the text of a string, whoever writes it: ASCII but for controls, the quote
// and the backslash.
constexpr auto plain_bytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();
bool is_plain(char c) noexcept {
  return plain_bytes[static_cast<unsigned char>(c)];
}

// The same of eight bytes; "no" may be wrong.
bool are_plain(const char* bytes) noexcept {
  std::uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof(word));
  // Some byte of `word` is zero if this has a top bit set.
  const auto zeros = [](std::uint64_t w) { return (w - each_byte) & ~w; };
  const std::uint64_t odd = (word - 0x20 * each_byte) | word | zeros(word ^ '"' * each_byte) |
                            zeros(word ^ '\\' * each_byte) | zeros(word ^ 0x7f * each_byte);
  return (odd & top_bits) == 0;
}

const char* skip_plain(const char* at, const char* end) noexcept {
  while (end - at >= 8 && are_plain(at)) at += 8;
  while (at != end && is_plain(*at)) ++at;
  return at;
}

constexpr bool is_decimal(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr bool is_of_number(char c) noexcept {
  return is_decimal(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

// Members of an object that is read once more.
class Seen {
 public:
  static constexpr std::size_t most = 8;

  void add(const Json& member) noexcept {
    const auto end = members_.begin() + count_;
    if (count_ == most || std::find(members_.begin(), end, &member) != end) {
      has_failed_ = true;
    } else {
      members_[count_++] = &member;
    }
  }
  // No object has so many if a name was there twice, or if there were too many.
  std::size_t count() const noexcept { return has_failed_ ? std::string_view::npos : count_; }

 private:
  std::array<const Json*, most> members_;
  std::size_t count_ = 0;
  bool has_failed_ = false;
};

class PlainReader {
 public:
  PlainReader(std::string_view text, std::size_t depth_max) noexcept
      : at_(text.data()),
        end_(text.data() + text.size()),
        depth_max_(depth_max),
        depth_left_(depth_max) {}

  bool read_all(Json& into) {
    skip_space();
    const bool is_read = read([&](Json::value_t kind) -> Json& { return renewed(into, kind); });
    skip_space();
    return is_read && at_ == end_;
  }

 private:
  void skip_space() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool take(char c) noexcept {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) noexcept {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
      return false;
    }
    at_ += word.size();
    return true;
  }

  // `put` makes a value of that kind where it belongs: one that is moved there, or assigned, costs
  // as much again.
  template <class Put>
  bool read(const Put& put) {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"': {
        std::string_view text;
        if (!read_text(text, text_)) return false;
        put(Json::value_t::string).template get_ref<Json::string_t&>() = text;
        return true;
      }
      case '[': return read_array(put(Json::value_t::array).template get_ref<Json::array_t&>());
      case '{': return read_object(put(Json::value_t::object).template get_ref<Json::object_t&>());
      case 't': put(Json::value_t::boolean).template get_ref<bool&>() = true; return take("true");
      case 'f': put(Json::value_t::boolean).template get_ref<bool&>() = false; return take("false");
      case 'n': put(Json::value_t::null); return take("null");
      default: return read_number(put);
    }
  }

  // What is there already lends its memory.
  static Json& renewed(Json& value, Json::value_t kind) {
    if (value.type() == kind) return value;
    dispose(value);
    return value = Json(kind);
  }

  bool read_array(Json::array_t& array) {
    if (depth_left_ == 0) return false;
    --depth_left_;
    ++at_;
    std::size_t count = 0;
    skip_space();
    if (!take(']')) {
      // An event with its values; what is inside may be many small ones.
      if (depth_left_ + 1 == depth_max_) array.reserve(4);
      const auto put = [&](Json::value_t kind) -> Json& {
        return count++ < array.size() ? renewed(array[count - 1], kind) : array.emplace_back(kind);
      };
      do {
        skip_space();
        if (!read(put)) return false;
        skip_space();
      } while (take(','));
      if (!take(']')) return false;
    }
    for (std::size_t i = count; i < array.size(); ++i) dispose(array[i]);
    array.resize(count);
    ++depth_left_;
    return true;
  }

  static void clear(Json::object_t& object) noexcept {
    for (auto& [name, value] : object) dispose(value);
    object.clear();
  }

  // An object that is a value of an event, or the only one, may lend the members of the one before
  // to the same members. If it has others it is read again, and nothing is left of that.
  bool read_object(Json::object_t& object) {
    if (depth_left_ == 0) return false;
    --depth_left_;
    ++at_;
    const char* const begin = at_;
    if (depth_left_ + 2 < depth_max_ || object.size() > Seen::most) clear(object);
    Seen seen;
    const bool lends = !object.empty();
    if (!read_members(object, lends ? &seen : nullptr)) return false;
    if (lends && seen.count() != object.size()) {
      at_ = begin;
      clear(object);
      if (!read_members(object, nullptr)) return false;
    }
    ++depth_left_;
    return true;
  }

  // With the brace behind them.
  bool read_members(Json::object_t& object, Seen* seen) {
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      std::string_view name;
      if (!read_text(name, name_)) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      const auto put = [&](Json::value_t kind) -> Json& {
        // Of a name that is there twice the last value counts.
        const auto found = object.find(name);
        Json& value = found != object.end()
                          ? renewed(found->second, kind)
                          : object.try_emplace(Json::string_t(name), kind).first->second;
        if (seen != nullptr) seen->add(value);
        return value;
      };
      if (!read(put)) return false;
      skip_space();
    } while (take(','));
    return take('}');
  }

  // A view of the input or, if there were escapes, of `room`.
  bool read_text(std::string_view& text, std::string& room) {
    if (!take('"')) return false;
    const char* const begin = at_;
    at_ = skip_plain(at_, end_);
    text = {begin, static_cast<std::size_t>(at_ - begin)};
    return take('"') || read_rare_text(begin, text, room);
  }

  bool read_rare_text(const char* begin, std::string_view& text, std::string& room) {
    bool has_escapes = false;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ != '\\') continue;
      has_escapes = true;
      if (++at_ == end_) return false;
    }
    text = {begin, static_cast<std::size_t>(at_ - begin)};
    if (!take('"')) return false;
    if (!has_escapes) return ws::utf8_valid(as_bytes(text));
    Json parsed = Json::parse(begin - 1, at_, nullptr, false);
    if (!parsed.is_string()) return false;
    room = std::move(parsed.get_ref<Json::string_t&>());
    text = room;
    return true;
  }

  template <class Put>
  bool read_number(const Put& put) {
    const char* const begin = at_;
    const bool is_negative = take('-');
    const char* const digits = at_;
    std::uint64_t value = 0;
    while (at_ != end_ && is_decimal(*at_)) {
      value = value * 10 + static_cast<std::uint64_t>(*at_++ - '0');
    }
    const auto count = at_ - digits;
    const bool has_zero_in_front = count > 1 && *digits == '0';
    const bool goes_on = at_ != end_ && is_of_number(*at_);
    if (count < 1 || count > 18 || has_zero_in_front || goes_on) {
      while (at_ != end_ && is_of_number(*at_)) ++at_;
      Json parsed = Json::parse(begin, at_, nullptr, false);
      return !parsed.is_discarded() && (put(Json::value_t::null) = std::move(parsed), true);
    }
    if (is_negative) {
      put(Json::value_t::number_integer).template get_ref<std::int64_t&>() =
          -static_cast<std::int64_t>(value);
    } else {
      put(Json::value_t::number_unsigned).template get_ref<std::uint64_t&>() = value;
    }
    return true;
  }

  const char* at_;
  const char* end_;
  std::size_t depth_max_;
  std::size_t depth_left_;
  // What the library made of escapes.
  std::string name_;
  std::string text_;
};

template <class Number>
void write_number(Number number, std::string& out) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

std::string dumped(const Json& value, bool ascii) {
  return value.dump(-1, ' ', ascii, Json::error_handler_t::replace);
}

void write_array(const Json& value, bool ascii, std::string& out) {
  out += '[';
  bool is_first = true;
  for (const Json& each : value.get_ref<const Json::array_t&>()) {
    if (!is_first) out += ',';
    is_first = false;
    write_plain_json(each, ascii, out);
  }
  out += ']';
}

void write_object(const Json& value, bool ascii, std::string& out) {
  out += '{';
  bool is_first = true;
  for (const auto& [name, each] : value.get_ref<const Json::object_t&>()) {
    if (!is_first) out += ',';
    is_first = false;
    write_plain_text(name, ascii, out);
    out += ':';
    write_plain_json(each, ascii, out);
  }
  out += '}';
}

}  // namespace

bool read_plain_json(std::string_view text, std::size_t depth_max, Json& into) {
  return PlainReader(text, depth_max).read_all(into);
}

void write_plain_text(std::string_view text, bool ascii, std::string& out) {
  const char* const end = text.data() + text.size();
  const char* at = skip_plain(text.data(), end);
  if (at != end) {
    const auto is_itself = [](char c) {
      return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    };
    while (at != end && is_itself(*at)) ++at;
    if (ascii || at != end || !ws::utf8_valid(as_bytes(text))) {
      out += dumped(Json(text), ascii);
      return;
    }
  }
  out += '"';
  out += text;
  out += '"';
}

void write_plain_json(const Json& value, bool ascii, std::string& out) {
  switch (value.type()) {
    case Json::value_t::null: out += "null"; return;
    case Json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; return;
    case Json::value_t::number_integer: write_number(value.get<std::int64_t>(), out); return;
    case Json::value_t::number_unsigned: write_number(value.get<std::uint64_t>(), out); return;
    case Json::value_t::string:
      write_plain_text(value.get_ref<const Json::string_t&>(), ascii, out);
      return;
    case Json::value_t::array: write_array(value, ascii, out); return;
    case Json::value_t::object: write_object(value, ascii, out); return;
    case Json::value_t::number_float:
    case Json::value_t::binary:
    case Json::value_t::discarded: out += dumped(value, ascii); return;
  }
}

}  // namespace hilo::socketio

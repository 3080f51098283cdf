// SPDX-License-Identifier: MIT

#include "tools/hilo/event_line.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "ws/engineio/base64.h"

namespace hilo::tools {

using socketio::Json;

namespace {

constexpr std::string_view blanks = " \t\r";
constexpr const char* base64_key = "$base64";
constexpr std::size_t depth_max = 64;  // as the other side takes it

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
}

std::string_view take_word(std::string_view& text) {
  skip_blanks(text);
  const std::string_view word = text.substr(0, text.find_first_of(blanks));
  text.remove_prefix(word.size());
  return word;
}

// The end of the JSON value that `text` begins with: of an array or an object the bracket that
// closes it, of a text the quote, of all else the next blank. Whether it is right is seen later.
std::size_t end_of_value(std::string_view text) {
  if (std::string_view("{[\"").find(text[0]) == std::string_view::npos) {
    return std::min(text.find_first_of(blanks), text.size());
  }
  std::size_t depth = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      is_text = !is_text;
    } else if (!is_text && (c == '{' || c == '[')) {
      ++depth;
    } else if (!is_text && (c == '}' || c == ']')) {
      --depth;
    }
    if (!is_text && depth == 0) return i + 1;
  }
  return text.size();
}

// False if they are no base64.
bool put_bytes(Json& value) {
  if (value.is_object() && value.size() == 1 && value.contains(base64_key)) {
    if (!value[base64_key].is_string()) return false;
    const auto& text = value[base64_key].get_ref<const std::string&>();
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    const std::optional<std::size_t> size = engineio::decode_base64(bytes);
    if (!size) return false;
    bytes.resize(*size);
    value = Json::binary(std::move(bytes));
    return true;
  }
  if (!value.is_structured()) return true;
  return std::all_of(value.begin(), value.end(), [](Json& each) { return put_bytes(each); });
}

void take_bytes(Json& value) {
  if (value.is_binary()) {
    const auto& bytes = value.get_binary();
    std::vector<std::uint8_t> text(engineio::base64_size(bytes.size()));
    engineio::encode_base64(Bytes{bytes}, text.data());
    value = {{base64_key, std::string(text.begin(), text.end())}};
  } else if (value.is_structured()) {
    for (Json& each : value) take_bytes(each);
  }
}

Complaint parse_values(std::string_view text, Json& into) {
  for (skip_blanks(text); !text.empty(); skip_blanks(text)) {
    const std::string_view piece = text.substr(0, end_of_value(text));
    text.remove_prefix(piece.size());
    Json value;
    if (socketio::parse_json(piece, depth_max, value) != socketio::Errc::none) {
      return "'" + std::string(piece) + "' is no JSON";
    }
    if (!put_bytes(value)) return "'" + std::string(piece) + "' is no base64";
    into.push_back(std::move(value));
  }
  return {};
}

Complaint parse_name(std::string_view& text, std::string& into) {
  skip_blanks(text);
  if (!text.starts_with('"')) {
    into = take_word(text);
  } else {
    const std::string_view piece = text.substr(0, end_of_value(text));
    text.remove_prefix(piece.size());
    Json name;
    if (socketio::parse_json(piece, depth_max, name) != socketio::Errc::none) {
      return "'" + std::string(piece) + "' is no JSON";
    }
    into = name.get<std::string>();
  }
  if (into.empty()) return "an event needs a name";
  if (socketio::is_reserved_event(into)) return "'" + into + "' is no event's name";
  return {};
}

}  // namespace

Complaint parse_event_line(std::string_view line, EventLine& into) {
  into = {};
  std::string_view rest = line;
  std::string_view verb = take_word(rest);
  if (verb.starts_with('/')) {
    into.nsp = verb;
    verb = take_word(rest);
  }
  if (verb == "answer") {
    into.verb = EventLine::Verb::answer;
    const std::string_view number = take_word(rest);
    const char* const end = number.data() + number.size();
    const auto [at, error] = std::from_chars(number.data(), end, into.number);
    if (error != std::errc{} || at != end) return "'" + std::string(number) + "' is no number";
    return parse_values(rest, into.values);
  }
  if (verb != "emit" && verb != "ack")
    return "'" + std::string(verb) + "' is no emit, ack or answer";
  into.verb = verb == "emit" ? EventLine::Verb::emit : EventLine::Verb::ack;
  if (Complaint complaint = parse_name(rest, into.name)) return complaint;
  return parse_values(rest, into.values);
}

std::string show_json(Json value) {
  take_bytes(value);
  std::string line;
  socketio::write_json(value, false, line);
  return line;
}

}  // namespace hilo::tools

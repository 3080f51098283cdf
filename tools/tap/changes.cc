// SPDX-License-Identifier: MIT

#include "tools/tap/changes.h"

#include <charconv>
#include <utility>

#include "tools/explain/frame_builder.h"
#include "tools/hilo/values.h"

namespace hilo::tools::tap {
namespace {

using trace::Direction;

// What stands before `mark`, which is taken off with it; all of it where there is none.
std::string_view take_word(std::string_view& text, char mark) {
  const std::size_t end = text.find(mark);
  const std::string_view word = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return word;
}

std::optional<Direction> find_direction(std::string_view sender) {
  if (sender == "client") return Direction::to_server;
  if (sender == "server") return Direction::to_client;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number == 0) return std::nullopt;
  return number;
}

bool take_payload(Injection& injection, std::string_view kind, std::string_view text,
                  std::string& why) {
  if (kind == "hex") {
    Result<std::vector<std::uint8_t>> bytes = parse_hex(text);
    if (!bytes || bytes->empty()) why = "hex is followed by bytes in hexadecimal";
    if (bytes) injection.bytes = std::move(*bytes);
    return why.empty();
  }
  injection.opcode = explain::find_opcode(kind);
  if (!injection.opcode) {
    why = "'" + std::string(kind) + "' is no kind of frame";
    return false;
  }
  auto payload = explain::build_payload(*injection.opcode, text);
  if (!payload) why = explain::payload_wanted(*injection.opcode);
  if (payload) injection.bytes = std::move(*payload);
  return why.empty();
}

}  // namespace

std::optional<Drop> parse_drop(std::string_view text) {
  const std::optional<Direction> direction = find_direction(take_word(text, ':'));
  if (!direction) return std::nullopt;
  if (const auto number = parse_number(text))
    return Drop{.direction = *direction, .number = *number};
  const std::optional<ws::Opcode> opcode = explain::find_opcode(text);
  if (!opcode) return std::nullopt;
  return Drop{.direction = *direction, .opcode = *opcode};
}

std::optional<Injection> parse_injection(std::string_view text, std::string& why) {
  Injection injection;
  const std::optional<Direction> direction = find_direction(take_word(text, ':'));
  if (!direction) {
    why = "begins with client: or server:";
    return std::nullopt;
  }
  injection.direction = *direction;
  if (const auto number = parse_number(text.substr(0, text.find(':')))) {
    injection.behind = *number;
    take_word(text, ':');
  }
  std::string_view kind = take_word(text, ' ');
  if (kind == "unfinished") {
    injection.final = false;
    kind = take_word(text, ' ');
  }
  if (!take_payload(injection, kind, text, why)) return std::nullopt;
  return injection;
}

std::string_view sender_of(Direction direction) noexcept {
  return direction == Direction::to_server ? "client" : "server";
}

std::string_view receiver_of(Direction direction) noexcept {
  return direction == Direction::to_server ? "server" : "client";
}

}  // namespace hilo::tools::tap

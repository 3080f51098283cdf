// SPDX-License-Identifier: MIT

#include "ws/log.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "ws/guard.h"

namespace hilo::ws {
namespace {

const char* level_name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warn";
    case LogLevel::error: return "error";
  }
  return "error";
}

void append_string(std::string& json, std::string_view text) {
  json.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(byte));
      json.append(escape.data());
      continue;
    }
    if (c == '"' || c == '\\') json.push_back('\\');
    json.push_back(c);
  }
  json.push_back('"');
}

// More digits might not survive a reader that makes a double of them.
bool is_number(std::string_view text) noexcept {
  constexpr std::size_t digits_max = 15;
  if (text.empty() || text.size() > digits_max || (text.size() > 1 && text[0] == '0')) return false;
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The value at the front of `line`, without its quotes, and the space behind it are taken off.
std::string_view take_value(std::string_view& line) noexcept {
  const bool is_quoted = line.starts_with('"');
  if (is_quoted) line.remove_prefix(1);
  std::size_t end = line.find(is_quoted ? '"' : ' ');
  if (end == std::string_view::npos) end = line.size();
  const std::string_view value = line.substr(0, end);
  line.remove_prefix(end);
  if (is_quoted && !line.empty()) line.remove_prefix(1);
  return value;
}

}  // namespace

std::string to_json(std::string_view line) {
  std::string json = "{";
  while (!line.empty()) {
    if (line.front() == ' ') {
      line.remove_prefix(1);
      continue;
    }
    // A word without a value says that something is so.
    const std::size_t end = std::min(line.find_first_of("= "), line.size());
    if (json.size() > 1) json.push_back(',');
    append_string(json, line.substr(0, end));
    const bool has_value = end < line.size() && line[end] == '=';
    line.remove_prefix(has_value ? end + 1 : end);
    json.push_back(':');
    const std::string_view value = has_value ? take_value(line) : std::string_view{};
    if (!has_value) {
      json.append("true");
    } else if (is_number(value)) {
      json.append(value);
    } else {
      append_string(json, value);
    }
  }
  json.push_back('}');
  return json;
}

bool Log::admitted(net::Time now) noexcept {
  if (now - window_began_ >= net::Duration::seconds(1)) {
    window_began_ = now;
    rejects_in_window_ = 0;
  }
  return rejects_in_window_++ < rejects_per_second_max_;
}

void Log::reject(const Reject& reject, net::Time now) noexcept {
  ++metrics_->rejects[static_cast<std::size_t>(reject.error)];
  const Rule broken = rule(reject.error);
  this->reject(to_string(broken.layer), broken.label, reject, now);
}

void Log::reject(std::string_view layer, std::string_view reason, const Reject& reject,
                 net::Time now) noexcept {
  if (!sink_) return;
  // Where memory is short a line is what can be done without.
  if (admitted(now) && guarded([&] { write_reject(layer, reason, reject); })) return;
  ++suppressed_;
  ++metrics_->log_lines_suppressed;
}

void Log::write_reject(std::string_view layer, std::string_view reason, const Reject& reject) {
  std::string text = "layer=";
  const auto add_number = [&text](std::string_view name, std::uint64_t value) {
    text.append(name).append(std::to_string(value));
  };
  text.append(layer).append(" reason=").append(reason);
  text.append(" peer=").append(reject.peer.to_string());
  add_number(" conn=", reject.connection);
  add_number(" bytes_in=", reject.bytes_in);
  add_number(" code=", reject.code);
  if (suppressed_ != 0) add_number(" suppressed=", suppressed_);
  write_line(LogLevel::warning, "reject", text);
  suppressed_ = 0;
}

void Log::line(LogLevel level, std::string_view event, std::string_view fields) noexcept {
  if (!sink_) return;
  if (!guarded([&] { write_line(level, event, fields); })) ++metrics_->log_lines_suppressed;
}

void Log::write_line(LogLevel level, std::string_view event, std::string_view fields) {
  std::string text = "lvl=";
  text.append(level_name(level)).append(" ev=").append(event);
  if (!fields.empty()) text.append(" ").append(fields);
  sink_(level, text);
}

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT

#include "tools/hilo/log_writer.h"

#include <array>
#include <string>
#include <utility>

#include "net/clock.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/values.h"

namespace hilo::tools {
namespace {

constexpr std::array<std::pair<std::string_view, ws::LogLevel>, 4> levels = {
    {{"debug", ws::LogLevel::debug},
     {"info", ws::LogLevel::info},
     {"warn", ws::LogLevel::warning},
     {"error", ws::LogLevel::error}}};

}  // namespace

void LogWriter::write(ws::LogLevel level, std::string_view line) {
  if (level < level_) return;
  // Held while writing, so that no two threads find the same room in a pipe.
  const std::lock_guard lock{mutex_};
  if (untold_ != 0 && put("lvl=warn ev=log_dropped lines=" + std::to_string(untold_))) untold_ = 0;
  if (put(line)) return;
  ++untold_;
  ++dropped_;
}

bool LogWriter::put(std::string_view line) {
  std::string text = format_time(net::clock_wall_milliseconds());
  if (json_) {
    text = ws::to_json("time=" + text + " " + std::string(line));
  } else {
    text.append(" ").append(line);
  }
  text.append("\n");
  return write_without_waiting(standard_error, text).bytes == text.size();
}

void LogWriter::event(ws::LogLevel level, std::string_view event, std::string_view fields) {
  std::string line = "lvl=";
  for (const auto& [name, value] : levels) {
    if (value == level) line.append(name);
  }
  line.append(" ev=").append(event);
  if (!fields.empty()) line.append(" ").append(fields);
  write(level, line);
}

ws::LogSink LogWriter::sink() {
  return [this](ws::LogLevel level, std::string_view line) { write(level, line); };
}

std::vector<Flag> log_flags(LogSettings& settings) {
  std::string unused;
  Flag level = text_flag({.name = "--log-level",
                          .value = "debug|info|warn|error",
                          .text = "the least that is logged, on stderr",
                          .short_name = {}},
                         unused);
  level.preset = "info";
  level.take = [&settings](std::string_view value) -> Complaint {
    for (const auto& [name, known] : levels) {
      if (name != value) continue;
      settings.level = known;
      return {};
    }
    return "is none of debug, info, warn, error";
  };
  Flag format = text_flag({.name = "--log-format",
                           .value = "text|json",
                           .text = "how: key=value pairs, or a JSON object on every line",
                           .short_name = {}},
                          unused);
  format.preset = "text";
  format.take = [&settings](std::string_view value) -> Complaint {
    if (value != "text" && value != "json") return "is none of text, json";
    settings.json = value == "json";
    return {};
  };
  Flag quiet = level;
  quiet.name = "--quiet";
  quiet.value = {};
  quiet.preset = {};
  quiet.text = "the same as --log-level error";
  quiet.take = [&settings](std::string_view) -> Complaint {
    settings.level = ws::LogLevel::error;
    return {};
  };
  return {std::move(level), std::move(format), std::move(quiet)};
}

}  // namespace hilo::tools

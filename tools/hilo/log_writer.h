// SPDX-License-Identifier: MIT
//
// LogWriter: the log of a process, one line at a time, on stderr:
//
//   2026-01-31T12:00:00.000Z lvl=info ev=start version=0.1.0 threads=2
//   {"time":"2026-01-31T12:00:00.000Z","lvl":"info","ev":"start","version":"0.1.0","threads":2}
//
// A log nobody reads, on a full disk or down a closed pipe, costs lines and never time: what stderr
// does not take at once is dropped and counted, and the next line that passes is preceded by one
// that tells how many were.
//
//   thread  any

#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "tools/hilo/flags.h"
#include "ws/log.h"

namespace hilo::tools {

class LogWriter {
 public:
  // Lines below this level are not written.
  void set_level(ws::LogLevel level) noexcept { level_ = level; }
  void set_json(bool json) noexcept { json_ = json; }

  void write(ws::LogLevel level, std::string_view line);
  // "lvl=... ev=<event> <fields>", for events of the tool itself.
  void event(ws::LogLevel level, std::string_view event, std::string_view fields);

  // Lines that stderr did not take.
  std::uint64_t dropped() const noexcept { return dropped_; }
  // For ServerOptions::log.
  ws::LogSink sink();

 private:
  bool put(std::string_view line);

  ws::LogLevel level_ = ws::LogLevel::info;
  bool json_ = false;
  std::mutex mutex_;
  std::uint64_t untold_ = 0;  // guarded by mutex_
  std::atomic<std::uint64_t> dropped_{0};
};

struct LogSettings {
  ws::LogLevel level = ws::LogLevel::info;
  bool json = false;
};
// --log-level, --log-format and --quiet.
std::vector<Flag> log_flags(LogSettings& settings);

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// LogWriter: the log of a process, one line at a time, on stderr:
//
//   2026-01-31T12:00:00.000Z lvl=info ev=start version=0.1.0 threads=2
//   {"time":"2026-01-31T12:00:00.000Z","lvl":"info","ev":"start","version":"0.1.0","threads":2}
//
// A log nobody reads, on a full disk or down a closed pipe, costs lines and never time: what stderr
// does not take at once is dropped and counted, and the next line that passes is preceded by one
// that tells how many were. A file cannot be asked whether it would take its time, and a disk may
// stand still for minutes; so a file is written by a thread of its own once start() was called, and
// what waits for it is bounded (waiting_bytes_max). A process that ends at once loses what waits.
//
//   thread  any
//   life    the end waits a second for the disk, and not longer

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "tools/hilo/flags.h"
#include "ws/log.h"

namespace hilo::tools {

class LogWriter {
 public:
  // Of lines that wait for a file to take them.
  static constexpr std::size_t waiting_bytes_max = std::size_t{1} << 20;

  LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  ~LogWriter();

  // Lines below this level are not written. Both before the first line.
  void set_level(ws::LogLevel level) noexcept { level_ = level; }
  void set_json(bool json) noexcept;
  // To be called once, and before other threads write lines.
  void start();

  void write(ws::LogLevel level, std::string_view line);
  // "lvl=... ev=<event> <fields>", for events of the tool itself.
  void event(ws::LogLevel level, std::string_view event, std::string_view fields);

  // Lines that stderr did not take.
  std::uint64_t dropped() const noexcept;
  // For ServerOptions::log.
  ws::LogSink sink();

 private:
  struct Output;

  ws::LogLevel level_ = ws::LogLevel::info;
  // Shared with the thread, which may outlive this where a disk stands still.
  std::shared_ptr<Output> output_;
  std::thread thread_;  // only where stderr is a file
};

struct LogSettings {
  ws::LogLevel level = ws::LogLevel::info;
  bool json = false;
};
// --log-level, --log-format and --quiet.
std::vector<Flag> log_flags(LogSettings& settings);

}  // namespace hilo::tools

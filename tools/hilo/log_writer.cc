// SPDX-License-Identifier: MIT

#include "tools/hilo/log_writer.h"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
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

// Where lines go: at once, or by way of a queue to the thread that waits for the disk.
struct LogWriter::Output {
  std::string formatted(std::string_view line) const;
  // In the one thread that writes, or under the mutex.
  void write_out(std::string_view text);
  void drop() noexcept;
  void enqueue(std::string text);
  void run();

  bool json = false;
  bool queued = false;  // a thread writes
  std::atomic<std::uint64_t> untold{0};
  std::atomic<std::uint64_t> dropped{0};

  // Held while writing at once, too, so that no two threads find the same room in a pipe.
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  std::deque<std::string> waiting;
  std::size_t waiting_bytes = 0;
  bool ending = false;
  bool ended = false;
};

std::string LogWriter::Output::formatted(std::string_view line) const {
  std::string text = format_time(net::clock_wall_milliseconds());
  if (json) {
    text = ws::to_json("time=" + text + " " + std::string(line));
  } else {
    text.append(" ").append(line);
  }
  return text.append("\n");
}

void LogWriter::Output::write_out(std::string_view text) {
  const auto put = [](std::string_view line) {
    return write_without_waiting(standard_error, line).bytes == line.size();
  };
  if (const std::uint64_t lines = untold) {
    if (put(formatted("lvl=warn ev=log_dropped lines=" + std::to_string(lines)))) untold -= lines;
  }
  if (!put(text)) drop();
}

void LogWriter::Output::drop() noexcept {
  ++untold;
  ++dropped;
}

void LogWriter::Output::enqueue(std::string text) {
  const std::lock_guard lock{mutex};
  if (waiting_bytes + text.size() > waiting_bytes_max) return drop();
  waiting_bytes += text.size();
  waiting.push_back(std::move(text));
  changed.notify_all();
}

void LogWriter::Output::run() {
  std::unique_lock lock{mutex};
  while (true) {
    changed.wait(lock, [this] { return !waiting.empty() || ending; });
    if (waiting.empty()) break;
    const std::string text = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    write_out(text);
    lock.lock();
    waiting_bytes -= text.size();
  }
  ended = true;
  changed.notify_all();
}

LogWriter::LogWriter() : output_(std::make_shared<Output>()) {}

void LogWriter::start() {
  if (!is_file(standard_error)) return;
  try {
    thread_ = std::thread{[output = output_] { output->run(); }};
    output_->queued = true;
  } catch (const std::system_error&) {
    // Then lines wait for the disk, and everybody for them.
  }
}

LogWriter::~LogWriter() {
  if (!thread_.joinable()) return;
  std::unique_lock lock{output_->mutex};
  output_->ending = true;
  output_->changed.notify_all();
  const bool ended =
      output_->changed.wait_for(lock, std::chrono::seconds(1), [this] { return output_->ended; });
  lock.unlock();
  ended ? thread_.join() : thread_.detach();
}

void LogWriter::set_json(bool json) noexcept {
  output_->json = json;
}

std::uint64_t LogWriter::dropped() const noexcept {
  return output_->dropped;
}

void LogWriter::write(ws::LogLevel level, std::string_view line) {
  if (level < level_) return;
  std::string text = output_->formatted(line);
  if (output_->queued) return output_->enqueue(std::move(text));
  const std::lock_guard lock{output_->mutex};
  output_->write_out(text);
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

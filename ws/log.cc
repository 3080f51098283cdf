// SPDX-License-Identifier: MIT

#include "ws/log.h"

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

}  // namespace

bool Log::admitted(net::Time now) noexcept {
  if (now - window_began_ >= net::Duration::seconds(1)) {
    window_began_ = now;
    rejects_in_window_ = 0;
  }
  return rejects_in_window_++ < rejects_per_second_max_;
}

void Log::reject(const Reject& reject, net::Time now) {
  ++metrics_->rejects[static_cast<std::size_t>(reject.error)];
  if (!sink_) return;
  if (!admitted(now)) {
    ++suppressed_;
    ++metrics_->log_lines_suppressed;
    return;
  }
  const Rule& broken = rule(reject.error);
  std::array<char, 320> text;
  const int size = std::snprintf(
      text.data(), text.size(), "layer=%.*s reason=%.*s peer=%s conn=%llu bytes_in=%llu code=%u%s",
      static_cast<int>(to_string(broken.layer).size()), to_string(broken.layer).data(),
      static_cast<int>(broken.label.size()), broken.label.data(), reject.peer.to_string().c_str(),
      static_cast<unsigned long long>(reject.connection),
      static_cast<unsigned long long>(reject.bytes_in), static_cast<unsigned>(reject.code),
      suppressed_ != 0 ? (" suppressed=" + std::to_string(suppressed_)).c_str() : "");
  suppressed_ = 0;
  line(LogLevel::warning, "reject", {text.data(), static_cast<std::size_t>(size)});
}

void Log::line(LogLevel level, std::string_view event, std::string_view fields) {
  if (!sink_) return;
  std::string text = "lvl=";
  text.append(level_name(level)).append(" ev=").append(event);
  if (!fields.empty()) text.append(" ").append(fields);
  static_cast<void>(guarded([&] { sink_(level, text); }));
}

}  // namespace hilo::ws

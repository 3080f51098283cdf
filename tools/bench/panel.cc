// SPDX-License-Identifier: MIT

#include "tools/bench/panel.h"

#include <algorithm>

#include "tools/bench/report.h"

namespace hilo::tools::bench {
namespace {

std::string bar(const Plan& plan, const Result& so_far) {
  constexpr std::size_t width = 30;
  const double share = static_cast<double>(so_far.measured.nanoseconds) /
                       static_cast<double>(std::max<std::int64_t>(1, plan.duration.nanoseconds));
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * width);
  return "[" + std::string(filled, '=') + std::string(width - filled, ' ') + "]";
}

}  // namespace

std::string Panel::clear() {
  std::string text;
  for (; lines_ > 0; --lines_) text += "\x1b[A\x1b[2K";  // up one line, and empty it
  return text;
}

std::string Panel::show(const std::string& phase, const Result& so_far) {
  std::string text = clear();
  const auto add = [&](std::string_view name, const std::string& what) {
    text += std::string(name) + what + "\n";
    ++lines_;
  };
  if (!so_far.label.empty()) add("server   ", so_far.label);
  add("", phase + " " + (so_far.intervals.empty() ? "" : bar(*plan_, so_far)));
  if (so_far.intervals.empty()) return text;
  const Interval& last = so_far.intervals.back();
  const double seconds = static_cast<double>(last.length.nanoseconds) / 1e9;
  add("rate     ",
      grouped(static_cast<std::uint64_t>(static_cast<double>(last.messages) / seconds)) + "/s");
  add("latency  ",
      "p50 " + in_words(last.p50) + "  p99 " + in_words(last.p99) + "  max " + in_words(last.most));
  add("failed   ", grouped(so_far.total.failed) + " connections");
  return text;
}

}  // namespace hilo::tools::bench

// SPDX-License-Identifier: MIT
//
// The path /metrics: the counters of all threads, added up, in the text format of Prometheus.
//
// Each loop's counters belong to its thread, so the page asks every loop by post() and answers when
// the last one has.
//
//   thread    one page object per server, in its loop's thread
//   lifetime  all pages until the loops have ended

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/time_histogram.h"
#include "tools/hilo/log_writer.h"
#include "ws/engineio/metrics.h"
#include "ws/metrics.h"
#include "ws/server.h"
#include "ws/socketio/metrics.h"
#include "ws/socketio/server.h"

namespace hilo::tools {

// The counters of one or more servers.
struct MetricsSum {
  ws::Metrics counters = {};
  engineio::Metrics engineio = {};
  socketio::Metrics socketio = {};
  ws::Census census = {};
  net::TimeHistogram loop_lag = {};
  net::Loop::Calls calls = {};
  std::uint64_t allocations = 0;  // of the pools
  std::uint64_t copied_bytes = 0;
  std::uint64_t timers = 0;
  std::uint64_t memory_bytes = 0;  // what Limits::memory_bytes_max bounds
  std::uint64_t cached_bytes = 0;  // what the pools keep for the next taker

  void add(ws::Server& server);
  void add(socketio::Server& io);
  void add(const MetricsSum& other);
};

// "hilo_timers 3" and so on, with the # HELP and # TYPE lines: version 0.0.4 of the format.
std::string metrics_text(const MetricsSum& sum, std::uint64_t log_lines_dropped);

class MetricsPage {
 public:
  explicit MetricsPage(const LogWriter& log) noexcept : log_(&log) {}
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;
  ~MetricsPage() = default;

  void open(ws::Server& server);
  // What speaks Socket.IO in this thread; before the loops run, and until they have ended.
  void count(socketio::Server& io) noexcept { io_ = &io; }
  // The pages of all threads, this one among them; before the loops run.
  void meet(std::span<MetricsPage* const> all) { all_.assign(all.begin(), all.end()); }

 private:
  struct Gathering;
  // In this page's thread.
  MetricsSum here() const;
  void answer(ws::http::Exchange& exchange, const MetricsSum& sum) const;
  void gather(ws::http::ExchangeId id);

  const LogWriter* log_;
  ws::Server* server_ = nullptr;
  socketio::Server* io_ = nullptr;
  std::vector<MetricsPage*> all_;
};

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// A run: connections open, the load warms up, is measured for a while, and that is reported as
// data.
//
//   thread  run() blocks the calling one, which does nothing but count together what the workers
//           have, once an interval

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/duration.h"
#include "tools/bench/plan.h"
#include "tools/bench/tally.h"

namespace hilo::tools::bench {

// A point in the plots.
struct Interval {
  net::Duration at;  // its end, from the beginning of what is measured
  net::Duration length;
  std::uint64_t messages = 0;
  net::Duration p50;
  net::Duration p99;
  net::Duration most;
};

// What the server's process used. Of a run without a --pid there is none.
struct ServerUse {
  net::Duration processor;                           // while it was measured
  std::uint64_t resident_bytes = 0;                  // at the end
  std::optional<std::int64_t> bytes_per_connection;  // idle: growth of that
};

struct Result {
  std::string label;  // which server, where there are several
  std::string error;  // not empty: the run could not be made, and the rest means little
  net::Duration measured;
  std::size_t connections = 0;  // open at the end
  Tally total;
  net::Duration busiest;  // processor time of the thread that had most to do, interval by interval
  std::vector<Interval> intervals;
  std::optional<ServerUse> server;

  double rate() const;  // messages a second
  // The share of one core that the busiest thread of the generator used.
  double generator_busy() const;
  double server_busy() const;          // in cores
  double server_microseconds() const;  // processor time for a message
  // Whether figures are of the generator rather than of the server, and why; else empty.
  std::string generator_limit(const Plan& plan) const;
};

struct RunOptions {
  std::string label;
  int pid = 0;  // of the server; 0: not known
  // Once an interval, for a person who waits: what is going on, and what is measured so far.
  std::function<void(const std::string& phase, const Result& so_far)> on_progress;
  // Asked often: ends the run early, with what was measured by then.
  std::function<bool()> is_interrupted;
};

Result run(const Plan& plan, const RunOptions& options);

}  // namespace hilo::tools::bench

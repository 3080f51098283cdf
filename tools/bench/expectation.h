// SPDX-License-Identifier: MIT
//
// Expectation: what a run has to reach, as "p99<5ms" says it, so that a program can decide by it.
//
//   p50 p90 p99 p99.9 p99.99 max mean   a latency, against a duration
//   rate                                messages a second
//   cpu                                 processor time of the server for each, against a duration
//   memory                              bytes of an idle connection
//   failed                              connections

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/bench/run.h"

namespace hilo::tools::bench {

struct Expectation {
  std::string text;     // as it was written
  std::string figure;   // "p99"
  bool at_most = true;  // '<'; else '>'
  double bound = 0;     // nanoseconds, for durations

  // Nothing if it is not written as above.
  static std::optional<Expectation> parse(std::string_view text);
};

// What is wrong, in words; nothing if it was reached. A figure that the run does not have is not
// reached.
std::optional<std::string> disappointment(const Expectation& expectation, const Result& result);

}  // namespace hilo::tools::bench

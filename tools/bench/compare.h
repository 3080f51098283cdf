// SPDX-License-Identifier: MIT
//
// Compare: two servers under the same load in turns, in one run. What the machine does beside it
// then happens to both, and the ratio of a round holds where its two figures would not.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/bench/plan.h"
#include "tools/bench/run.h"

namespace hilo::tools::bench {

struct Contender {
  Plan plan;
  RunOptions options;
};

// Who is first changes from round to round. Ends early where a run is interrupted or cannot be
// made; that is the last one then. The results of the two stand in turns, A's first.
std::vector<Result> run_in_turns(const Contender& a, const Contender& b, unsigned rounds);

// What A's figures are divided by B's: the median of the rounds, and the least and the most.
struct Ratio {
  std::string what;  // "processor time of the server"
  double median = 0;
  double least = 0;
  double most = 0;
  bool less_is_better = true;
};
// Only of what both have.
std::vector<Ratio> ratios(const std::vector<Result>& results);

std::string comparison_text(const Contender& a, const Contender& b,
                            const std::vector<Result>& results);
// One line, without its end.
std::string comparison_json(const Contender& a, const Contender& b,
                            const std::vector<Result>& results);

}  // namespace hilo::tools::bench

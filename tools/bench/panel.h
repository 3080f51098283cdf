// SPDX-License-Identifier: MIT
//
// Panel: a few lines on a terminal that say what a run is doing, written over themselves.

#pragma once

#include <string>

#include "tools/bench/plan.h"
#include "tools/bench/run.h"

namespace hilo::tools::bench {

class Panel {
 public:
  explicit Panel(const Plan& plan) noexcept : plan_(&plan) {}

  // What to write now, with what takes back the lines before.
  std::string show(const std::string& phase, const Result& so_far);
  // What takes them back at the end.
  std::string clear();

 private:
  const Plan* plan_;
  int lines_ = 0;
};

}  // namespace hilo::tools::bench

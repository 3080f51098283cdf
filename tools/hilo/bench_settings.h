// SPDX-License-Identifier: MIT
//
// What the flags of `hilo bench` say, and the plan that comes of it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/bench/expectation.h"
#include "tools/bench/plan.h"
#include "tools/hilo/command.h"

namespace hilo::tools {

struct BenchSettings {
  std::string url;
  std::string compared_url;  // A, where the first is B
  bench::Plan plan;          // but for where to
  std::string event;         // Socket.IO: a JSON array; empty: the mode's own
  std::string join;
  bool socketio = false;
  std::string sources;  // "127.0.0.2-127.0.0.9"
  std::string ca_file;
  bool insecure = false;
  std::vector<int> pids;
  unsigned rounds = 1;
  std::vector<bench::Expectation> expectations;
  bool json = false;
  std::string html_file;
  std::string hgrm_file;
};

std::vector<FlagGroup> bench_flags(BenchSettings& settings);

// The plan for a URL, its name looked up; or what is wrong with it.
struct MadePlan {
  bench::Plan plan;
  Complaint complaint;
};
MadePlan make_plan(const BenchSettings& settings, const std::string& url);

}  // namespace hilo::tools

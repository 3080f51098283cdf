// SPDX-License-Identifier: MIT
//
// Runs whole systems, one seed after the other, until one goes wrong: `make sim SEED=1 RUNS=2000`.
//
//   sim [first seed] [runs]
//
// A line now and then says how many runs a minute there are; at the end a table says how often each
// fault struck. A seed that goes wrong prints what was violated, and how it is run again.

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "tests/sim/system/system.h"

using namespace hilo::sim;

namespace {

using Clock = std::chrono::steady_clock;

struct Totals {
  std::uint64_t runs = 0;
  std::uint64_t messages = 0;
  std::int64_t virtual_seconds = 0;
  FaultCounts faults{};
};

void add(Totals& totals, const SystemRun& run) {
  ++totals.runs;
  totals.messages += run.messages;
  totals.virtual_seconds += run.took.nanoseconds / 1'000'000'000;
  for (std::size_t i = 0; i < fault_count; ++i) totals.faults[i] += run.faults[i];
}

double minutes_since(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count() / 60;
}

void print_progress(const Totals& totals, Clock::time_point since) {
  const double minutes = minutes_since(since);
  std::printf("%" PRIu64 " runs, %.0f a minute, %" PRIu64 " messages, %" PRId64
              " h of virtual time\n",
              totals.runs, static_cast<double>(totals.runs) / minutes, totals.messages,
              totals.virtual_seconds / 3600);
  std::fflush(stdout);
}

void print_faults(const Totals& totals) {
  for (std::size_t i = 0; i < fault_count; ++i) {
    const std::string_view name = to_string(static_cast<Fault>(i));
    std::printf("  %-60.*s %12" PRIu64 "\n", static_cast<int>(name.size()), name.data(),
                totals.faults[i]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t first = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const std::uint64_t runs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2000;
  const auto since = Clock::now();
  auto told = since;
  Totals totals;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const SystemRun run = run_system(seed);
    add(totals, run);
    if (!run.violations.empty()) {
      std::printf("seed %" PRIu64 " goes wrong:\n", seed);
      for (const std::string& violation : run.violations) std::printf("  %s\n", violation.c_str());
      std::printf("once more: make sim SEED=%" PRIu64 " RUNS=1\n", seed);
      return 1;
    }
    if (Clock::now() - told > std::chrono::seconds(10)) {
      told = Clock::now();
      print_progress(totals, since);
    }
  }
  print_faults(totals);
  print_progress(totals, since);
  return 0;
}

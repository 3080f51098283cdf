// SPDX-License-Identifier: MIT
//
// Whole systems from seeds (tests/sim/system): `make sim` runs more of them, and shows the rate.

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "tests/sim/system/system.h"
#include "tests/sim/world.h"

using namespace hilo::sim;

namespace {

// Where a sanitizer looks on, each run takes several times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t runs = 100;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t runs = 100;
#else
constexpr std::uint64_t runs = 2000;
#endif
#else
constexpr std::uint64_t runs = 2000;
#endif

}  // namespace

TEST_CASE("whatever goes wrong, nothing accepted is lost, and everybody finds back") {
  FaultCounts faults{};
  for_each_seed(runs, [&](std::uint64_t seed) {
    const SystemRun run = run_system(seed);
    for (std::size_t i = 0; i < fault_count; ++i) faults[i] += run.faults[i];
    for (const std::string& violation : run.violations) {
      FAIL_CHECK("seed ", seed, " (make sim SEED=", seed, " RUNS=1): ", violation);
    }
    if (run.violations.empty()) {
      CHECK(run.messages >= messages_least);
    }
  });
  if (number_from_environment("SIM_SEED", 0) != 0) return;
  for (std::size_t i = 0; i < fault_count; ++i) {
    CAPTURE(to_string(static_cast<Fault>(i)));
    CHECK(faults[i] > 0);
  }
}

TEST_CASE("a run replays to the byte") {
  for_each_seed(5, [](std::uint64_t seed) {
    const SystemRun one = run_system(seed);
    const SystemRun two = run_system(seed);
    CHECK(one.trace == two.trace);
    CHECK(one.messages == two.messages);
    CHECK(one.took == two.took);
    CHECK(one.trace != run_system(seed + 1000).trace);
  });
}

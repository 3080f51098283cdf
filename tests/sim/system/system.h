// SPDX-License-Identifier: MIT
//
// One run of a whole system from one seed: a server, nine or more clients of three kinds on three
// hosts, and a network on which everything goes wrong; then all faults are taken away, and
// everybody has to find back, be answered, and go in good order, leaving nothing behind.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/duration.h"
#include "tests/sim/faults.h"

namespace hilo::sim {

// What every run reaches before the faults are taken away.
inline constexpr std::uint64_t messages_least = 200;
inline constexpr std::uint64_t faults_least = 10;

struct SystemRun {
  std::vector<std::string> violations;  // none: all went as it should
  std::uint64_t messages = 0;           // that arrived, with events of Socket.IO
  FaultCounts faults{};
  std::uint64_t trace = 0;  // the same for the same seed
  net::Duration took;       // on the virtual clock
};

SystemRun run_system(std::uint64_t seed);

}  // namespace hilo::sim

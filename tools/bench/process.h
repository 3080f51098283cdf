// SPDX-License-Identifier: MIT
//
// What another process has used, as Linux tells it in /proc: for the server under test, whose
// processor time for a message says more on a small machine than how many messages there were.

#pragma once

#include <cstdint>
#include <optional>

#include "net/duration.h"

namespace hilo::tools::bench {

struct ProcessUse {
  net::Duration processor;  // of all its threads, by the scheduler's clock
  std::uint64_t resident_bytes = 0;
};

// Nothing if there is no such process, or no /proc.
std::optional<ProcessUse> look_at_process(int pid);

}  // namespace hilo::tools::bench

// SPDX-License-Identifier: MIT
//
// One visit under torture, and what has to hold whatever failed: nobody crashes or spins, every end
// is told once, all that was taken is given back, and the next visit goes whole.

#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/torture/visit.h"

namespace hilo::sim::torture {

struct Outcome {
  bool was_whole = false;
  std::string complaint;  // empty: all is well
};

// `arm` is called when the visit is about to begin, `disarm` when it has had its time.
Outcome run_visit(const Kind& kind, void (*arm)(void*), void (*disarm)(), void* argument);

}  // namespace hilo::sim::torture

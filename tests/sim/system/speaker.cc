// SPDX-License-Identifier: MIT

#include "tests/sim/system/speaker.h"

namespace hilo::sim {

std::size_t draw_message_bytes(Random& random) {
  const std::size_t kind = random.below(100);
  if (kind < 60) return random.below(60);
  if (kind < 90) return random.below(2000);
  return kind < 98 ? random.below(12'000) : random.below(100'000);
}

}  // namespace hilo::sim

// SPDX-License-Identifier: MIT

#include "ws/memory_watch.h"

namespace hilo::ws {

void MemoryWatch::act() noexcept {
  if (!armed()) loop_->timers().arm(*this, loop_->now());
}

void MemoryWatch::on_timer(net::Time) {
  // It may have gone down by itself.
  if (!is_over()) return;
  // What nobody uses goes first, and may be enough.
  loop_->pool().trim();
  if (!is_over()) return;
  host_->shed_memory(loop_->pool().taken_bytes() - bytes_max_ + bytes_max_ / 8);
}

}  // namespace hilo::ws

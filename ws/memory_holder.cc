// SPDX-License-Identifier: MIT

#include "ws/memory_holder.h"

#include <algorithm>

namespace hilo::ws {

void Largest::decide(std::size_t wanted) noexcept {
  std::size_t above = 0;
  least_class_ = by_class_.size() - 1;
  while (least_class_ > 1 && above + by_class_[least_class_] < wanted) {
    above += by_class_[least_class_--];
  }
  from_least_ = wanted - std::min(above, wanted);
}

bool Largest::takes(std::size_t bytes, std::size_t share) noexcept {
  if (bytes == 0 || class_of(bytes) < least_class_) return false;
  if (class_of(bytes) > least_class_) return true;
  if (from_least_ == 0) return false;
  from_least_ -= std::min(from_least_, share);
  return true;
}

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT

#include "ws/mask_keys.h"

#include <algorithm>

#include "net/entropy.h"

namespace hilo::ws {

Result<MaskKey> MaskKeys::next() noexcept {
  const unsigned generation = net::entropy_fork_generation();
  if (used_ == batch_bytes || generation != fork_generation_) {
    if (Status status = net::entropy_fill(batch_); !status) return status.error();
    used_ = 0;
    fork_generation_ = generation;
  }
  MaskKey key;
  std::copy_n(batch_.begin() + static_cast<std::ptrdiff_t>(used_), key.size(), key.begin());
  used_ += key.size();
  return key;
}

}  // namespace hilo::ws

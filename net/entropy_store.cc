// SPDX-License-Identifier: MIT

#include "net/entropy_store.h"

#include <algorithm>

#include "net/entropy.h"

namespace hilo::net {

Status EntropyStore::fill(MutableBytes out) noexcept {
  if (out.size() > batch_bytes) return entropy_fill(out);
  const unsigned generation = entropy_fork_generation();
  if (out.size() > batch_bytes - used_ || generation != fork_generation_) {
    if (Status status = entropy_fill(batch_); !status) return status;
    used_ = 0;
    fork_generation_ = generation;
  }
  const auto from = batch_.begin() + static_cast<std::ptrdiff_t>(used_);
  const auto to = from + static_cast<std::ptrdiff_t>(out.size());
  std::copy(from, to, out.begin());
  // What is a secret now is not to be found here as well.
  std::fill(from, to, std::uint8_t{0});
  used_ += out.size();
  return {};
}

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// Backoff: how long to wait before the next attempt, so that neither a server that is down nor one
// that has just come back is run over by its clients.
//
// Before attempt n the wait is a random part of min(cap, base * 2^n), from nothing to all of it
// ("full jitter"): clients that were cut off together do not come back together. The randomness is
// an argument, and so is nothing else: no clock, no state but a number.

#pragma once

#include <cstdint>

#include "net/duration.h"

namespace hilo::ws {

struct BackoffOptions {
  net::Duration base = net::Duration::seconds(1);
  net::Duration cap = net::Duration::seconds(30);
};

class Backoff {
 public:
  // Durations below zero count as zero.
  explicit Backoff(const BackoffOptions& options = {}) noexcept : options_(options) {}

  // The longest that next() may say.
  net::Duration ceiling() const noexcept;
  // The wait before the next attempt. `random` is uniform over all 64 bits.
  net::Duration next(std::uint64_t random) noexcept;
  // It went well: begin again with `base`.
  void reset() noexcept { count_ = 0; }
  // Calls of next() since the last reset.
  std::uint32_t count() const noexcept { return count_; }

 private:
  BackoffOptions options_;
  std::uint32_t count_ = 0;
};

}  // namespace hilo::ws

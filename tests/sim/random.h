// SPDX-License-Identifier: MIT
//
// Random: the one source of chance in a simulation. The same seed gives the same numbers on every
// machine, which <random>'s distributions do not promise. (splitmix64, by Sebastiano Vigna's
// published constants.)

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"

namespace hilo::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
  }
  // 0 to limit - 1; `limit` is above 0.
  std::size_t below(std::size_t limit) noexcept { return static_cast<std::size_t>(next() % limit); }
  std::size_t between(std::size_t least, std::size_t most) noexcept {
    return least + below(most - least + 1);
  }
  // Draws nothing at 0, so that a fault that is switched off does not shift the others.
  bool chance(unsigned percent) noexcept { return percent != 0 && below(100) < percent; }
  void fill(MutableBytes out) noexcept {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next());
  }

 private:
  std::uint64_t state_;
};

}  // namespace hilo::sim

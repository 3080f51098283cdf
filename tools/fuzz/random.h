// SPDX-License-Identifier: MIT
//
// Random: the one source of chance of a case. The same seed gives the same numbers on every
// machine, which std::uniform_int_distribution does not promise. The generator is SplitMix64.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hilo::tools::fuzz {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // Of a case: neighbours have nothing in common.
  Random(std::uint64_t seed, std::uint64_t number) : state_(seed) {
    state_ = next() ^ (number * 0xD1B54A32D192ED03);
  }

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // Below `limit`, which is not 0.
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
  std::size_t between(std::size_t least, std::size_t most) {
    return least + below(most - least + 1);
  }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  std::string octets(std::size_t size) {
    std::string octets(size, '\0');
    for (char& octet : octets) octet = static_cast<char>(next() >> 56);
    return octets;
  }

 private:
  std::uint64_t state_;
};

}  // namespace hilo::tools::fuzz

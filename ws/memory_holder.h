// SPDX-License-Identifier: MIT
//
// Who holds memory for peers, and who of them has to give it up (memory_watch.h).
//
//   thread  the loop's

#pragma once

#include <array>
#include <bit>
#include <cstddef>

namespace hilo::ws {

// Picks the largest of many without writing them down: they are shown twice, in the same order.
//
//   Largest largest;
//   for each: largest.count(bytes of it, share);
//   largest.decide(bytes wanted back);
//   for each: if (largest.takes(bytes of it, share)) give it up;
//
// `share` is what giving it up brings: less than `bytes`, if others hold some of these, too. It may
// have grown when it is shown again. Sizes are told apart by powers of two.
class Largest {
 public:
  void count(std::size_t bytes, std::size_t share) noexcept { by_class_[class_of(bytes)] += share; }
  void decide(std::size_t wanted) noexcept;
  // Never true for nothing.
  bool takes(std::size_t bytes, std::size_t share) noexcept;

 private:
  static std::size_t class_of(std::size_t bytes) noexcept {
    return static_cast<std::size_t>(std::bit_width(bytes));
  }

  std::array<std::size_t, sizeof(std::size_t) * 8 + 1> by_class_{};
  std::size_t least_class_ = 1;  // all above it are taken, and of it as many as are needed
  std::size_t from_least_ = 0;   // bytes of that class still to be taken
};

// What a layer on top holds in the loop's Pool for peers, beside their connections. It is shown and
// given up like theirs.
class MemoryHolder {
 public:
  MemoryHolder() = default;
  MemoryHolder(const MemoryHolder&) = delete;
  MemoryHolder& operator=(const MemoryHolder&) = delete;
  virtual ~MemoryHolder() = default;
  // Shows each of its peers to Largest::count(); then, in the same order, to Largest::takes(), and
  // gives up those that it takes.
  virtual void count_memory(Largest& largest) = 0;
  virtual void give_up_memory(Largest& largest) = 0;
};

}  // namespace hilo::ws

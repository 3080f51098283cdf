// SPDX-License-Identifier: MIT
//
// MemoryWatch: what a loop holds for its peers, all of them together. Each is bounded by limits of
// its own; ten thousand who all go to those limits would still be more than a machine has.
//
//   counts   what was taken from the loop's Pool: unfinished messages, output that waits, bodies of
//            requests, and what layers on top hold (MemoryHolder), in the blocks that they lie in
//   answers  once that is over the limit, or would be with what lies unused in the Pool, the latter
//            is freed; if that is not enough, the host gives up what is largest, until an eighth of
//            the limit is free again. It happens in the next timers phase, never within look(), so
//            one turn may go above the limit by what it brings.
//   costs    look() is three loads and a comparison
//
//   thread   the loop's
//   life     the host must outlive this

#pragma once

#include <array>
#include <bit>
#include <cstddef>

#include "net/loop.h"

namespace hilo::ws {

class MemoryWatch final : private net::Timer {
 public:
  class Host {
   public:
    // Give back at least so much.
    virtual void shed_memory(std::size_t bytes) = 0;

   protected:
    ~Host() = default;
  };

  // `bytes_max` 0: no limit.
  MemoryWatch(net::Loop& loop, Host& host, std::size_t bytes_max) noexcept
      : loop_(&loop), host_(&host), bytes_max_(bytes_max) {}
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;
  ~MemoryWatch() { loop_->timers().cancel(*this); }

  // To be called by whoever holds more than before.
  void look() noexcept {
    if (is_over()) act();
  }

 private:
  bool is_over() const noexcept {
    const Pool& pool = loop_->pool();
    return bytes_max_ != 0 && pool.taken_bytes() + pool.cached_bytes() > bytes_max_;
  }
  void act() noexcept;
  void on_timer(net::Time now) override;

  net::Loop* loop_;
  Host* host_;
  std::size_t bytes_max_;
};

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

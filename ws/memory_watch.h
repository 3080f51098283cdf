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

#include <cstddef>

#include "net/loop.h"
#include "ws/memory_holder.h"

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

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// SendTimes: when the messages of one connection were sent that are not answered yet, the oldest
// first. Answers come in order, so the oldest is whose answer comes next. Messages that left
// together are one entry; the memory is kept, so a steady load allocates nothing.

#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "net/duration.h"

namespace hilo::tools::bench {

class SendTimes {
 public:
  void push(net::Time time, std::size_t count) {
    if (size_ == ring_.size()) grow();
    ring_[(first_ + size_) % ring_.size()] = {time, count};
    ++size_;
  }

  // Takes up to `count` off the front, and calls on_taken(time, how_many) for each entry.
  template <class OnTaken>
  void pop(std::size_t count, OnTaken on_taken) {
    while (count > 0 && size_ > 0) {
      Entry& entry = ring_[first_];
      const std::size_t some = std::min(count, entry.count);
      on_taken(entry.time, some);
      count -= some;
      entry.count -= some;
      if (entry.count > 0) return;
      first_ = (first_ + 1) % ring_.size();
      --size_;
    }
  }

  // Calls visit(time, how_many) for each entry, the oldest first.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < size_; ++i) {
      const Entry& entry = ring_[(first_ + i) % ring_.size()];
      visit(entry.time, entry.count);
    }
  }

  void clear() noexcept { size_ = 0; }

 private:
  struct Entry {
    net::Time time;
    std::size_t count = 0;
  };

  void grow() {
    std::vector<Entry> larger(std::max<std::size_t>(4, ring_.size() * 2));
    for (std::size_t i = 0; i < size_; ++i) larger[i] = ring_[(first_ + i) % ring_.size()];
    ring_ = std::move(larger);
    first_ = 0;
  }

  std::vector<Entry> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace hilo::tools::bench

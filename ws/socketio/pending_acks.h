// SPDX-License-Identifier: MIT
//
// PendingAcks: the answers that one socket waits for, of a server's or a client's. Whoever adds one
// looks at size() first: a peer that never answers must not make it grow.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "ws/socketio/arguments.h"

namespace hilo::socketio {

struct PendingAck {
  std::uint64_t id = 0;
  AckHandler handler = nullptr;   // none: nobody waits
  net::Loop::TimerId timer = {};  // what ends the waiting, if something does
};

class PendingAcks {
 public:
  std::size_t size() const noexcept { return list_.size(); }
  void add(PendingAck ack) { list_.push_back(std::move(ack)); }
  // Without a handler if nobody waits for that one, or no longer.
  PendingAck take(std::uint64_t id) {
    const auto found = std::find_if(list_.begin(), list_.end(),
                                    [id](const PendingAck& each) { return each.id == id; });
    if (found == list_.end()) return {};
    PendingAck taken = std::move(*found);
    list_.erase(found);
    return taken;
  }
  std::vector<PendingAck> take_all() { return std::exchange(list_, {}); }
  // tell(handler) for each of which is(id) is true, in their order. What is told may add others,
  // which are not among them. Needs no memory.
  template <class Is, class Tell>
  void take_each(Is&& is, Tell&& tell) {
    const std::size_t count = list_.size();
    for (std::size_t i = 0; i < std::min(count, list_.size()); ++i) {
      if (!is(list_[i].id)) continue;
      AckHandler handler = std::exchange(list_[i].handler, nullptr);
      if (handler) tell(handler);
    }
    std::erase_if(list_, [](const PendingAck& each) { return !each.handler; });
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const PendingAck& each : list_) visit(each);
  }

 private:
  std::vector<PendingAck> list_;
};

}  // namespace hilo::socketio

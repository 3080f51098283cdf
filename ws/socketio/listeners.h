// SPDX-License-Identifier: MIT
//
// Listeners: who is called for which event of a socket. Any of them may add and remove listeners
// while they are called. What is added then hears the next event; what is removed is not called any
// more, not even for this one, or it might find gone what it refers to (in the reference it is).
//
// Names are kept once for all sockets (Names), so that a listener costs its callback and a number.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ws/socketio/arguments.h"

namespace hilo::socketio {

// Numbers for the names that the application listens to. Peers add none.
class Names {
 public:
  static constexpr std::uint32_t none = 0;

  std::uint32_t add(std::string_view name);
  // `none` if it was never added.
  std::uint32_t find(std::string_view name) const noexcept;

 private:
  std::deque<std::string> texts_;  // which the keys point into
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

class Listeners {
 public:
  void add(std::uint32_t name, EventHandler handler, bool once);
  // All of that name; with Names::none, all.
  void remove(std::uint32_t name) noexcept;
  bool has(std::uint32_t name) const noexcept;

  // Calls `call(handler, is_last)` for each of that name, in the order of adding.
  template <class Call>
  void for_each(std::uint32_t name, Call&& call) {
    if (list_.empty() && added_ == nullptr) return;
    ++running_;
    const Finish finish{this};
    for (auto at = find(list_.begin(), name); at != list_.end();) {
      const auto next = find(at + 1, name);
      // Before the call, which may emit to itself.
      if (at->once) at->name = Names::none;
      call(at->handler, next == list_.end());
      at = find(next, name);  // who was to be next may have been removed
    }
  }

 private:
  struct Listener {
    EventHandler handler;
    std::uint32_t name;
    bool once;
  };
  // Also when a handler throws.
  struct Finish {
    Listeners* listeners;
    ~Finish() { listeners->finish(); }
  };
  using Place = std::vector<Listener>::iterator;
  Place find(Place from, std::uint32_t name) noexcept {
    return std::find_if(from, list_.end(), [&](const Listener& each) { return each.name == name; });
  }
  void finish() noexcept;

  std::vector<Listener> list_;
  std::unique_ptr<std::vector<Listener>> added_;  // while running
  std::uint32_t running_ = 0;
};

}  // namespace hilo::socketio

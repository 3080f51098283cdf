// SPDX-License-Identifier: MIT
//
// Listeners: who is called for which event of a socket. Any of them may add and remove listeners
// while they are called; what is added then hears the next event.
//
// Names are kept once for all sockets (Names), so that a listener costs its callback and a number.

#pragma once

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

  // Calls `call(handler)` for each of that name, in the order of adding.
  template <class Call>
  void for_each(std::uint32_t name, Call&& call) {
    if (list_.empty()) return;
    ++running_;
    const Finish finish{this};
    for (Listener& listener : list_) {
      if (listener.name != name) continue;
      // Before the call, which may emit to itself.
      if (listener.once) listener.name = Names::none;
      call(listener.handler);
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
  void finish() noexcept;

  std::vector<Listener> list_;
  std::unique_ptr<std::vector<Listener>> added_;  // while running
  std::uint32_t running_ = 0;
};

}  // namespace hilo::socketio

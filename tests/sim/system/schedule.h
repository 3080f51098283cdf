// SPDX-License-Identifier: MIT
//
// Schedule: several hosts, each with a loop of its own, in one thread. A round gives every host
// that is awake one turn, in an order of chance; now and then one is passed over, and a round takes
// time. A host that has nothing to do sleeps in its wait: only what its poller reports, or the
// deadline that it knew of when it fell asleep, wakes it. When nobody has anything to do, time
// jumps to what comes next: a deadline of a host's, or an entry of the network's agenda. Those run
// between turns, so that they may destroy a host.
//
//   life  the Network first; a loop must be removed before it is destroyed

#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "net/loop.h"
#include "tests/sim/virtual_network.h"

namespace hilo::sim {

class Schedule {
 public:
  explicit Schedule(Network& network) noexcept : network_(&network) {}

  void add(net::Loop& loop) { hosts_.push_back({.loop = &loop}); }
  void remove(net::Loop& loop);
  // As SIGSTOP does, and SIGCONT so much later.
  void pause(net::Loop& loop, net::Duration duration);
  void round();

  // Hosts are passed over, and rounds take time.
  bool uneven = true;

 private:
  struct Host {
    net::Loop* loop;
    net::Time paused_until = {};
    bool sleeps = false;  // it is in its wait, until something is ready or
    net::Time sleeps_until = {};
  };
  static constexpr net::Time for_ever{std::numeric_limits<std::int64_t>::max()};
  // Whether it had nothing to do.
  bool turn(Host& host);
  void sleep();

  Network* network_;
  std::vector<Host> hosts_;
};

}  // namespace hilo::sim

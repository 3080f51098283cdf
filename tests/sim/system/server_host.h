// SPDX-License-Identifier: MIT
//
// ServerHost: the process that is tested. One or two loops on one port, as `hilo serve` has them:
// WebSockets at /echo in each, Engine.IO at /engine.io/ and Socket.IO at /socket.io/ in the first,
// which connections that come in at the other move to. It can be killed, told to stop, and started
// again.
//
//   life  within its Network, Schedule and Ledger. start(), kill() and collect() between turns only

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/address.h"
#include "tests/sim/system/ledger.h"
#include "tests/sim/system/schedule.h"
#include "tests/sim/world.h"
#include "ws/limits.h"

namespace hilo::sim {

class ServerHost {
 public:
  ServerHost(Network& network, Schedule& schedule, Ledger& ledger, std::size_t loops);
  ServerHost(const ServerHost&) = delete;
  ServerHost& operator=(const ServerHost&) = delete;
  ~ServerHost();

  void start();
  // Everything ends where it is.
  void kill();
  // What `hilo serve` does about SIGTERM; it is gone some time later. Once.
  void terminate();
  // Ends the process of one that has stopped. True if it did.
  bool collect();

  bool is_up() const noexcept { return process_ != nullptr; }
  bool is_terminating() const noexcept;
  void pause(net::Duration duration);
  // Something to all: an event of Socket.IO that is counted.
  void send_news();
  // What must hold at any time.
  void check();
  // What it holds beyond what those who are there need, when nothing is under way; empty: nothing.
  std::string unaccounted() const;
  // Rules that were broken, as it sees it.
  std::uint64_t reject_count() const;
  // Of its loops: as it began, when nobody is connected.
  void check_baseline();

  static constexpr std::uint16_t port = 9001;

 private:
  struct Process;

  Network& network_;
  Schedule& schedule_;
  Ledger& ledger_;
  std::size_t loop_count_;
  std::uint64_t news_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace hilo::sim

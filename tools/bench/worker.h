// SPDX-License-Identifier: MIT
//
// Worker: one thread of a generator, with its loop, its share of the connections and their load.
//
//   thread  made by the constructor and joined by the destructor; the functions are for the thread
//           that made it
//   owns    its connections
//   life    the plan and the round outlive it

#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "net/loop.h"
#include "tools/bench/load.h"
#include "tools/bench/peer.h"
#include "tools/bench/plan.h"
#include "tools/bench/tally.h"

namespace hilo::tools::bench {

class Worker final : public PeerOwner {
 public:
  // The `index`th of plan.threads. `round` is for fanout.
  Worker(const Plan& plan, unsigned index, FanoutRound* round);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Why it cannot run; its loop, or its thread. Then only stop() may be called.
  Status status() const noexcept { return status_; }

  // So many connections shall be there; more are opened, evenly over `ramp`.
  void open(std::size_t connections, net::Duration ramp);
  std::size_t open_count() const noexcept { return open_count_.load(std::memory_order_relaxed); }
  // Of connections that did not open or ended unasked.
  std::size_t failed_count() const noexcept {
    return failed_count_.load(std::memory_order_relaxed);
  }

  // The load begins, or the next round of it.
  void begin();
  // What was counted since the last time. Waits for the thread.
  Tally take();
  // Adds to it what was not answered by now and has waited for longer than `longest`.
  void count_unanswered(net::Duration longest);
  // Ends the thread. All of them are stopped before any is destroyed: one may begin the next round
  // of another.
  void stop();

 private:
  void on_open(Peer& peer) override;
  void on_messages(Peer& peer, std::size_t count) override;
  void on_end(Peer& peer, std::string_view why) override;

  void run();
  void ask(const std::function<void()>& what);  // in the thread, and waits
  void open_more();
  void connect(Peer& peer);
  std::size_t due_count() const noexcept;
  void give_up_late_ones(net::Time now);

  const Plan& plan_;
  net::Loop loop_;
  Status status_;
  PeerShared shared_;
  Tally tally_;
  Peers peers_;
  std::unique_ptr<Load> load_;
  bool begun_ = false;
  bool stopping_ = false;

  std::size_t wanted_ = 0;     // connections
  std::size_t opening_ = 0;    // on their way
  std::size_t ramp_from_ = 0;  // there when the ramp began
  net::Time ramp_began_;
  net::Time looked_for_late_;
  net::Duration ramp_;
  std::size_t next_source_ = 0;
  net::Duration processor_taken_;

  std::atomic<std::size_t> open_count_{0};
  std::atomic<std::size_t> failed_count_{0};
  std::thread thread_;
};

}  // namespace hilo::tools::bench

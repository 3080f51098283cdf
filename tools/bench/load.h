// SPDX-License-Identifier: MIT
//
// Load: what the open connections of one thread do.
//
//   closed   each keeps so many messages in flight: an answer is what the next message waits for
//   paced    messages leave by a plan, whatever the answers do; latency counts from the planned
//   time,
//            so that a server that stalls cannot hide it by being asked less (coordinated omission)
//   fanout   one sends, all receive, and it sends again when all have
//   visits   each opens, closes and opens again
//
//   thread  its worker's

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/base/callback.h"
#include "net/duration.h"
#include "tools/bench/peer.h"
#include "tools/bench/plan.h"
#include "tools/bench/tally.h"

namespace hilo::tools::bench {

using Peers = std::vector<std::unique_ptr<Peer>>;

class Load {
 public:
  virtual ~Load() = default;
  // All connections are open, those of other threads too.
  virtual void begin() {}
  virtual void on_open(Peer&) {}
  virtual void on_messages(Peer& peer, std::size_t count) = 0;
  // It is idle, and may connect again if this says so.
  virtual bool connects_again() { return false; }
  // The end: counts what has waited for longer than `longest`, the longest time of all that was
  // answered.
  virtual void count_unanswered(net::Time now, net::Duration longest) {
    static_cast<void>(now);
    static_cast<void>(longest);
  }
  // Once a turn, when it is begun: does what is due and tells how long there is nothing to do;
  // negative: for ever.
  virtual net::Duration turn(net::Time) { return {-1}; }
};

// One sender for all threads. A round is over when the deliveries of all threads are there.
class FanoutRound {
 public:
  FanoutRound(unsigned threads, Callback<void()> send_next) noexcept
      : threads_(threads), send_next_(std::move(send_next)) {}

  // By the sender, before it sends.
  void begin(net::Time now) noexcept {
    began_.store(now.nanoseconds, std::memory_order_relaxed);
    number_.fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t number() const noexcept { return number_.load(std::memory_order_relaxed); }
  net::Time began() const noexcept { return {began_.load(std::memory_order_relaxed)}; }
  // By each thread that has all of its own. The last one has the sender send again.
  void finish() {
    if (done_.fetch_add(1) + 1 < threads_) return;
    done_.store(0);
    send_next_();
  }

 private:
  const unsigned threads_;
  std::atomic<unsigned> done_{0};
  std::atomic<std::int64_t> began_{0};
  std::atomic<std::uint64_t> number_{0};
  Callback<void()> send_next_;
};

// `peers` and `tally` outlive the load.
std::unique_ptr<Load> make_closed_load(const Plan& plan, Peers& peers, Tally& tally);
// `rate` is that of this thread.
std::unique_ptr<Load> make_paced_load(double rate, Peers& peers, Tally& tally);
// `sends`: this thread has the sender.
std::unique_ptr<Load> make_fanout_load(const Plan& plan, bool sends, Peers& peers, Tally& tally,
                                       FanoutRound& round);
std::unique_ptr<Load> make_visits_load(const Plan& plan, Tally& tally);
std::unique_ptr<Load> make_silent_load();

}  // namespace hilo::tools::bench

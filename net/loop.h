// SPDX-License-Identifier: MIT
//
// Loop: the reactor. It waits for readiness and calls whoever watches, one turn after the other:
//
//     wait -> dispatch -> resume -> timers -> posted -> reap -> flush -> wait ...
//
//   dispatch  Watcher::on_ready for every descriptor that is ready
//   resume    Watcher::on_resume for those who stopped with input left in memory
//   timers    Timer::on_timer and call_after callbacks that are due
//   posted    what other threads handed over with post()
//   reap      Watcher::on_reap: where things die, and nowhere else
//   flush     Watcher::on_flush: output collected for other connections during the turn leaves
//
// Reaping calls the application (on_close), which may send; so it stands before flush, and both are
// repeated until nothing is left. A turn whose queues are not empty is followed by a wait that does
// not block.
//
//   thread  the loop and all that belongs to it live in the thread that calls run(); only post(),
//           stop() and nothing else may be called from other threads. stop() is safe in a signal
//           handler. Debug builds check the thread.
//   memory  one receive buffer, one send buffer and one Pool, shared by all connections of the loop
//   errors  the constructor cannot return one: status() does, and run() returns it again. What a
//           callback of the application's own throws (post, call_after, a Watcher) is not caught
//           here: it may end the process
//   life    everything that watches must be gone before the Loop is destroyed

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "net/base/allocator.h"
#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "net/base/error_code.h"
#include "net/base/owner.h"
#include "net/base/pool.h"
#include "net/base/result.h"
#include "net/base/slab.h"
#include "net/duration.h"
#include "net/poller.h"
#include "net/time_histogram.h"
#include "net/timers.h"
#include "net/wakeup.h"

namespace hilo::net {

class Stream;

// Whoever holds a slot of the loop. Each function is called from run(), never from within another
// one of the same Watcher. A phase is entered only when it was asked for with Loop::schedule().
class Watcher {
 public:
  virtual void on_ready(Ready ready) = 0;
  virtual void on_resume() {}
  virtual void on_reap() {}  // may unwatch and destroy itself
  virtual void on_flush() {}

 protected:
  ~Watcher() = default;
};

enum class Phase : std::uint8_t { resume = 1, reap = 2, flush = 4 };

// What Loop::destroy_later() destroys.
class Doomed {
 public:
  virtual ~Doomed() = default;

 private:
  friend class Loop;
  Owner<Doomed> next_;
};

class Loop {
 public:
  struct Options {
    std::size_t receive_bytes = std::size_t{512} << 10;  // one receive takes at most this much
    std::size_t send_bytes = std::size_t{256} << 10;     // replies of one dispatch collect here
    // For so long a wait asks again and again before it blocks, which saves the time that waking
    // takes and costs a processor meanwhile. Only while it pays: a wait that asked in vain blocks,
    // and so do the next ones until one of them hears of something within this time.
    Duration busy_poll = {};
  };

  Loop() noexcept;
  explicit Loop(Options options) noexcept;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  const Status& status() const noexcept { return status_; }

  // Runs turns until stop() is called. Returns the error that ended it, if one did.
  Status run();
  // One turn, waiting at most `timeout` (negative: for ever). For tests and for nesting.
  Status run_once(Duration timeout);
  // Ends run() after the current turn; before run() it ends the next one at once. From any thread,
  // and from a signal handler.
  void stop() noexcept;
  // For nesting in another event loop: run_once(0) when fd() becomes readable, and after
  // until_next_turn() at the latest (negative: never). fd() is -1 where the poller has no such
  // descriptor. Between turns ask for things by post(): it makes fd() readable, and now(), from
  // which deadlines count, stands still until the turn that runs it. See tools/loops.
  int fd() const noexcept { return poller_.fd(); }
  Duration until_next_turn() const noexcept;

  // The time when this turn began (its wait returned).
  Time now() const noexcept { return now_; }

  // System calls of the loop and its streams, for the cost of a message: each wait of the poller,
  // and each attempt to read and to write (TLS may make more of one).
  struct Calls {
    std::uint64_t waits = 0;
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
  };
  const Calls& calls() const noexcept { return calls_; }
  void count_read() noexcept { ++calls_.reads; }    // for Stream
  void count_write() noexcept { ++calls_.writes; }  // for Stream

  // How long turns took, their waiting not counted: so late may be what became due meanwhile.
  const TimeHistogram& lag() const noexcept { return lag_; }
  // A call behind each turn that took `longest` or longer: some handler kept all others waiting. In
  // the loop's thread; `took` does not count the waiting. One that never returns is never told of.
  // The last one set is called, an empty one ends it; not to be set within itself.
  void on_stall(Duration longest, Callback<void(Duration took)> callback);

  // Takes a slot for `watcher`, who must stay where it is until unwatch(). With fd -1 the slot
  // serves for phases alone; from 2^27 - 1 on a descriptor is one too many (EMFILE). A stale Token
  // is ignored by all that follow.
  Result<Token> watch(int fd, Interest interest, Watcher& watcher) noexcept;
  // The token of a slot's watcher, for whoever watches and keeps no more than the slot; of no_slot
  // it refers to nothing.
  static constexpr std::uint32_t no_slot = 0xFFFFFFFF;
  Token token_of(std::uint32_t slot) const noexcept {
    return slot == no_slot ? Token{} : Token{slot, slots_[slot].generation};
  }
  Status change(Token token, Interest interest) noexcept;
  void unwatch(Token token) noexcept;
  // Takes the descriptor from the poller and keeps the slot, which serves for phases alone from now
  // on: a descriptor that hung up reports that in every turn, whatever the interest.
  void detach(Token token) noexcept;
  // Calls the watcher in that phase of this turn, or of the next if the phase is over. Once,
  // however often it is asked for. Never fails and never allocates.
  void schedule(Token token, Phase phase) noexcept;
  // The same of a slot whose watcher asks; of no_slot nothing.
  void schedule_slot(std::uint32_t slot, Phase phase) noexcept;
  std::size_t watched_count() const noexcept { return watched_count_; }

  // The wheel that the loop advances. Arm timers relative to now().
  TimerWheel& timers() noexcept { return timers_; }

  // A call after `delay`, counted from now(), or from the clock while the loop does not run.
  // Allocates; for connections there is Timer. Without memory the id refers to nothing.
  using TimerId = SlabHandle;
  TimerId call_after(Duration delay, Callback<void()> callback);
  // Cancelling what has fired or was cancelled does nothing.
  void cancel(TimerId id) noexcept;

  // From any thread: `callback` runs in the loop's thread, in the order of the posts of one thread.
  // Posts after run() has returned are kept until it runs again, or destroyed with the loop. Throws
  // std::bad_alloc where there is no memory for it; it is not posted then.
  void post(Callback<void()> callback);

  // Destroys it in the next posted phase, where no callback of the loop's is running, or with the
  // loop. For what must not go in the callback in which it is given up. Needs no memory.
  void destroy_later(std::unique_ptr<Doomed> doomed) noexcept;

  // The memory that the connections of this loop share.
  Pool& pool() noexcept { return pool_; }

  // Where what is read lands, unless there is room for it elsewhere. No span, as everybody includes
  // this: see net/base/bytes.h.
  struct ReceiveBuffer {
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
  };
  const ReceiveBuffer& receive_buffer() const noexcept { return receive_buffer_; }

  // The send buffer belongs to the stream whose dispatch is running (`owner`), else to nobody.
  struct SendBuffer {
    Stream* owner = nullptr;
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    std::size_t capacity = 0;
  };
  SendBuffer& send_buffer() noexcept { return send_buffer_; }

  // What a stream needs to know until its dispatch ends, and so has no room for itself.
  struct DispatchState {
    std::size_t last_receive_bytes = 0;  // means something within on_input and on_received
    ErrorCode error;                     // why the stream broke; means something once it has
  };
  DispatchState& dispatch_state() noexcept { return dispatch_state_; }

  // True in the thread that runs the loop, and everywhere while it does not run.
  bool in_loop_thread() const noexcept;
  // True in the thread that runs the loop, or ran it last: for calls of any thread that are done at
  // once where that is possible, and posted elsewhere.
  bool ran_here() const noexcept;

 private:
  struct Slot {
    union {
      Watcher* watcher;
      std::uint32_t next_free;  // of a slot that waits to be used again
    };
    std::uint32_t generation;     // odd: in use
    std::uint32_t scheduled : 3;  // bits of Phase
    Interest interest : 2;
    std::uint32_t descriptor : 27;

    static constexpr std::uint32_t no_descriptor = (1U << 27) - 1;
    bool has_fd() const noexcept { return descriptor != no_descriptor; }
    int fd() const noexcept { return static_cast<int>(descriptor); }  // if it has one
  };
  static_assert(sizeof(Slot) <= 16);  // one for each idle connection
  // The slots that a phase is to call, first come, first served: those from `begin` to `end`. Each
  // stands there once at most, and there is room for all.
  struct PhaseQueue {
    std::uint32_t* slots = nullptr;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  class Delayed;
  class Running;
  static constexpr Duration never{INT64_MAX};

  Slot* live_slot(Token token) noexcept;
  bool make_slot() noexcept;
  bool make_room_for_slots() noexcept;
  void free_slot(std::uint32_t index) noexcept;
  bool waits(Phase phase) const noexcept {
    return (waiting_ & static_cast<std::uint8_t>(phase)) != 0;
  }
  Duration until_next_turn(Time now) const noexcept;
  Status turn(Duration timeout, Time now);
  Status wait_and_dispatch(Duration patience);
  Result<std::span<const Fired>> wait(Duration patience) noexcept {
    ++calls_.waits;
    return poller_.wait(patience);
  }
  Result<std::span<const Fired>> poll_busily(Duration patience);
  void dispatch(std::span<const Fired> fired);
  Status dispatch_rest();
  void run_phase(Phase phase);
  void move_to_front_and_append(PhaseQueue& queue, std::uint32_t slot) noexcept;
  void run_posted();
  void destroy_doomed() noexcept;
  void reap_and_flush();

  Options options_;
  Status status_;
  Poller poller_;
  Wakeup wakeup_;
  Pool pool_;
  Time now_;
  Time turn_end_;
  bool busy_poll_pays_ = true;
  TimerWheel timers_;
  TimeHistogram lag_;
  Calls calls_;
  Duration stall_ = never;  // so long, and on_stall_ is called; never, while it is empty
  Callback<void(Duration)> on_stall_;
  Memory receive_storage_;
  Memory send_storage_;
  ReceiveBuffer receive_buffer_;  // within receive_storage_ (mid_page.h)
  SendBuffer send_buffer_;
  DispatchState dispatch_state_;

  // Slots are found by index and may move when the table grows; watchers never hold a Slot&.
  Slot* slots_ = nullptr;
  std::uint32_t slot_capacity_ = 0;
  std::uint32_t slot_count_ = 0;  // used so far; memory behind them was never touched
  std::uint32_t free_slot_;       // was used and may be again
  std::size_t watched_count_ = 0;
  PhaseQueue phases_[3];
  std::uint8_t waiting_ = 0;  // bits of Phase: the queues that hold anything

  Slab<Delayed> delayed_;

  std::mutex posted_mutex_;
  std::vector<Callback<void()>> posted_;      // guarded by posted_mutex_
  std::vector<Callback<void()>> posted_now_;  // being run
  Owner<Doomed> doomed_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> has_posted_{false};
  std::atomic<std::uint64_t> thread_{0};  // who runs the loop; 0: nobody
  std::atomic<std::uint64_t> home_{0};    // who ran it last; 0: nobody
};

}  // namespace hilo::net

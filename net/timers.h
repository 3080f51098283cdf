// SPDX-License-Identifier: MIT
//
// TimerWheel: deadlines for as many timers as there are connections, each step O(1).
//
// Four wheels of 64 slots turn at 1 ms, 64 ms, 4.1 s and 4.4 min a slot. A timer goes into the slot
// that its distance allows and moves to a finer wheel as its time comes near; a 64-bit map per
// wheel says which slots hold anything, so that finding the next deadline looks at four words.
//
//     wheel 0   [0][1][2] ... [63]     1 ms each      fires
//     wheel 1   [0][1][2] ... [63]    64 ms each      moves down
//     wheel 2   [0][1][2] ... [63]   4.1 s each       moves down
//     wheel 3   [0][1][2] ... [63]   4.4 min each     moves down; what lies further waits here
//
// Time is an argument: the wheel owns no clock. A timer never fires early and at most one
// millisecond late as far as the wheel is concerned. Time may jump: an advance by hours costs no
// more than the slots and timers it passes.
//
//   memory  a Timer is part of the object that waits; arming and cancelling allocate nothing
//   thread  one
//   life    cancel a timer before it is destroyed, and the wheel after all its timers

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "net/base/intrusive_list.h"
#include "net/duration.h"

namespace hilo::net {

class Timer;

// What the wheel keeps in a Timer.
class TimerEntry : private ListNode<TimerEntry> {
 public:
  bool armed() const noexcept { return linked(); }
  Time deadline() const noexcept { return {deadline_ms() * 1'000'000}; }

 protected:
  TimerEntry() noexcept = default;
  ~TimerEntry() { HILO_DCHECK(!armed()); }

 private:
  friend class TimerWheel;
  friend class IntrusiveList<Timer, TimerEntry>;

  static constexpr int deadline_bits = 46;  // one more than a Time has milliseconds
  std::int64_t deadline_ms() const noexcept {
    constexpr int rest = 64 - deadline_bits;
    return static_cast<std::int64_t>(std::uint64_t{deadline_} << rest) >> rest;
  }
  void set_deadline_ms(std::int64_t ms) noexcept {
    deadline_ = static_cast<std::uint64_t>(ms) & ((std::uint64_t{1} << deadline_bits) - 1);
  }

  // Seven bytes, so that whoever derives from it begins with the eighth.
  std::uint64_t deadline_ : deadline_bits = 0;
  std::uint64_t wheel_ : 3 = 0;
  std::uint64_t slot_ : 6 = 0;
};

// Something with one deadline. Derive from it and implement on_timer().
class Timer : public TimerEntry {
 public:
  // The deadline has passed. The timer is no longer armed; it may arm itself again, and may cancel
  // or destroy itself or any other timer.
  virtual void on_timer(Time now) = 0;

 protected:
  Timer() noexcept = default;
  ~Timer() = default;
};

class TimerWheel {
 public:
  explicit TimerWheel(Time now) noexcept;

  // Arms the timer, or moves it. A deadline in the past fires at the next advance().
  void arm(Timer& timer, Time deadline) noexcept;
  void cancel(Timer& timer) noexcept;

  // Fires everything that is due at `now`, in the order of the deadlines. A timer armed meanwhile
  // for a time that has passed fires at the next advance(), so that no callback can hold the turn.
  void advance(Time now) noexcept {
    if (now >= quiet_until_) return fire(now);
    seen_ = std::max(seen_, now);
  }

  // How long a wait may last before advance() has something to do; negative if nothing is armed.
  // It may be too short (a wheel has to be moved down then), never too long.
  Duration until_next(Time now) const noexcept {
    if (armed_count_ == 0) return {-1};
    return now < quiet_until_ ? quiet_until_ - now : Duration{0};
  }

  std::size_t armed_count() const noexcept { return armed_count_; }

 private:
  static constexpr int wheels = 4;
  static constexpr int slots = 64;
  using Slot = IntrusiveList<Timer, TimerEntry>;

  // Deadlines are rounded up and the present is rounded down, so that nothing fires early.
  static std::int64_t round_down(Time time) noexcept {
    constexpr std::int64_t nanoseconds_per_ms = 1'000'000;
    const std::int64_t rest = time.nanoseconds % nanoseconds_per_ms;
    return time.nanoseconds / nanoseconds_per_ms - (rest < 0 ? 1 : 0);
  }

  struct Event {
    int wheel;
    int slot;
    std::int64_t ms;
  };

  void fire(Time now) noexcept;
  void place(Timer& timer, Slot& due) noexcept;
  Event next_event() const noexcept;
  Time next_work() const noexcept;

  std::array<std::array<Slot, slots>, wheels> slots_;
  std::array<std::uint64_t, wheels> occupied_{};
  Slot due_;  // armed for a time that had passed
  // Until then advance() has nothing to do, so that most turns look at no wheel.
  Time quiet_until_;
  Time seen_;            // as far as a quiet advance() came, which now_ms_ follows when it matters
  std::int64_t now_ms_;  // where the wheels stand
  std::size_t armed_count_ = 0;
};

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// A millisecond count is read as digits of six bits. A timer stands in the wheel of the highest
// digit in which its deadline differs from now, in the slot of that digit:
//
//     ... |  digit 3  |  digit 2  |  digit 1  |  digit 0  |   = deadline
//             wheel 3     wheel 2     wheel 1     wheel 0
//
// So everything in wheel 0 is due before anything in wheel 1, and so on, and within a wheel the
// slots are due in their order: the next event is the first slot of the first wheel that holds
// anything. Only wheel 3 goes round: it counts the distance, up to 63 slots, and what lies further
// away is put into the last of them and looked at again there.

#include "net/timers.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace hilo::net {

namespace {

constexpr int digit_bits = 6;
constexpr std::int64_t digit_mask = 63;
constexpr std::int64_t nanoseconds_per_ms = 1'000'000;
constexpr std::int64_t ms_max = std::numeric_limits<std::int64_t>::max() / nanoseconds_per_ms;
constexpr Time earliest{std::numeric_limits<std::int64_t>::min()};
constexpr Time latest{std::numeric_limits<std::int64_t>::max()};
// Where a timer stands that is in no slot: due already, or about to be fired.
constexpr unsigned no_wheel = 7;

std::int64_t round_up(Time time) noexcept {
  const std::int64_t rest = time.nanoseconds % nanoseconds_per_ms;
  return std::min(time.nanoseconds / nanoseconds_per_ms + (rest > 0 ? 1 : 0), ms_max);
}

// Which turn of a slot of that wheel `ms` belongs to.
std::int64_t tick(std::int64_t ms, int wheel) noexcept {
  return ms >> (digit_bits * wheel);
}

// The other way round: when that turn of the slot begins.
Time start_of(std::int64_t slot_tick, int wheel) noexcept {
  return {(slot_tick << (digit_bits * wheel)) * nanoseconds_per_ms};
}

}  // namespace

TimerWheel::TimerWheel(Time now) noexcept
    : quiet_until_(latest), seen_(now), now_ms_(round_down(now)) {}

void TimerWheel::arm(Timer& timer, Time deadline) noexcept {
  cancel(timer);
  timer.set_deadline_ms(round_up(deadline));
  ++armed_count_;
  now_ms_ = std::max(now_ms_, round_down(seen_));
  place(timer, due_);
}

void TimerWheel::cancel(Timer& timer) noexcept {
  if (!timer.linked()) return;
  timer.unlink();
  --armed_count_;
  if (timer.wheel_ != no_wheel) {
    if (!slots_[timer.wheel_][timer.slot_].empty()) return;
    occupied_[timer.wheel_] &= ~(std::uint64_t{1} << timer.slot_);
  }
  quiet_until_ = next_work();  // it may have been the one that was waited for
}

// Links the timer where its deadline belongs; into `due` if that has come.
void TimerWheel::place(Timer& timer, Slot& due) noexcept {
  const std::int64_t deadline_ms = timer.deadline_ms();
  if (deadline_ms <= now_ms_) {
    timer.wheel_ = no_wheel;
    due.push_back(timer);
    quiet_until_ = earliest;
    return;
  }
  const auto difference = static_cast<std::uint64_t>(deadline_ms ^ now_ms_);
  const int highest_bit = static_cast<int>(std::bit_width(difference)) - 1;
  const int wheel = std::min(highest_bit / digit_bits, wheels - 1);
  std::int64_t slot_tick = tick(deadline_ms, wheel);
  if (wheel == wheels - 1) slot_tick = std::min(slot_tick, tick(now_ms_, wheel) + slots - 1);

  timer.wheel_ = static_cast<unsigned>(wheel) & 7;
  timer.slot_ = static_cast<std::uint64_t>(slot_tick) & (slots - 1);
  slots_[timer.wheel_][timer.slot_].push_back(timer);
  occupied_[timer.wheel_] |= std::uint64_t{1} << timer.slot_;
  quiet_until_ = std::min(quiet_until_, start_of(slot_tick, wheel));
}

// The first slot that holds anything, and when its turn comes. `wheel` is `wheels` if none does.
TimerWheel::Event TimerWheel::next_event() const noexcept {
  for (int wheel = 0; wheel < wheels; ++wheel) {
    const std::uint64_t occupied = occupied_[static_cast<std::size_t>(wheel)];
    if (occupied == 0) continue;
    // Turned so that bit 0 is the present slot, which is empty: its timers stand in finer wheels.
    const std::int64_t present = tick(now_ms_, wheel);
    const int distance =
        std::countr_zero(std::rotr(occupied, static_cast<int>(present & digit_mask)));
    const std::int64_t due = present + distance;
    return {wheel, static_cast<int>(due & digit_mask), due << (digit_bits * wheel)};
  }
  return {wheels, 0, 0};
}

Time TimerWheel::next_work() const noexcept {
  if (!due_.empty()) return earliest;
  const Event next = next_event();
  return next.wheel == wheels ? latest : Time{next.ms * nanoseconds_per_ms};
}

void TimerWheel::fire(Time now) noexcept {
  // First everything that is due is collected, then it is fired: what the callbacks arm meanwhile
  // finds the wheels in order, and what they cancel just leaves the list.
  Slot firing;
  firing.take(due_);
  const std::int64_t target = std::max(round_down(now), now_ms_);
  for (Event event = next_event(); event.wheel < wheels && event.ms <= target;
       event = next_event()) {
    now_ms_ = event.ms;
    Slot& slot =
        slots_[static_cast<std::size_t>(event.wheel)][static_cast<std::size_t>(event.slot)];
    occupied_[static_cast<std::size_t>(event.wheel)] &= ~(std::uint64_t{1} << event.slot);
    while (Timer* timer = slot.pop_front()) place(*timer, firing);
  }
  now_ms_ = target;

  while (Timer* timer = firing.pop_front()) {
    --armed_count_;
    timer->on_timer(now);
  }
  quiet_until_ = next_work();
}

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 3: net::TimerWheel, which a net::Loop asks the same in each turn. A
// sleep of the wheel's may be too short, so the loop sleeps until something has fired.

#include <algorithm>
#include <deque>
#include <limits>

#include "net/timers.h"
#include "tools/ladder/exercises/03_loop.h"

namespace hilo::exercise {
namespace {

struct Alarm final : net::Timer {
  void on_timer(net::Time) override { fired->push_back(deadline_ms); }
  std::int64_t deadline_ms = 0;
  std::vector<std::int64_t>* fired = nullptr;
};

net::Time at(std::int64_t milliseconds) {
  return net::Time{} + net::Duration::milliseconds(milliseconds);
}

struct Alarms {
  Alarms(std::span<const std::int64_t> deadlines, std::int64_t now) : wheel(at(now)) {
    for (const std::int64_t deadline : deadlines) {
      Alarm& alarm = alarms.emplace_back();
      alarm.deadline_ms = deadline;
      alarm.fired = &fired;
      wheel.arm(alarm, at(deadline));
    }
  }
  ~Alarms() {
    for (Alarm& alarm : alarms) wheel.cancel(alarm);
  }
  net::TimerWheel wheel;
  std::deque<Alarm> alarms;
  std::vector<std::int64_t> fired;
};

}  // namespace

int milliseconds_to_sleep(std::span<const std::int64_t> deadlines, std::int64_t now) {
  Alarms waiting{deadlines, now};
  net::Time time = at(now);
  for (;;) {
    const net::Duration sleep = waiting.wheel.until_next(time);
    if (sleep < net::Duration{0}) return -1;
    time = time + sleep;
    waiting.wheel.advance(time);
    if (!waiting.fired.empty()) break;
  }
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  return static_cast<int>(std::min((time - at(now)).to_milliseconds(), most));
}

std::vector<std::int64_t> take_due(std::vector<std::int64_t>& deadlines, std::int64_t now) {
  Alarms waiting{deadlines, deadlines.empty() ? now : std::ranges::min(deadlines) - 1};
  waiting.wheel.advance(at(now));
  deadlines.clear();
  for (const Alarm& alarm : waiting.alarms) {
    if (alarm.armed()) deadlines.push_back(alarm.deadline_ms);
  }
  return waiting.fired;
}

}  // namespace hilo::exercise

// SPDX-License-Identifier: MIT
//
// Exercise 3: how long may the loop sleep, and who is due when it wakes up?
//
// Each turn of a loop asks its timers these two questions. Here a timer is no more than its
// deadline, in milliseconds; they lie in a vector in no order, and two may be equal.
//
//   milliseconds_to_sleep  what poll(2) and epoll_wait(2) are given: the time from `now` to the
//                          first deadline; 0 if one is due already, -1 (for ever) if there is none.
//                          A deadline that has passed must not become a negative number: the loop
//                          would sleep for ever. One that is further away than an int can say is as
//                          far as an int can say: the loop just wakes up once too often.
//   take_due               takes those out whose time has come, the one of `now` itself too, and
//                          returns them in the order of their deadlines. The others stay.
//
//   to know   std::numeric_limits<int>::max(), std::partition, std::sort
//   stuck?    net/timers.h has a picture; net/timers.cc does both without looking at every timer

#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hilo::exercise {

int milliseconds_to_sleep(std::span<const std::int64_t> deadlines, std::int64_t now);

std::vector<std::int64_t> take_due(std::vector<std::int64_t>& deadlines, std::int64_t now);

}  // namespace hilo::exercise

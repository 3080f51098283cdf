// SPDX-License-Identifier: MIT
//
// Exercise 2: which of many sockets are ready to be read?
//
// Ask the kernel once for all of them, without waiting, and return those that a read would not keep
// waiting, in the order in which they came. Nothing is read: who asks twice hears the same twice.
//
// The end is something to read, too: a socket whose peer is gone is ready, for a read tells it at
// once. A loop that forgets this keeps such sockets for ever.
//
//   to know   poll(2) takes a pollfd for each: what to look for in `events` (POLLIN), and what it
//             has found in `revents`, where POLLHUP and POLLERR come without being asked for. A
//             timeout of 0 does not wait
//   stuck?    net/poller_poll.cc, and net/poller_epoll.cc for the same without a list each time

#pragma once

#include <span>
#include <vector>

namespace hilo::exercise {

std::vector<int> ready_to_read(std::span<const int> fds);

}  // namespace hilo::exercise

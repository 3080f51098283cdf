// SPDX-License-Identifier: MIT
//
// Wakeup by eventfd(2): one descriptor with a counter behind it.

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "net/last_error.h"
#include "net/wakeup.h"

namespace hilo::net {

Wakeup::Wakeup() noexcept : read_end_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!read_end_) status_ = last_error();
}

void Wakeup::signal() noexcept {
  // Code that a signal handler interrupted may be about to look at errno.
  const int saved_errno = errno;
  const std::uint64_t one = 1;
  ssize_t written;
  do {
    written = ::write(read_end_.value(), &one, sizeof one);
  } while (written < 0 && errno == EINTR);
  // EAGAIN: the counter is at its maximum, and the descriptor readable all the more.
  errno = saved_errno;
}

void Wakeup::drain() noexcept {
  std::uint64_t count;
  ssize_t taken;
  do {
    taken = ::read(read_end_.value(), &count, sizeof count);
  } while (taken < 0 && errno == EINTR);
}

}  // namespace hilo::net

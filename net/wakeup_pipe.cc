// SPDX-License-Identifier: MIT
//
// Wakeup by pipe(2), for systems without eventfd.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>

#include "net/last_error.h"
#include "net/wakeup.h"

namespace hilo::net {

namespace {

bool make_nonblocking(int fd) noexcept {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

Wakeup::Wakeup() noexcept {
  int ends[2];
  // pipe2(2) would set the flags at once, but macOS does not have it.
  if (::pipe(ends) != 0) {
    status_ = last_error();
    return;
  }
  read_end_ = Fd(ends[0]);
  write_end_ = Fd(ends[1]);
  if (!make_nonblocking(ends[0]) || !make_nonblocking(ends[1])) status_ = last_error();
}

void Wakeup::signal() noexcept {
  // Code that a signal handler interrupted may be about to look at errno.
  const int saved_errno = errno;
  const std::uint8_t byte = 0;
  ssize_t written;
  do {
    written = ::write(write_end_.value(), &byte, 1);
  } while (written < 0 && errno == EINTR);
  // EAGAIN: the pipe is full, and its other end readable all the more.
  errno = saved_errno;
}

void Wakeup::drain() noexcept {
  std::uint8_t bytes[256];
  ssize_t taken;
  do {
    taken = ::read(read_end_.value(), bytes, sizeof bytes);
  } while (taken == static_cast<ssize_t>(sizeof bytes) || (taken < 0 && errno == EINTR));
}

}  // namespace hilo::net

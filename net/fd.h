// SPDX-License-Identifier: MIT
//
// Fd owns one file descriptor and closes it once.

#pragma once

#include <utility>

namespace hilo::net {

// Closes `fd`; the one place where close(2) is called (a seam, in socket.cc). EINTR is not retried:
// on Linux the descriptor is gone by then.
void close_descriptor(int fd) noexcept;

class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  ~Fd() { reset(); }

  int value() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  // Gives the descriptor away without closing it.
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept {
    if (fd_ >= 0) close_descriptor(release());
  }

 private:
  int fd_ = -1;
};

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// Wakeup: makes a poller return from another thread or from a signal handler. An eventfd on Linux,
// a pipe elsewhere. A seam.

#pragma once

#include "net/base/result.h"
#include "net/fd.h"

namespace hilo::net {

class Wakeup {
 public:
  Wakeup() noexcept;
  const Status& status() const noexcept { return status_; }

  // Thread-safe and async-signal-safe. Any number of calls before the next drain() make one event.
  void signal() noexcept;
  // Readable after signal().
  int fd() const noexcept { return read_end_.value(); }
  // Makes fd() unreadable again.
  void drain() noexcept;

 private:
  Fd read_end_;
  Fd write_end_;  // empty with eventfd
  Status status_;
};

}  // namespace hilo::net

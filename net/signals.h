// SPDX-License-Identifier: MIT
//
// Signals as readable events (a seam). A handler may do next to nothing; this one writes a byte
// into a pipe, and the loop does the rest in its own time.

#pragma once

#include <initializer_list>

#include "net/base/result.h"
#include "net/fd.h"

namespace hilo::net {

// Catches the given signals for the whole process. One object at a time.
class Signals {
 public:
  explicit Signals(std::initializer_list<int> numbers) noexcept;
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();  // restores what was there before

  const Status& status() const noexcept { return status_; }
  int fd() const noexcept { return read_end_.value(); }  // readable when a signal has come
  int take() noexcept;  // the next signal's number, 0 if none is waiting

 private:
  static constexpr int signals_max = 8;
  Fd read_end_;
  Fd write_end_;
  int numbers_[signals_max] = {};
  int count_ = 0;
  Status status_;
};

// SIGPIPE is ignored for the process: OpenSSL and libraries beside us write with write(2).
void ignore_sigpipe() noexcept;

}  // namespace hilo::net

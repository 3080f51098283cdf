// SPDX-License-Identifier: MIT
//
// StopSignals: SIGINT and SIGTERM as an event of a loop. The first one asks politely, through the
// callback; the second one ends the process at once with 128 + its number, as a shell counts.
// SIGHUP, where it is asked for, is no reason to stop.

#pragma once

#include <initializer_list>

#include "net/base/callback.h"
#include "net/base/result.h"
#include "net/loop.h"
#include "net/signals.h"

namespace hilo::tools {

class StopSignals final : private net::Watcher {
 public:
  // The loop must outlive this.
  StopSignals(net::Loop& loop, Callback<void(int number)> on_signal);
  // The same, and SIGHUP goes to `on_hangup`, as often as it comes.
  StopSignals(net::Loop& loop, Callback<void(int number)> on_signal, Callback<void()> on_hangup);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  const Status& status() const noexcept { return status_; }

 private:
  StopSignals(net::Loop& loop, std::initializer_list<int> numbers,
              Callback<void(int number)> on_signal, Callback<void()> on_hangup);
  void on_ready(net::Ready ready) override;

  net::Loop* loop_;
  net::Signals signals_;
  Callback<void(int)> on_signal_;
  Callback<void()> on_hangup_;
  net::Token token_;
  Status status_;
  bool signalled_ = false;
};

}  // namespace hilo::tools

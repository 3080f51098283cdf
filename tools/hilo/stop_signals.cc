// SPDX-License-Identifier: MIT

#include "tools/hilo/stop_signals.h"

#include <signal.h>

#include <cstdlib>
#include <utility>

namespace hilo::tools {

StopSignals::StopSignals(net::Loop& loop, Callback<void(int)> on_signal)
    : StopSignals(loop, {SIGINT, SIGTERM}, std::move(on_signal), nullptr) {}

StopSignals::StopSignals(net::Loop& loop, Callback<void(int)> on_signal, Callback<void()> on_hangup)
    : StopSignals(loop, {SIGINT, SIGTERM, SIGHUP}, std::move(on_signal), std::move(on_hangup)) {}

StopSignals::StopSignals(net::Loop& loop, std::initializer_list<int> numbers,
                         Callback<void(int)> on_signal, Callback<void()> on_hangup)
    : loop_(&loop),
      signals_{numbers},
      on_signal_(std::move(on_signal)),
      on_hangup_(std::move(on_hangup)) {
  status_ = signals_.status();
  if (!status_) return;
  const Result<net::Token> token = loop.watch(signals_.fd(), net::Interest::read, *this);
  if (token) {
    token_ = *token;
  } else {
    status_ = token.error();
  }
}

StopSignals::~StopSignals() {
  loop_->unwatch(token_);
}

void StopSignals::on_ready(net::Ready ready) {
  static_cast<void>(ready);
  while (const int number = signals_.take()) {
    if (number == SIGHUP) {
      on_hangup_();
      continue;
    }
    if (std::exchange(signalled_, true)) std::_Exit(128 + number);
    on_signal_(number);
  }
}

}  // namespace hilo::tools

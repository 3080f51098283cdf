// SPDX-License-Identifier: MIT

#include "tools/hilo/output_queue.h"

#include <utility>

#include "tools/hilo/standard_io.h"

namespace hilo::tools {

OutputQueue::OutputQueue(net::Loop& loop, Callback<void()> on_drained,
                         Callback<void(std::error_code)> on_broken)
    : loop_(&loop), on_drained_(std::move(on_drained)), on_broken_(std::move(on_broken)) {
  // Without a slot everything is written at once, by flush() in write().
  if (const Result<net::Token> token = loop.watch(-1, net::Interest::none, *this)) {
    phases_ = *token;
  }
}

OutputQueue::~OutputQueue() {
  stop_waiting();
  loop_->unwatch(phases_);
}

void OutputQueue::write(std::string_view text) {
  if (broken_) return;
  queue_.append(text);
  if (writable_) return;
  if (phases_) {
    loop_->schedule(phases_, net::Phase::flush);
  } else {
    flush();
  }
}

void OutputQueue::on_flush() {
  if (!writable_) flush();
}

void OutputQueue::on_ready(net::Ready ready) {
  static_cast<void>(ready);
  flush();
}

void OutputQueue::flush() {
  if (broken_ || size() == 0) return;
  const Written written =
      write_without_waiting(standard_output, std::string_view(queue_).substr(sent_));
  sent_ += written.bytes;
  if (written.error) return break_off(written.error);
  if (size() == 0) {
    queue_.clear();
    sent_ = 0;
    const bool waited = static_cast<bool>(writable_);
    stop_waiting();
    if (waited) on_drained_();
    return;
  }
  // Moving the rest to the front each time would cost its square.
  if (sent_ > queue_.size() / 2) {
    queue_.erase(0, sent_);
    sent_ = 0;
  }
  if (!writable_) wait_for_room();
}

void OutputQueue::wait_for_room() {
  const Result<net::Token> token = loop_->watch(standard_output, net::Interest::write, *this);
  if (!token) return break_off(token.error());
  writable_ = *token;
}

void OutputQueue::stop_waiting() noexcept {
  loop_->unwatch(writable_);
  writable_ = {};
}

void OutputQueue::break_off(std::error_code error) {
  broken_ = true;
  stop_waiting();
  queue_.clear();
  sent_ = 0;
  on_broken_(error);
}

}  // namespace hilo::tools

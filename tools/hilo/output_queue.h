// SPDX-License-Identifier: MIT
//
// OutputQueue: stdout on a loop. What it does not take at once waits here; the owner looks at
// size() and stops its source while there is too much, so nothing is lost and nothing blocks.
//
//   thread    the loop's
//   lifetime  the loop outlives this; the callbacks must not destroy it

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "net/base/callback.h"
#include "net/loop.h"

namespace hilo::tools {

class OutputQueue final : private net::Watcher {
 public:
  // `on_drained` comes when all has left after some of it had to wait; `on_broken` once, when
  // nobody will read any more. From then on everything is thrown away.
  OutputQueue(net::Loop& loop, Callback<void()> on_drained,
              Callback<void(std::error_code)> on_broken);
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue();

  // What was written leaves at the end of the turn, or with flush().
  void write(std::string_view text);
  void flush();
  std::size_t size() const noexcept { return queue_.size() - sent_; }
  bool broken() const noexcept { return broken_; }

 private:
  void on_ready(net::Ready ready) override;
  void on_flush() override;
  void wait_for_room();
  void stop_waiting() noexcept;
  void break_off(std::error_code error);

  net::Loop* loop_;
  Callback<void()> on_drained_;
  Callback<void(std::error_code)> on_broken_;
  std::string queue_;
  std::size_t sent_ = 0;  // of queue_
  net::Token phases_;     // for the flush at the end of the turn
  net::Token writable_;   // while waiting for room
  bool broken_ = false;
};

}  // namespace hilo::tools

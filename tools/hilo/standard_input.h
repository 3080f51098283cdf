// SPDX-License-Identifier: MIT
//
// StandardInput: stdin as a source of bytes on a loop, be it a terminal, a pipe or a file.
//
// Where the poller knows the descriptor it is read when it is ready. A regular file is always
// ready: it is read a piece a turn, so that the rest of the loop has its turns too.
//
//   thread    the loop's
//   lifetime  the loop outlives this; the callbacks may stop and pause, not destroy it

#pragma once

#include <cstdint>
#include <system_error>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "net/loop.h"

namespace hilo::tools {

class StandardInput final : private net::Watcher {
 public:
  static constexpr std::size_t piece_bytes = std::size_t{64} << 10;

  // `on_bytes` gets what was read, valid during the call; `on_end` comes once, with the error if it
  // was one that ended it.
  StandardInput(net::Loop& loop, Callback<void(Bytes)> on_bytes,
                Callback<void(std::error_code)> on_end);
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() { pause(); }

  // Reading stops and goes on. Both do nothing where there is nothing to do.
  void pause() noexcept;
  void resume();
  // For good.
  void stop() noexcept;

 private:
  void on_ready(net::Ready ready) override;
  void on_resume() override;
  void read_piece();
  void end(std::error_code error);

  net::Loop* loop_;
  Callback<void(Bytes)> on_bytes_;
  Callback<void(std::error_code)> on_end_;
  std::vector<std::uint8_t> piece_;
  net::Token token_;
  bool always_ready_ = false;
  bool ended_ = false;
};

}  // namespace hilo::tools

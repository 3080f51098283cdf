// SPDX-License-Identifier: MIT
//
// Drain: the clock of a server that goes in peace. It names the connections to close, a few every
// tick, so that the last is named while there is still time for its closing handshake, and says
// when the window is over.
//
//   few connections    batch_min at a time: a quiet server is gone in a moment
//   many connections   evenly over the window, less the time that a Close may take
//   late ones          that opened after it began: all at once, behind those
//
//   thread  the loop's

#pragma once

#include <cstddef>
#include <memory>

#include "net/base/slab.h"
#include "net/loop.h"
#include "ws/core/rfc6455.h"

namespace hilo::ws {

class Drain final : private net::Timer {
 public:
  static constexpr net::Duration tick = net::Duration::milliseconds(100);
  static constexpr std::size_t batch_min = 16;

  class Host {
   public:
    virtual void drain_connection(SlabHandle handle, CloseCode code) = 0;
    // All that are still open.
    virtual void drain_rest(CloseCode code) = 0;
    virtual void end_drain() = 0;

   protected:
    ~Host() = default;
  };
  struct Plan {
    net::Duration window;
    net::Duration close_timeout;
    CloseCode code = CloseCode::going_away;
  };

  // Takes the handles; none of them if there was no memory to write them down, and then the window
  // ends at once. The host must outlive this, or end it.
  Drain(net::Loop& loop, Host& host, const Plan& plan) noexcept
      : loop_(&loop), host_(&host), plan_(plan) {}
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain() { end(); }

  // The first batch is named within the next turn.
  void begin(std::unique_ptr<SlabHandle[]> connections, std::size_t count) noexcept;
  void end() noexcept { loop_->timers().cancel(*this); }

 private:
  void on_timer(net::Time now) override;

  net::Loop* loop_;
  Host* host_;
  Plan plan_;
  std::unique_ptr<SlabHandle[]> connections_;
  std::size_t count_ = 0;
  std::size_t next_ = 0;
  std::size_t batch_ = 0;
  net::Time over_;
};

}  // namespace hilo::ws

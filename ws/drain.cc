// SPDX-License-Identifier: MIT

#include "ws/drain.h"

#include <algorithm>
#include <utility>

namespace hilo::ws {

void Drain::begin(std::unique_ptr<SlabHandle[]> connections, std::size_t count) noexcept {
  connections_ = std::move(connections);
  count_ = count;
  over_ = loop_->now() + plan_.window;
  // A short window is no reason to close all at once: half of it is for the spreading.
  const net::Duration half{plan_.window.nanoseconds / 2};
  const net::Duration spread = plan_.window - std::min(plan_.close_timeout, half);
  const auto ticks =
      static_cast<std::size_t>(std::max<std::int64_t>(1, spread.nanoseconds / tick.nanoseconds));
  batch_ = std::max(batch_min, (count + ticks - 1) / ticks);
  loop_->timers().arm(*this, loop_->now());
}

void Drain::on_timer(net::Time now) {
  if (now >= over_) return host_->end_drain();
  if (next_ == count_) host_->drain_rest(plan_.code);
  const std::size_t end = std::min(count_, next_ + batch_);
  while (next_ < end) host_->drain_connection(connections_[next_++], plan_.code);
  loop_->timers().arm(*this, std::min(over_, now + tick));
}

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// What only some connections need, in a block that is made when it is first asked for: topics, the
// Sender for other threads, and what the peer said when it closed.

#include <algorithm>
#include <array>
#include <new>

#include "ws/connection.h"

namespace hilo::ws {

struct Connection::Extra {
  Subscriptions subscriptions;
  Sender sender;
  net::Time opened_at;  // if its lifetime is limited
  RoundTrips round_trips;
  std::array<char, close_reason_bytes_max> close_reason;
  std::uint8_t close_reason_bytes = 0;
};

void Connection::ExtraDeleter::operator()(Extra* extra) const noexcept {
  delete extra;
}

Connection::Extra* Connection::extra() noexcept {
  if (!extra_) extra_.reset(new (std::nothrow) Extra);
  return extra_.get();
}

void Connection::leave_topics() noexcept {
  if (extra_) extra_->subscriptions.clear();
}

void Connection::end_sender() noexcept {
  if (extra_) extra_->sender.end();
}

void Connection::keep_birth() noexcept {
  if (extra() != nullptr) extra_->opened_at = loop().now();
}

net::Time Connection::end_of_life() const noexcept {
  return extra_ ? due(extra_->opened_at, shared_->limits->connection_lifetime_max) : never;
}

void Connection::keep_round_trip() noexcept {
  if (extra() != nullptr) extra_->round_trips.add(loop().now() - ping_sent_);
}

RoundTrips Connection::round_trips() const noexcept {
  return extra_ ? extra_->round_trips : RoundTrips{};
}

void Connection::keep_reason(Bytes reason) noexcept {
  if (reason.empty() || extra() == nullptr) return;
  std::copy(reason.begin(), reason.end(), extra_->close_reason.begin());
  extra_->close_reason_bytes = static_cast<std::uint8_t>(reason.size());
}

std::string_view Connection::close_reason() const noexcept {
  if (!extra_) return {};
  return {extra_->close_reason.data(), extra_->close_reason_bytes};
}

Sender Connection::sender() noexcept {
  if (ended_ || extra() == nullptr) return {};
  if (extra_->sender.is_gone()) {
    extra_->sender = Sender::make(*this, loop(), shared_->queue_bytes_limit);
  }
  return extra_->sender;
}

Status Connection::subscribe(std::string_view topic) noexcept {
  if (shared_->hub == nullptr) return std::make_error_code(std::errc::operation_not_supported);
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  if (extra() == nullptr) return out_of_memory();
  return extra_->subscriptions.subscribe(*shared_->hub, *this, topic);
}

bool Connection::unsubscribe(std::string_view topic) noexcept {
  return extra_ && extra_->subscriptions.unsubscribe(topic);
}

std::size_t Connection::subscription_count() const noexcept {
  return extra_ ? extra_->subscriptions.size() : 0;
}

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// What only some connections need, in a block that is made when it is first asked for: topics, the
// Sender for other threads, and what the peer said when it closed.

#include <algorithm>
#include <array>
#include <new>

#include "ws/connection_engine.h"

namespace hilo::ws {

struct Connection::Engine::Extra {
  Subscriptions subscriptions;
  Sender sender;
  net::Time opened_at;  // if its lifetime is limited
  RoundTrips round_trips;
  std::array<char, close_reason_bytes_max> close_reason;
  std::uint8_t close_reason_bytes = 0;
};

void Connection::Engine::ExtraDeleter::operator()(Extra* extra) const noexcept {
  delete extra;
}

Connection::Engine::Extra* Connection::Engine::extra() noexcept {
  if (!extra_) extra_.reset(new (std::nothrow) Extra);
  return extra_.get();
}

void Connection::Engine::leave_topics() noexcept {
  if (extra_) extra_->subscriptions.clear();
}

void Connection::Engine::end_sender() noexcept {
  if (extra_) extra_->sender.end();
}

void Connection::Engine::keep_birth() noexcept {
  if (extra() != nullptr) extra_->opened_at = loop().now();
}

net::Time Connection::Engine::end_of_life() const noexcept {
  return extra_ ? due(extra_->opened_at, shared_->limits->connection_lifetime_max) : never;
}

void Connection::Engine::keep_round_trip() noexcept {
  if (extra() != nullptr) extra_->round_trips.add(loop().now() - ping_sent_);
}

RoundTrips Connection::Engine::round_trips() const noexcept {
  return extra_ ? extra_->round_trips : RoundTrips{};
}

void Connection::Engine::keep_reason(Bytes reason) noexcept {
  if (reason.empty() || extra() == nullptr) return;
  std::copy(reason.begin(), reason.end(), extra_->close_reason.begin());
  extra_->close_reason_bytes = static_cast<std::uint8_t>(reason.size());
}

std::string_view Connection::Engine::close_reason() const noexcept {
  if (!extra_) return {};
  return {extra_->close_reason.data(), extra_->close_reason_bytes};
}

Sender Connection::Engine::sender() noexcept {
  if (ended_ || extra() == nullptr) return {};
  if (extra_->sender.is_gone()) {
    extra_->sender = Sender::make(*this, loop(), shared_->queue_bytes_limit);
  }
  return extra_->sender;
}

Status Connection::Engine::subscribe(std::string_view topic) noexcept {
  if (shared_->hub == nullptr) return std::make_error_code(std::errc::operation_not_supported);
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  if (extra() == nullptr) return out_of_memory();
  return extra_->subscriptions.subscribe(*shared_->hub, *this, topic);
}

bool Connection::Engine::unsubscribe(std::string_view topic) noexcept {
  return extra_ && extra_->subscriptions.unsubscribe(topic);
}

std::size_t Connection::Engine::subscription_count() const noexcept {
  return extra_ ? extra_->subscriptions.size() : 0;
}

}  // namespace hilo::ws

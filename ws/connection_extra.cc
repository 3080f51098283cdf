// SPDX-License-Identifier: MIT
//
// What only some connections need, in a block that is made when it is first asked for: topics, the
// Sender for other threads, and what the peer said when it closed. It takes the place of the
// application's data, and has them from then on, so that a connection needs one pointer for both.

#include <algorithm>
#include <array>
#include <new>

#include "ws/connection_engine.h"

namespace hilo::ws {

struct Connection::Engine::Extra final : Data {
  static constexpr char tag = 0;
  Extra() noexcept : Data(&tag) {}

  std::unique_ptr<Data> data;  // the application's
  Subscriptions subscriptions;
  Sender sender;
  net::Time opened_at;  // or since when there is memory for this
  net::Time ping_sent;  // to the nanosecond
  RoundTrips round_trips;
  std::array<char, close_reason_bytes_max> close_reason;
  std::uint8_t close_reason_bytes = 0;
};

// Null: there is none.
Connection::Engine::Extra* Connection::Engine::extra() const noexcept {
  const bool is_extra = data_ != nullptr && data_->type == &Extra::tag;
  return is_extra ? static_cast<Extra*>(data_.get()) : nullptr;
}

// Null: there is none, for want of memory.
Connection::Engine::Extra* Connection::Engine::make_extra() noexcept {
  if (Extra* const there = extra(); there != nullptr) return there;
  Extra* const made = new (std::nothrow) Extra;
  if (made == nullptr) return nullptr;
  made->data = std::move(data_);
  made->opened_at = loop().now();
  data_.reset(made);
  return made;
}

void Connection::Engine::keep_data(std::unique_ptr<Data> data) noexcept {
  Extra* const there = extra();
  (there != nullptr ? there->data : data_) = std::move(data);
}

Connection::Data* Connection::Engine::kept_data() noexcept {
  Extra* const there = extra();
  return there != nullptr ? there->data.get() : data_.get();
}

void Connection::Engine::leave_topics() noexcept {
  if (Extra* const there = extra()) there->subscriptions.clear();
}

void Connection::Engine::end_sender() noexcept {
  if (Extra* const there = extra()) there->sender.end();
}

void Connection::Engine::keep_birth() noexcept {
  static_cast<void>(make_extra());
}

net::Time Connection::Engine::end_of_life() const noexcept {
  const Extra* const there = extra();
  return there != nullptr ? due(there->opened_at, shared_->limits->connection_lifetime_max) : never;
}

void Connection::Engine::count_ping_from(net::Time now) noexcept {
  ping_sent_ = net::Moment(now);
  if (Extra* const there = extra()) there->ping_sent = now;
}

// Not of a ping for whose time there was no memory.
void Connection::Engine::keep_round_trip() noexcept {
  Extra* const there = extra();
  if (there == nullptr || there->ping_sent == net::Time{}) return;
  there->round_trips.add(loop().now() - there->ping_sent);
}

RoundTrips Connection::Engine::round_trips() const noexcept {
  const Extra* const there = extra();
  return there != nullptr ? there->round_trips : RoundTrips{};
}

void Connection::Engine::keep_reason(Bytes reason) noexcept {
  if (reason.empty()) return;
  Extra* const made = make_extra();
  if (made == nullptr) return;
  std::copy(reason.begin(), reason.end(), made->close_reason.begin());
  made->close_reason_bytes = static_cast<std::uint8_t>(reason.size());
}

std::string_view Connection::Engine::close_reason() const noexcept {
  const Extra* const there = extra();
  if (there == nullptr) return {};
  return {there->close_reason.data(), there->close_reason_bytes};
}

Sender Connection::Engine::sender() noexcept {
  Extra* const made = ended_ ? nullptr : make_extra();
  if (made == nullptr) return {};
  if (made->sender.is_gone()) {
    made->sender = Sender::make(*this, loop(), shared_->queue_bytes_limit);
  }
  return made->sender;
}

Status Connection::Engine::subscribe(std::string_view topic) noexcept {
  if (shared_->hub == nullptr) return std::make_error_code(std::errc::operation_not_supported);
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  Extra* const made = make_extra();
  if (made == nullptr) return out_of_memory();
  return made->subscriptions.subscribe(*shared_->hub, *this, topic);
}

bool Connection::Engine::unsubscribe(std::string_view topic) noexcept {
  Extra* const there = extra();
  return there != nullptr && there->subscriptions.unsubscribe(topic);
}

std::size_t Connection::Engine::subscription_count() const noexcept {
  const Extra* const there = extra();
  return there != nullptr ? there->subscriptions.size() : 0;
}

}  // namespace hilo::ws

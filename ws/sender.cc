// SPDX-License-Identifier: MIT

#include "ws/sender.h"

#include <mutex>
#include <new>

#include "net/loop.h"
#include "ws/connection.h"
#include "ws/guard.h"
#include "ws/parcel.h"

namespace hilo::ws {

// What all Senders of one connection share with it. It outlives the connection if a Sender does.
class Mailbox final : public Transit {
 public:
  Mailbox(Connection& connection, net::Loop& loop, std::size_t bytes_max) noexcept
      : Transit(bytes_max), id(connection.id()), connection_(&connection), loop_(&loop) {}

  bool is_gone() noexcept {
    const std::lock_guard lock(mutex_);
    return loop_ == nullptr;
  }

  // Under the lock, so that the loop cannot go between the look and the post.
  template <class Deliver>
  Posted post(Deliver&& deliver) {
    const std::lock_guard lock(mutex_);
    if (loop_ == nullptr) return Posted::gone;
    loop_->post(std::forward<Deliver>(deliver));
    return Posted::queued;
  }

  void end() noexcept {
    connection_ = nullptr;
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

  void deliver(const Parcel& parcel) {
    if (connection_ == nullptr) return;
    const ParcelLabel& label = parcel.label();
    if (label.opcode != Opcode::close) {
      return connection_->deliver(label.opcode, parcel.payload(), {.compress = label.compress});
    }
    static_cast<void>(connection_->close(label.code, as_text(parcel.payload())));
  }

  const ConnectionId id;

 private:
  Connection* connection_;  // for the loop's thread only; null once it is gone
  std::mutex mutex_;
  net::Loop* loop_;  // guarded by mutex_; null once the connection is gone
};

namespace {

Posted hand_over(const std::shared_ptr<Mailbox>& mailbox, const ParcelLabel& label,
                 Bytes payload) noexcept {
  // Asked before anything is copied; post() asks again, and decides.
  if (mailbox == nullptr || mailbox->is_gone()) return Posted::gone;
  ParcelRef parcel = Parcel::make(mailbox, label, {}, payload);
  if (!parcel) return Posted::full;
  Posted posted = Posted::full;
  static_cast<void>(guarded([&] {
    posted = mailbox->post([mailbox, parcel = std::move(parcel)] { mailbox->deliver(*parcel); });
  }));
  return posted;
}

}  // namespace

Sender Sender::make(Connection& connection, net::Loop& loop, std::size_t bytes_max) noexcept {
  Sender sender;
  static_cast<void>(
      guarded([&] { sender.mailbox_ = std::make_shared<Mailbox>(connection, loop, bytes_max); }));
  return sender;
}

void Sender::end() noexcept {
  if (mailbox_ != nullptr) mailbox_->end();
}

Posted Sender::send(Opcode opcode, Bytes payload, SendOptions options) const noexcept {
  return hand_over(mailbox_, {.opcode = opcode, .compress = options.compress}, payload);
}

Posted Sender::send_text(std::string_view text, SendOptions options) const noexcept {
  return send(Opcode::text, as_bytes(text), options);
}

Posted Sender::send_binary(Bytes payload, SendOptions options) const noexcept {
  return send(Opcode::binary, payload, options);
}

Posted Sender::close(CloseCode code, std::string_view reason) const noexcept {
  return hand_over(mailbox_, {.opcode = Opcode::close, .code = code}, as_bytes(reason));
}

bool Sender::is_gone() const noexcept {
  return mailbox_ == nullptr || mailbox_->is_gone();
}

ConnectionId Sender::id() const noexcept {
  return mailbox_ != nullptr ? mailbox_->id : ConnectionId{};
}

}  // namespace hilo::ws

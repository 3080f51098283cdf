// SPDX-License-Identifier: MIT

#include "ws/dock.h"

#include <utility>

#include "ws/guard.h"

namespace hilo::ws {

TransferredConnection::~TransferredConnection() {
  transport.reset();
  fd.reset();
  if (admission != nullptr) admission->release(peer);
  // Last, so that who waits for it finds nothing of it.
  if (dock != nullptr) dock->coming_.fetch_sub(1, std::memory_order_acq_rel);
}

void Dock::close() noexcept {
  host_ = nullptr;
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

bool Dock::is_open() noexcept {
  const std::lock_guard lock(mutex_);
  return loop_ != nullptr;
}

void Dock::send(const Destination& self, std::unique_ptr<TransferredConnection> connection) {
  connection->dock = self;
  self->coming_.fetch_add(1, std::memory_order_acq_rel);
  const std::lock_guard lock(self->mutex_);
  if (self->loop_ == nullptr) return;
  // Without memory it goes here and now, which resets it.
  static_cast<void>(guarded([&] {
    self->loop_->post([connection = std::move(connection)]() mutable {
      Host* const host = connection->dock->host_;
      if (host != nullptr) host->arrive(std::move(connection));
    });
  }));
}

}  // namespace hilo::ws

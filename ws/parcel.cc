// SPDX-License-Identifier: MIT

#include "ws/parcel.h"

#include <cstring>
#include <new>

namespace hilo::ws {

bool Transit::admit(std::size_t bytes) noexcept {
  const std::size_t before = bytes_.fetch_add(bytes);
  if (before == 0 || (before <= bytes_max_ && bytes <= bytes_max_ - before)) return true;
  // Whoever is told `full` now by our short presence comes again.
  bytes_.fetch_sub(bytes);
  return false;
}

void Transit::leave(std::size_t bytes) noexcept {
  on_left(bytes_.fetch_sub(bytes) - bytes);
}

ParcelRef Parcel::make(std::shared_ptr<Transit> transit, const ParcelLabel& label,
                       std::string_view topic, Bytes payload) noexcept {
  const std::size_t bytes = topic.size() + payload.size();
  if (!transit->admit(bytes + parcel_overhead_bytes)) return {};
  void* block = ::operator new(sizeof(Parcel) + bytes, std::nothrow);
  if (block == nullptr) {
    transit->leave(bytes + parcel_overhead_bytes);
    return {};
  }
  auto* parcel = ::new (block) Parcel(std::move(transit), label, topic.size(), payload.size());
  auto* text = static_cast<std::uint8_t*>(block) + sizeof(Parcel);
  if (!topic.empty()) std::memcpy(text, topic.data(), topic.size());
  if (!payload.empty()) std::memcpy(text + topic.size(), payload.data(), payload.size());
  return ParcelRef(parcel);
}

std::size_t Parcel::counted_bytes() const noexcept {
  return topic_bytes_ + payload_bytes_ + parcel_overhead_bytes;
}

void Parcel::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::shared_ptr<Transit> transit = std::move(transit_);
  const std::size_t bytes = counted_bytes();
  this->~Parcel();
  ::operator delete(static_cast<void*>(this));
  transit->leave(bytes);
}

ParcelRef::ParcelRef(const ParcelRef& other) noexcept : parcel_(other.parcel_) {
  if (parcel_ != nullptr) parcel_->references_.fetch_add(1, std::memory_order_relaxed);
}

ParcelRef::~ParcelRef() {
  if (parcel_ != nullptr) parcel_->release();
}

}  // namespace hilo::ws

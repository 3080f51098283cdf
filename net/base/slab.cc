// SPDX-License-Identifier: MIT

#include "net/base/slab.h"

#include <utility>

#include "net/base/allocator.h"
#include "net/base/poison.h"

namespace hilo {
namespace {

// All of a slot but the mark in front of it.
void poison_object(const void* mark, std::size_t mark_bytes, std::size_t slot_bytes) noexcept {
  poison(static_cast<const unsigned char*>(mark) + mark_bytes, slot_bytes - mark_bytes);
}

}  // namespace

SlabBase::Mark& SlabBase::slot_at(std::uint32_t index, std::size_t slot_bytes) const noexcept {
  unsigned char* const chunk = chunks_[index / chunk_slots];
  return *reinterpret_cast<Mark*>(chunk + index % chunk_slots * slot_bytes);
}

bool SlabBase::grow(std::size_t slot_bytes) noexcept {
  if (chunk_count_ == chunk_capacity_) {
    const std::uint32_t capacity = chunk_capacity_ == 0 ? 8 : chunk_capacity_ * 2;
    void* const grown =
        grow_memory(chunks_, chunk_count_ * sizeof(*chunks_), capacity * sizeof(*chunks_));
    if (grown == nullptr) return false;
    chunks_ = static_cast<unsigned char**>(grown);
    chunk_capacity_ = capacity;
  }
  void* const chunk = allocate_memory(slot_bytes * chunk_slots);
  if (chunk == nullptr) return false;
  chunks_[chunk_count_] = static_cast<unsigned char*>(chunk);
  const std::uint32_t first = chunk_count_++ * chunk_slots;
  for (std::uint32_t i = chunk_slots; i-- > 0;) {
    Mark& slot = slot_at(first + i, slot_bytes);
    slot = {0, free_head_};
    free_head_ = first + i;
    poison_object(&slot, sizeof(Mark), slot_bytes);
  }
  return true;
}

SlabBase::Mark* SlabBase::take(SlabHandle& handle, std::size_t slot_bytes) noexcept {
  if (free_head_ == no_slot && !grow(slot_bytes)) return nullptr;
  Mark& slot = slot_at(free_head_, slot_bytes);
  handle = {free_head_, ++slot.generation};
  free_head_ = std::exchange(slot.index, handle.index);
  ++size_;
  unpoison(&slot, slot_bytes);
  return &slot;
}

SlabBase::Mark* SlabBase::find(SlabHandle handle, std::size_t slot_bytes) const noexcept {
  if (handle.index >= chunk_count_ * chunk_slots || (handle.generation & 1) == 0) return nullptr;
  Mark& slot = slot_at(handle.index, slot_bytes);
  return slot.generation == handle.generation ? &slot : nullptr;
}

SlabBase::Mark* SlabBase::forget(SlabHandle handle, std::size_t slot_bytes) noexcept {
  Mark* const slot = find(handle, slot_bytes);
  if (slot == nullptr) return nullptr;
  ++slot->generation;
  --size_;
  return slot;
}

void SlabBase::put_back(Mark& slot, std::uint32_t index, std::size_t slot_bytes) noexcept {
  slot.index = free_head_;
  free_head_ = index;
  poison_object(&slot, sizeof(Mark), slot_bytes);
}

SlabBase::Mark* SlabBase::first_from(std::uint32_t index, SlabHandle& handle,
                                     std::size_t slot_bytes) const noexcept {
  for (; index < chunk_count_ * chunk_slots; ++index) {
    Mark& slot = slot_at(index, slot_bytes);
    handle = {index, slot.generation};
    if ((slot.generation & 1) != 0) return &slot;
  }
  return nullptr;
}

void SlabBase::free_chunks(std::size_t slot_bytes) noexcept {
  for (std::uint32_t i = 0; i < chunk_count_; ++i) {
    unpoison(chunks_[i], slot_bytes * chunk_slots);
    release_memory(chunks_[i]);
  }
  release_memory(chunks_);
}

}  // namespace hilo

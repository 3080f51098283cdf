// SPDX-License-Identifier: MIT
//
// Slab<T>: objects at stable addresses, found again by a handle that knows when it is stale.
//
// A handle is an index and a generation. The generation of a slot is odd while an object lives in
// it and moves on at every emplace and erase, so a handle to an object that is gone, or that is
// being destroyed, finds nothing, even after the slot was used again. Memory grows in chunks and is
// kept for the next object; what is erased is poisoned under AddressSanitizer, so that a pointer
// kept too long is found.
//
//   thread  one
//   errors  emplace() returns null when no memory can be had
//   life    pointers and references stay valid until their object is erased

#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "net/base/allocator.h"
#include "net/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define HILO_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HILO_ASAN 1
#endif
#endif
#ifdef HILO_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace hilo {

struct SlabHandle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // even: refers to nothing
  friend bool operator==(const SlabHandle&, const SlabHandle&) = default;
};

template <class T>
class Slab {
 public:
  static constexpr std::uint32_t chunk_slots = 64;

  Slab() noexcept = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for_each([this](T& object, SlabHandle handle) {
      static_cast<void>(object);
      erase(handle);
    });
    for (std::uint32_t i = 0; i < chunk_count_; ++i) {
      unpoison(chunks_[i], sizeof(Slot) * chunk_slots);
      release_memory(chunks_[i]);
    }
    release_memory(chunks_);
  }

  struct Entry {
    T* object = nullptr;
    SlabHandle handle;
  };
  // Constructs a T from `arguments...`, with its own handle first if T wants that.
  template <class... Arguments>
  [[nodiscard]] Entry emplace(Arguments&&... arguments) {
    if (free_head_ == none && !grow()) return {};
    const std::uint32_t index = free_head_;
    Slot& slot = slot_at(index);
    free_head_ = slot.next_free;
    unpoison(slot.storage, sizeof(T));
    ++slot.generation;
    ++size_;
    const SlabHandle handle{index, slot.generation};
    T* object;
    if constexpr (std::is_constructible_v<T, SlabHandle, Arguments...>) {
      object =
          ::new (static_cast<void*>(slot.storage)) T(handle, std::forward<Arguments>(arguments)...);
    } else {
      object = ::new (static_cast<void*>(slot.storage)) T(std::forward<Arguments>(arguments)...);
    }
    return {object, handle};
  }

  // The object, or null if it is gone.
  T* find(SlabHandle handle) noexcept {
    if (handle.index >= chunk_count_ * chunk_slots || (handle.generation & 1) == 0) return nullptr;
    Slot& slot = slot_at(handle.index);
    return slot.generation == handle.generation ? object_of(slot) : nullptr;
  }

  // Destroys the object; a stale handle does nothing.
  void erase(SlabHandle handle) noexcept {
    T* object = find(handle);
    if (object == nullptr) return;
    Slot& slot = slot_at(handle.index);
    // What it calls as it dies finds it no more.
    ++slot.generation;
    --size_;
    object->~T();
    slot.next_free = free_head_;
    free_head_ = handle.index;
    poison(slot.storage, sizeof(T));
  }

  std::size_t size() const noexcept { return size_; }

  // Calls visit(object, handle) for each object. The visit may emplace and erase; an object made
  // meanwhile may or may not be visited.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t index = 0; index < chunk_count_ * chunk_slots; ++index) {
      Slot& slot = slot_at(index);
      if ((slot.generation & 1) != 0) visit(*object_of(slot), SlabHandle{index, slot.generation});
    }
  }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  struct Slot {
    alignas(T) unsigned char storage[sizeof(T)];
    std::uint32_t generation;
    std::uint32_t next_free;
  };

  Slot& slot_at(std::uint32_t index) noexcept {
    return chunks_[index / chunk_slots][index % chunk_slots];
  }
  static T* object_of(Slot& slot) noexcept {
    return std::launder(reinterpret_cast<T*>(slot.storage));
  }

  bool grow() noexcept {
    if (chunk_count_ == chunk_capacity_) {
      const std::uint32_t capacity = chunk_capacity_ == 0 ? 8 : chunk_capacity_ * 2;
      void* grown = grow_memory(chunks_, chunk_count_ * sizeof(Slot*), capacity * sizeof(Slot*));
      if (grown == nullptr) return false;
      chunks_ = static_cast<Slot**>(grown);
      chunk_capacity_ = capacity;
    }
    static_assert(alignof(Slot) <= alignof(std::max_align_t));
    auto* chunk = static_cast<Slot*>(allocate_memory(sizeof(Slot) * chunk_slots));
    if (chunk == nullptr) return false;
    chunks_[chunk_count_] = chunk;
    const std::uint32_t first = chunk_count_++ * chunk_slots;
    for (std::uint32_t i = chunk_slots; i-- > 0;) {
      chunk[i].generation = 0;
      chunk[i].next_free = free_head_;
      free_head_ = first + i;
      poison(chunk[i].storage, sizeof(T));
    }
    return true;
  }

  static void poison([[maybe_unused]] const volatile void* p, [[maybe_unused]] std::size_t n) {
#ifdef HILO_ASAN
    __asan_poison_memory_region(p, n);
#endif
  }
  static void unpoison([[maybe_unused]] const volatile void* p, [[maybe_unused]] std::size_t n) {
#ifdef HILO_ASAN
    __asan_unpoison_memory_region(p, n);
#endif
  }

  Slot** chunks_ = nullptr;
  std::uint32_t chunk_count_ = 0;
  std::uint32_t chunk_capacity_ = 0;
  std::uint32_t free_head_ = none;
  std::size_t size_ = 0;
};

}  // namespace hilo

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
#include <type_traits>
#include <utility>

namespace hilo {

struct SlabHandle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // even: refers to nothing
  friend bool operator==(const SlabHandle&, const SlabHandle&) = default;
};

// What does not depend on T but for its size, compiled once. `slot_bytes` is that of a slot, all
// through the life of a slab.
class SlabBase {
 public:
  static constexpr std::uint32_t chunk_slots = 64;

  SlabBase(const SlabBase&) = delete;
  SlabBase& operator=(const SlabBase&) = delete;

  std::size_t size() const noexcept { return size_; }

 protected:
  // What stands in front of each object.
  struct Mark {
    std::uint32_t generation;
    std::uint32_t index;  // its own; of a free slot that of the next free one
  };

  SlabBase() noexcept = default;
  ~SlabBase() = default;

  // A slot for a new object; null without memory.
  Mark* take(SlabHandle& handle, std::size_t slot_bytes) noexcept;
  // That of an object; null if it is gone.
  Mark* find(SlabHandle handle, std::size_t slot_bytes) const noexcept;
  // Whoever looks for it finds it no more; then, when it is destroyed, its slot is free.
  Mark* forget(SlabHandle handle, std::size_t slot_bytes) noexcept;
  void put_back(Mark& slot, std::uint32_t index, std::size_t slot_bytes) noexcept;
  // The first one in a slot from `index` on, and its handle; null, and no handle, if there is none.
  Mark* first_from(std::uint32_t index, SlabHandle& handle, std::size_t slot_bytes) const noexcept;
  void free_chunks(std::size_t slot_bytes) noexcept;

 private:
  static constexpr std::uint32_t no_slot = 0xFFFFFFFF;

  Mark& slot_at(std::uint32_t index, std::size_t slot_bytes) const noexcept;
  bool grow(std::size_t slot_bytes) noexcept;

  unsigned char** chunks_ = nullptr;
  std::uint32_t chunk_count_ = 0;
  std::uint32_t chunk_capacity_ = 0;
  std::uint32_t free_head_ = no_slot;
  std::size_t size_ = 0;
};

template <class T>
class Slab : private SlabBase {
 public:
  using SlabBase::chunk_slots;
  using SlabBase::size;

  Slab() noexcept = default;
  ~Slab() {
    for_each([this](T& object, SlabHandle handle) {
      static_cast<void>(object);
      erase(handle);
    });
    free_chunks(slot_bytes());
  }

  struct Entry {
    T* object = nullptr;
    SlabHandle handle;
  };
  // Constructs a T from `arguments...`, with its own handle first if T wants that.
  template <class... Arguments>
  [[nodiscard]] Entry emplace(Arguments&&... arguments) {
    SlabHandle handle;
    Mark* const slot = take(handle, slot_bytes());
    if (slot == nullptr) return {};
    void* const place = object_of(slot);
    T* object;
    if constexpr (std::is_constructible_v<T, SlabHandle, Arguments...>) {
      object = ::new (place) T(handle, std::forward<Arguments>(arguments)...);
    } else {
      object = ::new (place) T(std::forward<Arguments>(arguments)...);
    }
    return {object, handle};
  }

  // The object, or null if it is gone.
  T* find(SlabHandle handle) noexcept {
    Mark* const slot = SlabBase::find(handle, slot_bytes());
    return slot != nullptr ? object_of(slot) : nullptr;
  }

  // That of an object in a slab of this kind. While it is being destroyed it finds nothing.
  static SlabHandle handle_of(const T& object) noexcept {
    const auto* const place = reinterpret_cast<const unsigned char*>(&object);
    const Mark& slot = *reinterpret_cast<const Mark*>(place - aligned(sizeof(Mark)));
    return {slot.index, slot.generation};
  }

  // Destroys the object; a stale handle does nothing.
  void erase(SlabHandle handle) noexcept {
    Mark* const slot = forget(handle, slot_bytes());
    if (slot == nullptr) return;
    object_of(slot)->~T();
    put_back(*slot, handle.index, slot_bytes());
  }

  // Calls visit(object, handle) for each object. The visit may emplace and erase; an object made
  // meanwhile may or may not be visited.
  template <class Visit>
  void for_each(Visit&& visit) {
    SlabHandle handle;
    for (std::uint32_t index = 0; Mark* slot = first_from(index, handle, slot_bytes());) {
      index = handle.index + 1;
      visit(*object_of(slot), handle);
    }
  }

 private:
  // (Functions, as T need not be complete before they are called.)
  static constexpr std::size_t alignment() noexcept {
    return alignof(T) > alignof(Mark) ? alignof(T) : alignof(Mark);
  }
  static constexpr std::size_t aligned(std::size_t bytes) noexcept {
    return (bytes + alignment() - 1) / alignment() * alignment();
  }
  static constexpr std::size_t slot_bytes() noexcept {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    return aligned(sizeof(Mark)) + aligned(sizeof(T));
  }
  static T* object_of(Mark* slot) noexcept {
    return std::launder(
        reinterpret_cast<T*>(reinterpret_cast<unsigned char*>(slot) + aligned(sizeof(Mark))));
  }
};

}  // namespace hilo

// SPDX-License-Identifier: MIT
//
// Where memory comes from that grows with peers and with what they send: the blocks of Pool (and so
// every Buffer, queue, stash and message), the slots of Slab (connections, exchanges, timers), the
// contexts of zlib, and the buffers and slots of a Loop.
//
//   hilo::use_allocator({.allocate = ..., .release = ..., .context = &arena});   // first of all
//
// Without a call it is malloc and free. What is made once for an application's own call (a callback
// with large captures, a TLS context, options, and the containers of ws, ws/engineio and
// ws/socketio) comes from the global operator new, which C++ lets a program replace; OpenSSL has a
// hook of its own.
//
//   thread  the functions are called by every thread that has a loop, at the same time
//   errors  allocate returns null where there is no memory: that costs a connection, and no more
//   life    use_allocator() comes before all else of hilo, or when none of its memory is held: what
//           one allocator gave another one cannot take back

#pragma once

#include <cstddef>
#include <cstdint>

namespace hilo {

struct Allocator {
  // At least `bytes`, aligned for std::max_align_t; above 0.
  void* (*allocate)(void* context, std::size_t bytes) noexcept;
  // What allocate() gave; never null.
  void (*release)(void* context, void* memory) noexcept;
  void* context = nullptr;
};

void use_allocator(const Allocator& allocator) noexcept;
// Back to malloc and free, under the same condition.
void use_standard_allocator() noexcept;

// For hilo's own rooms.
[[nodiscard]] void* allocate_memory(std::size_t bytes) noexcept;
// A larger place for the first `used` bytes of `memory`, which may be null; that is released then.
// Null: there is none, and `memory` stays.
[[nodiscard]] void* grow_memory(void* memory, std::size_t used, std::size_t bytes) noexcept;
void release_memory(void* memory) noexcept;  // null is fine

// Memory that goes with its owner; null where there was none.
class Memory {
 public:
  explicit Memory(std::size_t bytes) noexcept
      : data_(static_cast<std::uint8_t*>(allocate_memory(bytes))) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { release_memory(data_); }

  std::uint8_t* data() const noexcept { return data_; }

 private:
  std::uint8_t* data_;
};

}  // namespace hilo

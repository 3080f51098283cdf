// SPDX-License-Identifier: MIT
//
// OutputQueue: what waits in a Stream for the kernel to take it. Bytes of its own stand in one
// block, and between them parts of SharedBytes, which wait in other queues too:
//
//     own      [ frames |              | frame ]          one Buffer
//     parts             | 64 KiB, 64 KiB |                each in its SharedBytes
//
// An empty one owns no memory, and is two pointers: each Stream has one, and few have output that
// waits. For the same reason the pool is an argument: the one of the stream's loop, in every call.
//
//   views   gather() is valid until the next call that is not const
//   limit   of bytes of its own: Pool::block_bytes_max; the caller sets tighter ones
//   errors  append() reports out_of_memory(), and changes nothing then
//   life    is released before it is destroyed

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "net/base/pool.h"
#include "net/base/result.h"
#include "net/base/shared_bytes.h"

namespace hilo::net {

class OutputQueue {
 public:
  OutputQueue() noexcept = default;
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue() { HILO_DCHECK(empty()); }

  bool empty() const noexcept { return own_ == nullptr && parts_ == nullptr; }
  std::size_t size() const noexcept { return parts_ == nullptr ? own_size() : size_with_parts(); }
  // Of the pool's memory; and the same with its share alone of what it shares.
  std::size_t held_bytes() const noexcept { return held(&SharedBytes::held_bytes); }
  std::size_t held_share() const noexcept { return held(&SharedBytes::held_share); }

  // Copies of the slices, all of them or nothing.
  Status append(Pool& pool, std::span<const Bytes> slices) noexcept;
  // The same of one piece, which is not empty. False: there is no memory.
  bool append_piece(Pool& pool, Bytes bytes) noexcept {
    HILO_DCHECK(!bytes.empty());
    if (!make_room(pool, bytes.size())) return false;
    put(pool, bytes);
    return true;
  }
  // What is shared, from `begin` on, which is before its end.
  Status append(Pool& pool, const SharedBytes& shared, std::size_t begin) noexcept;

  // All of it, where it lies in one piece, as it mostly does; else nothing.
  Bytes in_one_piece() const noexcept {
    const bool is_own = parts_ == nullptr && own_ != nullptr;
    return is_own ? Bytes{own_->data() + own_->begin, own_size()} : Bytes{};
  }
  // Fills `slices` from the front, and returns how many were used.
  std::size_t gather(std::span<Bytes> slices) const noexcept;
  // Drops `bytes` from the front, and memory as soon as nothing lies there.
  void consume(Pool& pool, std::size_t bytes) noexcept;
  // Drops all of what in_one_piece() was.
  void consume_piece(Pool& pool) noexcept { pool.give(std::exchange(own_, nullptr)); }
  void release(Pool& pool) noexcept;

 private:
  struct Part;

  std::size_t size_with_parts() const noexcept;
  std::span<Part> parts() const noexcept;
  std::size_t held(std::size_t (SharedBytes::*of_part)() const noexcept) const noexcept;
  std::size_t own_size() const noexcept { return own_ == nullptr ? 0 : own_->end - own_->begin; }
  // Makes room behind own_ for so many bytes more. False: there is no memory.
  bool make_room(Pool& pool, std::size_t bytes) noexcept;
  // Behind make_room().
  void put(Pool& pool, Bytes bytes) noexcept {
    std::memcpy(own_->data() + own_->end, bytes.data(), bytes.size());
    own_->end += static_cast<std::uint32_t>(bytes.size());
    pool.count_copied(bytes.size());
  }
  void consume_own(Pool& pool, std::size_t bytes) noexcept;
  // Drops that many from what is the front now, all of it at most; how many it were.
  std::size_t consume_front(Pool& pool, std::size_t bytes) noexcept;
  void drop_part(Pool& pool) noexcept;

  Pool::Block* own_ = nullptr;    // of a Buffer
  Pool::Block* parts_ = nullptr;  // of a Buffer that holds Parts
};

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// OutputQueue: what waits in a Stream for the kernel to take it. Bytes of its own stand in one
// block, and between them parts of SharedBytes, which wait in other queues too:
//
//     own      [ frames |              | frame ]          one Buffer
//     parts             | 64 KiB, 64 KiB |                each in its SharedBytes
//
// An empty one owns no memory, and is one pointer: each Stream has one, and few have output that
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

  bool empty() const noexcept { return block_ == nullptr; }
  std::size_t size() const noexcept { return has_parts() ? size_with_parts() : size_of(block_); }
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
    return block_ == nullptr || has_parts() ? Bytes{} : bytes_of(block_);
  }
  // Fills `slices` from the front, and returns how many were used.
  std::size_t gather(std::span<Bytes> slices) const noexcept;
  // Drops `bytes` from the front, and memory as soon as nothing lies there.
  void consume(Pool& pool, std::size_t bytes) noexcept;
  // Drops all of what in_one_piece() was.
  void consume_piece(Pool& pool) noexcept { pool.give(std::exchange(block_, nullptr)); }
  void release(Pool& pool) noexcept;

 private:
  struct Part;
  // Stands in front of the parts, in their block.
  struct alignas(std::uint64_t) PartsHead {
    Pool::Block* own;
  };
  static constexpr std::uintptr_t parts_mark = 1;
  static_assert(alignof(Pool::Block) > parts_mark);

  static std::size_t size_of(const Pool::Block* block) noexcept {
    return block == nullptr ? 0 : block->end - block->begin;
  }
  static Bytes bytes_of(Pool::Block* block) noexcept {
    return block == nullptr ? Bytes{} : Bytes{block->data() + block->begin, size_of(block)};
  }
  bool has_parts() const noexcept {
    return (reinterpret_cast<std::uintptr_t>(block_) & parts_mark) != 0;
  }
  // Of these two, only where there are parts.
  Pool::Block* parts_block() const noexcept {
    return reinterpret_cast<Pool::Block*>(reinterpret_cast<std::uintptr_t>(block_) - parts_mark);
  }
  PartsHead& parts_head() const noexcept {
    return *reinterpret_cast<PartsHead*>(parts_block()->data());
  }
  void keep_parts_in(Pool::Block* block) noexcept {
    block_ = reinterpret_cast<Pool::Block*>(reinterpret_cast<std::uintptr_t>(block) | parts_mark);
  }
  std::span<Part> parts() const noexcept;
  // The block of our own bytes, or null.
  Pool::Block*& own() noexcept { return has_parts() ? parts_head().own : block_; }
  Pool::Block* own() const noexcept { return has_parts() ? parts_head().own : block_; }

  std::size_t size_with_parts() const noexcept;
  std::size_t held(std::size_t (SharedBytes::*of_part)() const noexcept) const noexcept;
  // Makes room behind our own for so many bytes more. False: there is no memory.
  bool make_room(Pool& pool, std::size_t bytes) noexcept {
    if (!empty()) return make_more_room(pool, bytes);
    block_ = pool.take(bytes);
    return block_ != nullptr;
  }
  bool make_more_room(Pool& pool, std::size_t bytes) noexcept;
  bool make_room_for_part(Pool& pool) noexcept;
  // Behind make_room().
  void put(Pool& pool, Bytes bytes) noexcept {
    Pool::Block& block = *own();
    std::memcpy(block.data() + block.end, bytes.data(), bytes.size());
    block.end += static_cast<std::uint32_t>(bytes.size());
    pool.count_copied(bytes.size());
  }
  void consume_own(Pool& pool, std::size_t bytes) noexcept;
  // Drops that many from what is the front now, all of it at most; how many it were.
  std::size_t consume_front(Pool& pool, std::size_t bytes) noexcept;
  void drop_part(Pool& pool) noexcept;

  // Of a Buffer that holds our own bytes; or, with parts_mark, the one of the parts.
  Pool::Block* block_ = nullptr;
};

}  // namespace hilo::net

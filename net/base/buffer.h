// SPDX-License-Identifier: MIT
//
// Buffer: a byte queue in one block. Bytes are appended at the back and consumed at the front.
//
//     data                begin               end                  capacity
//      |  consumed          |   readable()     |    writable()        |
//      +--------------------+------------------+----------------------+
//
// An empty Buffer owns no memory, and is two pointers: where the bytes begin and end is noted in
// the block. That comes from a Pool when first needed, grows by powers of two, and goes back with
// release() or with the last byte consumed.
//
//   views   readable() and writable() are valid until the next call that is not const
//   limit   Pool::block_bytes_max bytes; the caller sets tighter limits
//   errors  reserve() and append() report out_of_memory() and change nothing then
//   life    the Pool must outlive the Buffer

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "net/base/pool.h"
#include "net/base/result.h"

namespace hilo {

class Buffer {
 public:
  explicit Buffer(Pool& pool) noexcept : pool_(&pool) {}
  // Takes over a block that detach() has returned, or null.
  Buffer(Pool& pool, Pool::Block* block) noexcept : pool_(&pool), block_(block) {}
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  Pool& pool() const noexcept { return *pool_; }
  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->end - block_->begin; }
  std::size_t capacity() const noexcept { return block_ == nullptr ? 0 : block_->bytes; }

  Bytes readable() const noexcept {
    return block_ == nullptr ? Bytes{} : Bytes{block_->data() + block_->begin, size()};
  }
  MutableBytes readable() noexcept {
    return block_ == nullptr ? MutableBytes{}
                             : MutableBytes{block_->data() + block_->begin, size()};
  }
  MutableBytes writable() noexcept {
    return block_ == nullptr
               ? MutableBytes{}
               : MutableBytes{block_->data() + block_->end, block_->bytes - block_->end};
  }

  // Makes writable() hold at least `bytes`, by moving what is readable to the front or by growing.
  Status reserve(std::size_t bytes) noexcept;
  // The first `bytes` of writable() were written and become readable.
  void commit(std::size_t bytes) noexcept;
  // Copies `bytes` to the back.
  Status append(Bytes bytes) noexcept;
  // Drops `bytes` from the front; dropping the last one gives the block back.
  void consume(std::size_t bytes) noexcept;
  // Drops everything and gives the block back.
  void release() noexcept;
  // The block with its content, for another Buffer; this one is empty.
  Pool::Block* detach() noexcept { return std::exchange(block_, nullptr); }

 private:
  Pool* pool_;
  Pool::Block* block_ = nullptr;
};

// A Buffer for as long as one call takes, from the block that is all its owner keeps of it: whoever
// is there once for each connection has no room for the pool as well. Meanwhile the owner's pointer
// is null: one at a time, and never across a call of anybody who may ask the owner.
class BorrowedBuffer {
 public:
  BorrowedBuffer(Pool& pool, Pool::Block*& block) noexcept
      : buffer_(pool, std::exchange(block, nullptr)), block_(&block) {}
  BorrowedBuffer(const BorrowedBuffer&) = delete;
  BorrowedBuffer& operator=(const BorrowedBuffer&) = delete;
  ~BorrowedBuffer() {
    HILO_DCHECK(*block_ == nullptr);
    *block_ = buffer_.detach();
  }

  Buffer* operator->() noexcept { return &buffer_; }

 private:
  Buffer buffer_;
  Pool::Block** block_;
};

}  // namespace hilo

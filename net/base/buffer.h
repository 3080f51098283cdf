// SPDX-License-Identifier: MIT
//
// Buffer: a byte queue in one block. Bytes are appended at the back and consumed at the front.
//
//     data                begin_              end_                 capacity
//      |  consumed          |   readable()     |    writable()        |
//      +--------------------+------------------+----------------------+
//
// An empty Buffer owns no memory. Its block comes from a Pool when first needed, grows by powers of
// two, and goes back with release() or with the last byte consumed.
//
//   views   readable() and writable() are valid until the next call that is not const
//   limit   Pool::block_bytes_max bytes; the caller sets tighter limits
//   errors  reserve() and append() report out_of_memory() and change nothing then
//   life    the Pool must outlive the Buffer

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "net/base/pool.h"
#include "net/base/result.h"

namespace hilo {

class Buffer {
 public:
  explicit Buffer(Pool& pool) noexcept : pool_(&pool) {}
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  std::size_t capacity() const noexcept { return capacity_; }

  Bytes readable() const noexcept { return {data_ + begin_, size()}; }
  MutableBytes readable() noexcept { return {data_ + begin_, size()}; }
  MutableBytes writable() noexcept { return {data_ + end_, capacity_ - end_}; }

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

 private:
  Pool* pool_;
  std::uint8_t* data_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace hilo

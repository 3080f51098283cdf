// SPDX-License-Identifier: MIT
//
// SharedBytes: bytes in one block of a pool that as many may hold as like to; the last one gives it
// back. A message to a thousand peers who read slowly lies here once, and not a thousand times.
//
//   content  is written once, by copy_of(), and not changed any more
//   views    bytes() is valid as long as anybody holds them
//   thread   the pool's: the count is no atomic
//   life     the pool must outlive all who hold
//   errors   copy_of() holds nothing where there is no memory

#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "net/base/bytes.h"
#include "net/base/pool.h"

namespace hilo {

class SharedBytes {
 public:
  SharedBytes() noexcept = default;
  static SharedBytes copy_of(Pool& pool, std::span<const Bytes> slices) noexcept;
  SharedBytes(const SharedBytes& other) noexcept : pool_(other.pool_), block_(other.block_) {
    if (block_ != nullptr) ++block_->begin;
  }
  SharedBytes(SharedBytes&& other) noexcept
      : pool_(other.pool_), block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() {
    if (block_ != nullptr && --block_->begin == 0) pool_->give(block_);
  }

  explicit operator bool() const noexcept { return block_ != nullptr; }
  Bytes bytes() const noexcept {
    return block_ == nullptr ? Bytes{} : Bytes{block_->data(), block_->end};
  }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->end; }
  // Of the pool; and that divided among all who hold it, rounded down.
  std::size_t held_bytes() const noexcept { return block_ == nullptr ? 0 : block_->bytes; }
  std::size_t held_share() const noexcept {
    return block_ == nullptr ? 0 : block_->bytes / block_->begin;
  }

 private:
  Pool* pool_ = nullptr;
  Pool::Block* block_ = nullptr;  // its `begin` counts who holds it, `end` the bytes
};

}  // namespace hilo

// SPDX-License-Identifier: MIT

#include "net/base/buffer.h"

#include <cstring>
#include <utility>

namespace hilo {

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(other.pool_), block_(std::exchange(other.block_, nullptr)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(block_, other.block_);
  return *this;
}

Status Buffer::reserve(std::size_t bytes) noexcept {
  if (writable().size() >= bytes) return {};
  const MutableBytes held = readable();
  // Moving is cheap enough when it frees at least as much as it moves; else a larger block is due.
  if (capacity() - held.size() >= bytes && block_->begin >= held.size()) {
    std::memmove(block_->data(), held.data(), held.size());
  } else {
    if (bytes > Pool::block_bytes_max - held.size()) return out_of_memory();
    Pool::Block* const block = pool_->take(held.size() + bytes);
    if (block == nullptr) return out_of_memory();
    if (!held.empty()) std::memcpy(block->data(), held.data(), held.size());
    pool_->give(block_);
    block_ = block;
  }
  pool_->count_copied(held.size());
  block_->begin = 0;
  block_->end = static_cast<std::uint32_t>(held.size());
  return {};
}

void Buffer::commit(std::size_t bytes) noexcept {
  HILO_DCHECK(bytes <= writable().size());
  if (bytes != 0) block_->end += static_cast<std::uint32_t>(bytes);
}

Status Buffer::append(Bytes bytes) noexcept {
  if (bytes.empty()) return {};
  if (Status status = reserve(bytes.size()); !status) return status;
  std::memcpy(writable().data(), bytes.data(), bytes.size());
  commit(bytes.size());
  pool_->count_copied(bytes.size());
  return {};
}

void Buffer::consume(std::size_t bytes) noexcept {
  HILO_DCHECK(bytes <= size());
  if (block_ == nullptr) return;
  block_->begin += static_cast<std::uint32_t>(bytes);
  if (block_->begin == block_->end) release();
}

void Buffer::release() noexcept {
  pool_->give(std::exchange(block_, nullptr));
}

}  // namespace hilo

// SPDX-License-Identifier: MIT

#include "net/base/buffer.h"

#include <cstring>
#include <utility>

namespace hilo {

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(other.pool_),
      data_(std::exchange(other.data_, nullptr)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(data_, other.data_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

Status Buffer::reserve(std::size_t bytes) noexcept {
  if (capacity_ - end_ >= bytes) return {};
  const std::size_t held = size();
  // Moving is cheap enough when it frees at least as much as it moves; else a larger block is due.
  if (capacity_ - held >= bytes && begin_ >= held) {
    std::memmove(data_, data_ + begin_, held);
  } else {
    if (bytes > Pool::block_bytes_max - held) return out_of_memory();
    const Pool::Block block = pool_->take(held + bytes);
    if (block.data == nullptr) return out_of_memory();
    if (held != 0) std::memcpy(block.data, data_ + begin_, held);
    pool_->give({data_, capacity_});
    data_ = block.data;
    capacity_ = static_cast<std::uint32_t>(block.bytes);
  }
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(held);
  return {};
}

void Buffer::commit(std::size_t bytes) noexcept {
  HILO_DCHECK(bytes <= capacity_ - end_);
  end_ += static_cast<std::uint32_t>(bytes);
}

Status Buffer::append(Bytes bytes) noexcept {
  if (bytes.empty()) return {};
  if (Status status = reserve(bytes.size()); !status) return status;
  std::memcpy(data_ + end_, bytes.data(), bytes.size());
  commit(bytes.size());
  return {};
}

void Buffer::consume(std::size_t bytes) noexcept {
  HILO_DCHECK(bytes <= size());
  begin_ += static_cast<std::uint32_t>(bytes);
  if (begin_ == end_) release();
}

void Buffer::release() noexcept {
  pool_->give({data_, capacity_});
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}  // namespace hilo

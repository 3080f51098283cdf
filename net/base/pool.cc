// SPDX-License-Identifier: MIT

#include "net/base/pool.h"

#include <bit>
#include <cstdlib>
#include <new>

#include "net/base/check.h"

namespace hilo {

static_assert(std::has_single_bit(Pool::block_bytes_min));
static_assert(std::has_single_bit(Pool::block_bytes_max));

std::size_t Pool::class_of(std::size_t bytes) noexcept {
  const std::size_t rounded = std::bit_ceil(bytes < block_bytes_min ? block_bytes_min : bytes);
  return static_cast<std::size_t>(std::countr_zero(rounded) - std::countr_zero(block_bytes_min));
}

Pool::~Pool() {
  trim();
}

Pool::Block Pool::take(std::size_t bytes) noexcept {
  if (bytes > block_bytes_max) return {};
  const std::size_t index = class_of(bytes);
  const std::size_t size = block_bytes_min << index;
  void* data = free_[index];
  if (data != nullptr) {
    free_[index] = free_[index]->next;
    cached_bytes_ -= size;
  } else {
    data = std::malloc(size);
    if (data == nullptr) return {};
  }
  taken_bytes_ += size;
  return {static_cast<std::uint8_t*>(data), size};
}

void Pool::give(Block block) noexcept {
  if (block.data == nullptr) return;
  const std::size_t index = class_of(block.bytes);
  HILO_DCHECK(block.bytes == block_bytes_min << index);
  taken_bytes_ -= block.bytes;
  if (cached_bytes_ + block.bytes > cached_bytes_max_) {
    std::free(block.data);
    return;
  }
  free_[index] = ::new (static_cast<void*>(block.data)) FreeBlock{free_[index]};
  cached_bytes_ += block.bytes;
}

void Pool::trim() noexcept {
  for (FreeBlock*& head : free_) {
    while (head != nullptr) {
      FreeBlock* block = head;
      head = block->next;
      std::free(block);
    }
  }
  cached_bytes_ = 0;
}

}  // namespace hilo

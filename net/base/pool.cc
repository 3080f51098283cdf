// SPDX-License-Identifier: MIT

#include "net/base/pool.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "net/base/check.h"

namespace hilo {

static_assert(std::has_single_bit(Pool::block_bytes_min));
static_assert(std::has_single_bit(Pool::block_bytes_max));

namespace {

// The content of a block that lies unused begins with the next one.
Pool::Block* next_of(Pool::Block* block) noexcept {
  Pool::Block* next;
  std::memcpy(&next, block->data(), sizeof(next));
  return next;
}

}  // namespace

std::size_t Pool::class_of(std::size_t bytes) noexcept {
  const std::size_t rounded = std::bit_ceil(bytes < block_bytes_min ? block_bytes_min : bytes);
  return static_cast<std::size_t>(std::countr_zero(rounded) - std::countr_zero(block_bytes_min));
}

Pool::~Pool() {
  trim();
}

Pool::Block* Pool::take(std::size_t bytes) noexcept {
  if (bytes > block_bytes_max) return nullptr;
  const std::size_t index = class_of(bytes);
  const std::size_t size = block_bytes_min << index;
  void* memory = free_[index];
  if (memory != nullptr) {
    free_[index] = next_of(free_[index]);
    cached_bytes_ -= size;
  } else {
    memory = std::malloc(sizeof(Block) + size);
    if (memory == nullptr) return nullptr;
  }
  taken_bytes_ += size;
  return ::new (memory) Block{.bytes = static_cast<std::uint32_t>(size)};
}

void Pool::give(Block* block) noexcept {
  if (block == nullptr) return;
  const std::size_t size = block->bytes;
  const std::size_t index = class_of(size);
  HILO_DCHECK(size == block_bytes_min << index);
  taken_bytes_ -= size;
  if (cached_bytes_ + size > cached_bytes_max_) {
    std::free(block);
    return;
  }
  std::memcpy(block->data(), &free_[index], sizeof(Block*));
  free_[index] = block;
  cached_bytes_ += size;
}

void Pool::trim() noexcept {
  for (Block*& head : free_) {
    while (head != nullptr) std::free(std::exchange(head, next_of(head)));
  }
  cached_bytes_ = 0;
}

}  // namespace hilo

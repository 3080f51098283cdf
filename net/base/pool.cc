// SPDX-License-Identifier: MIT

#include "net/base/pool.h"

#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "net/base/allocator.h"
#include "net/base/check.h"
#include "net/base/mid_page.h"

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

Pool::Block* Pool::allocate(std::size_t size) noexcept {
  const bool is_large = size >= large_bytes_min;
  auto* const memory = static_cast<std::uint8_t*>(
      allocate_memory(sizeof(Block) + size + (is_large ? mid_page_slack : 0)));
  if (memory == nullptr) return nullptr;
  const std::size_t lead = is_large ? to_mid_page(memory + sizeof(Block)) : 0;
  return ::new (memory + lead)
      Block{.bytes = static_cast<std::uint32_t>(size), .lead = static_cast<std::uint32_t>(lead)};
}

void Pool::release(Block* block) noexcept {
  release_memory(reinterpret_cast<std::uint8_t*>(block) - block->lead);
}

Pool::Block* Pool::take(std::size_t bytes) noexcept {
  if (bytes > block_bytes_max) return nullptr;
  const std::size_t index = class_of(bytes);
  const std::size_t size = block_bytes_min << index;
  Block* block = free_[index];
  if (block != nullptr) {
    free_[index] = next_of(block);
    cached_bytes_ -= size;
    block->begin = block->end = 0;
  } else {
    block = allocate(size);
    ++allocations_;
    if (block == nullptr) return nullptr;
  }
  taken_bytes_ += size;
  return block;
}

void Pool::give(Block* block) noexcept {
  if (block == nullptr) return;
  const std::size_t size = block->bytes;
  const std::size_t index = class_of(size);
  HILO_DCHECK(size == block_bytes_min << index);
  taken_bytes_ -= size;
  if (cached_bytes_ + size > cached_bytes_max_) return release(block);
  std::memcpy(block->data(), &free_[index], sizeof(Block*));
  free_[index] = block;
  cached_bytes_ += size;
}

void Pool::trim() noexcept {
  for (Block*& head : free_) {
    while (head != nullptr) release(std::exchange(head, next_of(head)));
  }
  cached_bytes_ = 0;
}

}  // namespace hilo

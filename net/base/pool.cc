// SPDX-License-Identifier: MIT

#include "net/base/pool.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "net/base/allocator.h"
#include "net/base/check.h"
#include "net/base/mid_page.h"
#include "net/base/poison.h"

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

// Nobody has a use for the rest of it.
void poison_rest(Pool::Block* block) noexcept {
  poison(block->data() + sizeof(Pool::Block*), block->bytes - sizeof(Pool::Block*));
}
void unpoison_rest(Pool::Block* block) noexcept {
  unpoison(block->data() + sizeof(Pool::Block*), block->bytes - sizeof(Pool::Block*));
}

}  // namespace

std::size_t Pool::class_of(std::size_t size) noexcept {
  constexpr std::size_t least_width = std::bit_width(block_bytes_min);
  const auto width = static_cast<std::size_t>(std::bit_width(size | block_bytes_min));
  const std::size_t step = (size >> (width - 1 - step_bits)) & ((1U << step_bits) - 1);
  return ((width - least_width) << step_bits) + step;
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
  return take_of_size(std::bit_ceil(std::max(bytes, block_bytes_min)));
}

Pool::Block* Pool::take_closely(std::size_t bytes) noexcept {
  if (bytes > block_bytes_max) return nullptr;
  bytes = std::max(bytes, block_bytes_min);
  const std::size_t step = std::bit_floor(bytes) >> step_bits;
  return take_of_size((bytes + step - 1) & ~(step - 1));
}

Pool::Block* Pool::take_of_size(std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  Block* block = free_[index];
  if (block != nullptr) {
    free_[index] = next_of(block);
    unpoison_rest(block);
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
  HILO_DCHECK(index < classes);
  taken_bytes_ -= size;
  // (std::has_single_bit counts them all, by a call where the processor is not known to.)
  const bool is_power_of_two = (size & (size - 1)) == 0;
  const std::size_t limit = is_power_of_two ? cached_bytes_max_ : cached_bytes_max_ / 2;
  if (cached_bytes_ + size > limit) return release(block);
  std::memcpy(block->data(), &free_[index], sizeof(Block*));
  poison_rest(block);
  free_[index] = block;
  cached_bytes_ += size;
}

void Pool::trim() noexcept {
  for (Block*& head : free_) {
    while (head != nullptr) {
      unpoison_rest(head);
      release(std::exchange(head, next_of(head)));
    }
  }
  cached_bytes_ = 0;
}

}  // namespace hilo

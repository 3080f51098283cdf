// SPDX-License-Identifier: MIT

#include "net/output_queue.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace hilo::net {

// The sums run from the first part that was ever in the block on, so that what lies between two
// parts, or between all of them, is a difference.
struct OutputQueue::Part {
  SharedBytes bytes;
  std::uint64_t own_sum;     // bytes of our own in front of this part, ...
  std::uint64_t shared_sum;  // ... and shared ones, this part's among them
  std::uint32_t own_left;    // bytes of our own between the part before and this one, not sent yet
  std::uint32_t begin;       // where the unsent bytes of this part begin

  Bytes left() const noexcept { return bytes.bytes().subspan(begin); }
};

// Parts are as good where they are moved to as where they were made: nothing refers to them.
std::span<OutputQueue::Part> OutputQueue::parts() const noexcept {
  if (!has_parts()) return {};
  Pool::Block* const block = parts_block();
  return {reinterpret_cast<Part*>(block->data() + block->begin), size_of(block) / sizeof(Part)};
}

std::size_t OutputQueue::size_with_parts() const noexcept {
  const std::span<Part> all = parts();
  const std::uint64_t behind_first = all.back().shared_sum - all.front().shared_sum;
  return size_of(own()) + all.front().left().size() + static_cast<std::size_t>(behind_first);
}

std::size_t OutputQueue::held(std::size_t (SharedBytes::*of_part)() const noexcept) const noexcept {
  std::size_t held = own() == nullptr ? 0 : own()->bytes;
  if (has_parts()) held += parts_block()->bytes;
  for (const Part& part : parts()) held += (part.bytes.*of_part)();
  return held;
}

Status OutputQueue::append(Pool& pool, std::span<const Bytes> slices) noexcept {
  std::size_t bytes = 0;
  for (const Bytes slice : slices) bytes += slice.size();
  if (bytes == 0) return {};
  if (!make_room(pool, bytes)) return out_of_memory();
  for (const Bytes slice : slices) {
    if (!slice.empty()) put(pool, slice);
  }
  return {};
}

// (By hand: each delivery to many comes here, and a Buffer asks more.)
bool OutputQueue::make_more_room(Pool& pool, std::size_t bytes) noexcept {
  Pool::Block*& block = own();
  if (block == nullptr) return (block = pool.take(bytes)) != nullptr;
  if (block->bytes - block->end >= bytes) return true;
  return static_cast<bool>(BorrowedBuffer(pool, block)->reserve(bytes));
}

Status OutputQueue::append(Pool& pool, const SharedBytes& shared, std::size_t begin) noexcept {
  HILO_DCHECK(begin < shared.size());
  const std::span<Part> all = parts();
  std::uint64_t own_before = 0;
  std::uint64_t shared_before = 0;
  std::size_t own_left = size_of(own());
  if (!all.empty()) {
    own_before = all.back().own_sum;
    shared_before = all.back().shared_sum;
    own_left -= all.front().own_left + static_cast<std::size_t>(own_before - all.front().own_sum);
  }
  if (!make_room_for_part(pool)) return out_of_memory();
  Pool::Block& block = *parts_block();
  ::new (block.data() + block.end) Part{.bytes = shared,
                                        .own_sum = own_before + own_left,
                                        .shared_sum = shared_before + shared.size() - begin,
                                        .own_left = static_cast<std::uint32_t>(own_left),
                                        .begin = static_cast<std::uint32_t>(begin)};
  block.end += static_cast<std::uint32_t>(sizeof(Part));
  return {};
}

// Who finds the block full moves to one with room for as many parts again as are left.
bool OutputQueue::make_room_for_part(Pool& pool) noexcept {
  static_assert(sizeof(PartsHead) % alignof(Part) == 0);
  Pool::Block* const before = has_parts() ? parts_block() : nullptr;
  if (before != nullptr && before->bytes - before->end >= sizeof(Part)) return true;
  const std::size_t bytes = size_of(before);
  Pool::Block* const block = pool.take(sizeof(PartsHead) + 2 * bytes + sizeof(Part));
  if (block == nullptr) return false;
  ::new (block->data()) PartsHead{own()};
  block->begin = sizeof(PartsHead);
  block->end = static_cast<std::uint32_t>(sizeof(PartsHead) + bytes);
  if (bytes != 0) {
    std::memcpy(block->data() + block->begin, before->data() + before->begin, bytes);
    pool.count_copied(bytes);
  }
  pool.give(before);
  keep_parts_in(block);
  return true;
}

std::size_t OutputQueue::gather(std::span<Bytes> slices) const noexcept {
  Bytes left = bytes_of(own());
  std::size_t count = 0;
  for (const Part& part : parts()) {
    if (count == slices.size()) return count;
    if (part.own_left != 0) {
      slices[count++] = left.first(part.own_left);
      left = left.subspan(part.own_left);
    }
    if (count == slices.size()) return count;
    slices[count++] = part.left();
  }
  if (!left.empty() && count != slices.size()) slices[count++] = left;
  return count;
}

void OutputQueue::consume(Pool& pool, std::size_t bytes) noexcept {
  HILO_DCHECK(bytes <= size());
  while (bytes != 0) bytes -= consume_front(pool, bytes);
}

std::size_t OutputQueue::consume_front(Pool& pool, std::size_t bytes) noexcept {
  const std::span<Part> all = parts();
  const std::size_t own_now = all.empty() ? size_of(own()) : all.front().own_left;
  if (own_now != 0) {
    const std::size_t now = std::min(bytes, own_now);
    if (!all.empty()) all.front().own_left -= static_cast<std::uint32_t>(now);
    consume_own(pool, now);
    return now;
  }
  Part& first = all.front();
  const std::size_t now = std::min(bytes, first.left().size());
  first.begin += static_cast<std::uint32_t>(now);
  if (first.left().empty()) drop_part(pool);
  return now;
}

void OutputQueue::consume_own(Pool& pool, std::size_t bytes) noexcept {
  Pool::Block*& block = own();
  block->begin += static_cast<std::uint32_t>(bytes);
  if (block->begin == block->end) pool.give(std::exchange(block, nullptr));
}

void OutputQueue::drop_part(Pool& pool) noexcept {
  parts().front().~Part();
  Pool::Block* const block = parts_block();
  block->begin += static_cast<std::uint32_t>(sizeof(Part));
  if (block->begin != block->end) return;
  block_ = parts_head().own;
  pool.give(block);
}

void OutputQueue::release(Pool& pool) noexcept {
  while (has_parts()) drop_part(pool);
  pool.give(std::exchange(block_, nullptr));
}

}  // namespace hilo::net

// SPDX-License-Identifier: MIT

#include "net/output_queue.h"

#include <algorithm>
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
  if (parts_ == nullptr) return {};
  auto* const first = reinterpret_cast<Part*>(parts_->data() + parts_->begin);
  return {first, (parts_->end - parts_->begin) / sizeof(Part)};
}

std::size_t OutputQueue::size_with_parts() const noexcept {
  const std::span<Part> all = parts();
  const std::uint64_t behind_first = all.back().shared_sum - all.front().shared_sum;
  return own_size() + all.front().left().size() + static_cast<std::size_t>(behind_first);
}

std::size_t OutputQueue::held(std::size_t (SharedBytes::*of_part)() const noexcept) const noexcept {
  std::size_t held = own_ == nullptr ? 0 : own_->bytes;
  if (parts_ != nullptr) held += parts_->bytes;
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
bool OutputQueue::make_room(Pool& pool, std::size_t bytes) noexcept {
  if (own_ == nullptr) return (own_ = pool.take(bytes)) != nullptr;
  if (own_->bytes - own_->end >= bytes) return true;
  return static_cast<bool>(BorrowedBuffer(pool, own_)->reserve(bytes));
}

Status OutputQueue::append(Pool& pool, const SharedBytes& shared, std::size_t begin) noexcept {
  HILO_DCHECK(begin < shared.size());
  const std::span<Part> all = parts();
  std::uint64_t own_before = 0;
  std::uint64_t shared_before = 0;
  std::size_t own_left = own_size();
  if (!all.empty()) {
    own_before = all.back().own_sum;
    shared_before = all.back().shared_sum;
    own_left -= all.front().own_left + static_cast<std::size_t>(own_before - all.front().own_sum);
  }
  BorrowedBuffer list(pool, parts_);
  if (Status status = list->reserve(sizeof(Part)); !status) return status;
  ::new (list->writable().data()) Part{.bytes = shared,
                                       .own_sum = own_before + own_left,
                                       .shared_sum = shared_before + shared.size() - begin,
                                       .own_left = static_cast<std::uint32_t>(own_left),
                                       .begin = static_cast<std::uint32_t>(begin)};
  list->commit(sizeof(Part));
  return {};
}

std::size_t OutputQueue::gather(std::span<Bytes> slices) const noexcept {
  Bytes own = own_ == nullptr ? Bytes{} : Bytes{own_->data() + own_->begin, own_size()};
  std::size_t count = 0;
  for (const Part& part : parts()) {
    if (count == slices.size()) return count;
    if (part.own_left != 0) {
      slices[count++] = own.first(part.own_left);
      own = own.subspan(part.own_left);
    }
    if (count == slices.size()) return count;
    slices[count++] = part.left();
  }
  if (!own.empty() && count != slices.size()) slices[count++] = own;
  return count;
}

void OutputQueue::consume(Pool& pool, std::size_t bytes) noexcept {
  HILO_DCHECK(bytes <= size());
  while (bytes != 0) bytes -= consume_front(pool, bytes);
}

std::size_t OutputQueue::consume_front(Pool& pool, std::size_t bytes) noexcept {
  const std::span<Part> all = parts();
  const std::size_t own_now = all.empty() ? own_size() : all.front().own_left;
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
  own_->begin += static_cast<std::uint32_t>(bytes);
  if (own_->begin == own_->end) pool.give(std::exchange(own_, nullptr));
}

void OutputQueue::drop_part(Pool& pool) noexcept {
  parts().front().~Part();
  BorrowedBuffer(pool, parts_)->consume(sizeof(Part));
}

void OutputQueue::release(Pool& pool) noexcept {
  while (parts_ != nullptr) drop_part(pool);
  BorrowedBuffer(pool, own_)->release();
}

}  // namespace hilo::net

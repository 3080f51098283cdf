// SPDX-License-Identifier: MIT
//
// Pool: blocks of memory in a few sizes, kept for the next taker.
//
// Queues, stashes and message assembly buffers live only while they are in use. A pool makes that
// cheap: a loop that echoes 1 MiB messages takes and gives back the same block again and again, and
// after the first round no malloc, no mmap and no page fault is left.
//
//   sizes   from `block_bytes_min` up to `block_bytes_max`, rounded up to a power of two, where it
//           may grow, or by a 32nd at most. In front of each block stand a few words that are
//           not counted: its size, and two numbers for whoever holds it, who then needs no room of
//           his own for them while he holds none.
//   place   the data of blocks of `large_bytes_min` and more begins in the middle of a page
//           (mid_page.h)
//   limit   at most `cached_bytes_max` lie unused, of which half is for powers of two alone; what
//           is given back beyond that is freed
//   views   of what was given back are poisoned under AddressSanitizer, as if it had been freed
//   thread  one; every loop has its own pool
//   life    must outlive every block taken from it; destroying it frees what lies unused

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hilo {

class Pool {
 public:
  static constexpr std::size_t block_bytes_min = 256;
  static constexpr std::size_t block_bytes_max = std::size_t{1} << 31;
  static constexpr std::size_t large_bytes_min = std::size_t{16} << 10;
  static constexpr std::size_t cached_bytes_max_default = std::size_t{16} << 20;

  explicit Pool(std::size_t cached_bytes_max = cached_bytes_max_default) noexcept
      : cached_bytes_max_(cached_bytes_max) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  struct alignas(16) Block {
    std::uint32_t bytes;      // of data(); not to be changed
    std::uint32_t begin = 0;  // the holder's
    std::uint32_t end = 0;    // the holder's
    std::uint32_t lead = 0;   // how far behind its memory the block begins; not to be changed
    std::uint8_t* data() noexcept { return reinterpret_cast<std::uint8_t*>(this + 1); }
  };
  // A block of at least `bytes`, its content undefined. Null: no memory, or more than
  // block_bytes_max asked for.
  [[nodiscard]] Block* take(std::size_t bytes) noexcept;
  // For what stays as it is: one that is not much larger.
  [[nodiscard]] Block* take_closely(std::size_t bytes) noexcept;
  // Takes back what either returned; null is fine.
  void give(Block* block) noexcept;

  // Frees every block that lies unused.
  void trim() noexcept;

  std::size_t cached_bytes() const noexcept { return cached_bytes_; }
  std::size_t taken_bytes() const noexcept { return taken_bytes_; }
  // How often take() had nothing that lay unused, and asked for memory.
  std::uint64_t allocations() const noexcept { return allocations_; }
  // Bytes that were copied from one place of the program's memory to another, by Buffers and by
  // those who call count_copied(): what a message costs besides system calls.
  std::uint64_t copied_bytes() const noexcept { return copied_bytes_; }
  void count_copied(std::size_t bytes) noexcept { copied_bytes_ += bytes; }

 private:
  static constexpr std::size_t step_bits = 5;  // 32 sizes from one power of two to the next
  static constexpr std::size_t classes = 24 << step_bits;  // 2^8 ... 2^31
  static std::size_t class_of(std::size_t size) noexcept;
  Block* take_of_size(std::size_t size) noexcept;
  static Block* allocate(std::size_t size) noexcept;
  static void release(Block* block) noexcept;

  std::array<Block*, classes> free_{};  // linked through their first bytes
  std::size_t cached_bytes_max_;
  std::size_t cached_bytes_ = 0;
  std::size_t taken_bytes_ = 0;
  std::uint64_t allocations_ = 0;
  std::uint64_t copied_bytes_ = 0;
};

}  // namespace hilo

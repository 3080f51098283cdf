// SPDX-License-Identifier: MIT
//
// Pool: blocks of memory in powers of two, kept for the next taker.
//
// Queues, stashes and message assembly buffers live only while they are in use. A pool makes that
// cheap: a loop that echoes 1 MiB messages takes and gives back the same block again and again, and
// after the first round no malloc, no mmap and no page fault is left.
//
//   sizes   from `block_bytes_min` up to `block_bytes_max`, rounded up to a power of two
//   limit   at most `cached_bytes_max` lie unused; what is given back beyond that is freed
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
  static constexpr std::size_t cached_bytes_max_default = std::size_t{16} << 20;

  explicit Pool(std::size_t cached_bytes_max = cached_bytes_max_default) noexcept
      : cached_bytes_max_(cached_bytes_max) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  struct Block {
    std::uint8_t* data = nullptr;  // null: no memory, or more than block_bytes_max asked for
    std::size_t bytes = 0;
  };
  // A block of at least `bytes`, its content undefined.
  [[nodiscard]] Block take(std::size_t bytes) noexcept;
  // Takes back exactly what take() returned.
  void give(Block block) noexcept;

  // Frees every block that lies unused.
  void trim() noexcept;

  std::size_t cached_bytes() const noexcept { return cached_bytes_; }
  std::size_t taken_bytes() const noexcept { return taken_bytes_; }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr std::size_t classes = 24;  // 2^8 ... 2^31
  static std::size_t class_of(std::size_t bytes) noexcept;

  std::array<FreeBlock*, classes> free_{};
  std::size_t cached_bytes_max_;
  std::size_t cached_bytes_ = 0;
  std::size_t taken_bytes_ = 0;
};

}  // namespace hilo

// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <bit>
#include <cstring>

#include "net/base/poison.h"
#include "net/base/pool.h"
#include "tests/support/allocation_counter.h"

using namespace hilo;

namespace allocation_counter = test::allocation_counter;

TEST_CASE("a block holds at least what was asked for, rounded up to a power of two") {
  Pool pool;
  for (std::size_t wanted : {0u, 1u, 255u, 256u, 257u, 512u, 513u, 4096u, 65537u}) {
    CAPTURE(wanted);
    Pool::Block* const block = pool.take(wanted);
    REQUIRE(block != nullptr);
    CHECK(block->bytes >= wanted);
    CHECK(block->bytes >= Pool::block_bytes_min);
    CHECK(std::has_single_bit(block->bytes));
    CHECK((block->bytes == Pool::block_bytes_min || block->bytes < 2 * wanted));
    CHECK(block->begin == 0);
    CHECK(block->end == 0);
    std::memset(block->data(), 0xAB, block->bytes);
    block->begin = block->end = 1;
    CHECK(pool.taken_bytes() == block->bytes);
    pool.give(block);
    CHECK(pool.taken_bytes() == 0);
  }
}

TEST_CASE("a block that was asked for closely is larger by a 32nd at most, and is found again") {
  Pool pool;
  const auto taken = [&](std::size_t wanted) {
    Pool::Block* const block = pool.take_closely(wanted);
    REQUIRE(block != nullptr);
    const std::size_t size = block->bytes;
    CHECK(pool.taken_bytes() == size);
    std::memset(block->data(), 0xAB, size);
    pool.give(block);
    CHECK(pool.taken_bytes() == 0);
    return size;
  };
  for (std::size_t wanted = 0; wanted <= 5000; ++wanted) {
    CAPTURE(wanted);
    const std::size_t size = taken(wanted);
    CHECK(size >= wanted);
    CHECK((size == Pool::block_bytes_min || size < wanted + wanted / 32 + 1));
    CHECK(taken(size) == size);
  }
  CHECK(taken(8192) == 8192);
  CHECK(taken(8202) == 8448);
  CHECK(taken(16'384 - 255) == 16'384);
  // Each size is its own.
  const std::uint64_t allocations = pool.allocations();
  CHECK(taken(8202) == 8448);
  CHECK(pool.allocations() == allocations);
  Pool::Block* const roomy = pool.take(8202);
  CHECK(roomy->bytes == 16'384);
  pool.give(roomy);
}

TEST_CASE("half of what is kept for later is for powers of two") {
  Pool pool(4096);
  Pool::Block* const odd[] = {pool.take_closely(1100), pool.take_closely(1100)};
  Pool::Block* const even[] = {pool.take(1024), pool.take(1024)};
  for (Pool::Block* const block : odd) pool.give(block);
  CHECK(pool.cached_bytes() == 1120);
  for (Pool::Block* const block : even) pool.give(block);
  CHECK(pool.cached_bytes() == 1120 + 2048);
}

TEST_CASE("the data of a large block begins in the middle of a page, taken anew or again") {
  Pool pool;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t bytes = Pool::large_bytes_min; bytes <= std::size_t{4} << 20; bytes *= 2) {
      CAPTURE(bytes);
      Pool::Block* const block = pool.take(bytes);
      REQUIRE(block != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(block->data()) % 4096 == 2048);
      CHECK(block->begin == 0);
      std::memset(block->data(), 0xCD, block->bytes);
      block->begin = block->end = 7;
      pool.give(block);
    }
  }
}

TEST_CASE("more than the largest block is refused") {
  Pool pool;
  CHECK(pool.take(Pool::block_bytes_max + 1) == nullptr);
  CHECK(pool.take(~std::size_t{0}) == nullptr);
  CHECK(pool.take_closely(Pool::block_bytes_max + 1) == nullptr);
  CHECK(pool.take_closely(~std::size_t{0}) == nullptr);
  CHECK(pool.taken_bytes() == 0);
}

TEST_CASE("what is given back is taken again without an allocation") {
  Pool pool;
  pool.give(pool.take(1 << 20));
  CHECK(pool.cached_bytes() == 1 << 20);
  const auto before = allocation_counter::count();
  for (int i = 0; i < 1000; ++i) {
    Pool::Block* const block = pool.take(600 << 10);
    block->data()[0] = 1;
    pool.give(block);
  }
  CHECK(allocation_counter::count() == before);
  CHECK(pool.cached_bytes() == 1 << 20);
}

TEST_CASE("the pool caches no more than its limit") {
  Pool pool(1024);
  Pool::Block* const a = pool.take(512);
  Pool::Block* const b = pool.take(512);
  Pool::Block* const c = pool.take(512);
  CHECK(pool.taken_bytes() == 3 * 512);
  pool.give(a);
  pool.give(b);
  pool.give(c);
  CHECK(pool.cached_bytes() == 1024);
  CHECK(pool.taken_bytes() == 0);
  pool.trim();
  CHECK(pool.cached_bytes() == 0);
  Pool::Block* const fresh = pool.take(512);
  CHECK(fresh != nullptr);
  pool.give(fresh);
}

#ifdef HILO_ASAN
TEST_CASE("a block that lies unused is poisoned") {
  Pool pool;
  Pool::Block* const block = pool.take(512);
  std::uint8_t* const last = block->data() + block->bytes - 1;
  CHECK_FALSE(__asan_address_is_poisoned(last));
  pool.give(block);
  CHECK(__asan_address_is_poisoned(last));
  CHECK(pool.take(512) == block);
  CHECK_FALSE(__asan_address_is_poisoned(last));
  pool.give(block);
}
#endif

TEST_CASE("giving back nothing is allowed") {
  Pool pool;
  pool.give(nullptr);
  CHECK(pool.cached_bytes() == 0);
  CHECK(pool.taken_bytes() == 0);
}

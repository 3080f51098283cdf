// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "ws/core/mask.h"
#include "ws/core/mask_kernels.h"
#include "ws/core/processor.h"

namespace {

using hilo::Bytes;
using hilo::MutableBytes;
using hilo::ws::MaskKernel;
using hilo::ws::MaskKey;

constexpr MaskKey key{0x37, 0xFA, 0x21, 0x3D};
constexpr std::uint8_t untouched = 0xA5;

std::uint8_t plain(std::size_t i) {
  return static_cast<std::uint8_t>(i * 31 + (i >> 8) + 7);
}

// RFC 6455 section 5.3, for the byte at `i` of data that begins at `offset` of the payload.
std::uint8_t masked(std::size_t i, std::size_t offset) {
  return static_cast<std::uint8_t>(plain(i) ^ key[(offset + i) % 4]);
}

constexpr std::size_t alignment = 64;  // of the widest register

// Data that begins `before` bytes behind a well aligned place, between bytes that stay.
class Block {
 public:
  Block(std::size_t before, std::size_t size)
      : memory_(before + size + 2 * alignment, untouched), size_(size) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    begin_ = (alignment - address % alignment) % alignment + before;
    for (std::size_t i = 0; i < size; ++i) memory_[begin_ + i] = plain(i);
  }
  MutableBytes data() { return MutableBytes{memory_}.subspan(begin_, size_); }

  bool is_masked(std::size_t offset) const {
    bool is_right = true;
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      const bool is_data = i >= begin_ && i < begin_ + size_;
      is_right = is_right && memory_[i] == (is_data ? masked(i - begin_, offset) : untouched);
    }
    return is_right;
  }

 private:
  std::vector<std::uint8_t> memory_;
  std::size_t begin_;
  std::size_t size_;
};

// Memory between two pages that nobody may touch: no sanitizer sees what a register that leaves
// bytes out does with them.
class Fenced {
 public:
  Fenced() : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
    void* const memory = ::mmap(nullptr, 4 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    begin_ = static_cast<std::uint8_t*>(memory);
    REQUIRE(::mprotect(begin_ + page_, size(), PROT_READ | PROT_WRITE) == 0);
  }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  ~Fenced() { ::munmap(begin_, 4 * page_); }

  std::size_t size() const { return 2 * page_; }
  MutableBytes front(std::size_t size) { return {begin_ + page_, size}; }
  MutableBytes back(std::size_t bytes) { return {begin_ + page_ + size() - bytes, bytes}; }

 private:
  std::size_t page_;
  std::uint8_t* begin_ = nullptr;
};

// Every length up to 256, and some where kernels change their way.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all;
  for (std::size_t length = 0; length <= 256; ++length) all.push_back(length);
  for (const std::size_t length : {257U,  288U,  289U,  321U,  353U,  384U,  385U,  511U,  512U,
                                   513U,  577U,  1000U, 2047U, 2048U, 2049U, 2079U, 2080U, 2081U,
                                   2111U, 4095U, 4096U, 4097U, 4133U, 4159U, 4160U, 4161U}) {
    all.push_back(length);
  }
  return all;
}

template <typename Try>
void for_all_places(Try attempt) {
  for (const std::size_t length : lengths()) {
    CAPTURE(length);
    for (std::size_t before = 0; before < alignment; ++before) {
      CAPTURE(before);
      for (std::size_t offset = 0; offset < 4; ++offset) {
        CAPTURE(offset);
        attempt(length, before, offset);
      }
    }
  }
}

}  // namespace

TEST_CASE("the example of RFC 6455 section 5.7 unmasks to Hello") {
  std::array<std::uint8_t, 5> data{0x7F, 0x9F, 0x4D, 0x51, 0x58};
  hilo::ws::mask(data, key);
  CHECK(hilo::as_text(data) == "Hello");
}

TEST_CASE("every kernel masks every length at every offset and alignment") {
  for (const MaskKernel& kernel : hilo::ws::mask_kernels()) {
    if (!kernel.available()) continue;
    CAPTURE(kernel.name);
    for_all_places([&](std::size_t length, std::size_t before, std::size_t offset) {
      Block block(before, length);
      kernel.apply(block.data().data(), block.data().data(), length,
                   hilo::ws::mask_detail::key_word(key, offset));
      REQUIRE(block.is_masked(offset));
    });
  }
}

TEST_CASE("every kernel copies and masks between places of different alignment") {
  for (const MaskKernel& kernel : hilo::ws::mask_kernels()) {
    if (!kernel.available()) continue;
    CAPTURE(kernel.name);
    for_all_places([&](std::size_t length, std::size_t before, std::size_t offset) {
      Block from((before * 7 + offset) % alignment, length);
      Block to(before, length);
      kernel.apply(to.data().data(), from.data().data(), length,
                   hilo::ws::mask_detail::key_word(key, offset));
      REQUIRE(to.is_masked(offset));
      REQUIRE((length == 0 || from.data()[0] == plain(0)));
    });
  }
}

TEST_CASE("no kernel touches a byte in front of the data or behind it") {
  Fenced memory;
  for (const MaskKernel& kernel : hilo::ws::mask_kernels()) {
    if (!kernel.available()) continue;
    CAPTURE(kernel.name);
    for (const std::size_t length : lengths()) {
      for (const MutableBytes data : {memory.front(length), memory.back(length)}) {
        kernel.apply(data.data(), data.data(), length, 0);
      }
      kernel.apply(memory.front(length).data(), memory.back(length).data(),
                   std::min(length, memory.size() / 2), 0);
    }
  }
}

#if defined(__x86_64__)
TEST_CASE("mask takes the fastest kernel, and each where it is the fastest") {
  using hilo::ws::mask_detail::Machine;
  const auto run = [](Machine machine) {
    hilo::ws::mask_detail::machine = machine;
    for (const std::size_t length : {5U, 33U, 100U, 300U, 5000U}) {
      Block block(3, length);
      hilo::ws::mask(block.data(), key, 1);
      CHECK(block.is_masked(1));
    }
  };
  run(Machine::sse2);
  if (hilo::ws::processor::has_avx2()) run(Machine::avx2);
  run(Machine::unknown);
  std::string_view fastest;
  for (const MaskKernel& kernel : hilo::ws::mask_kernels()) {
    if (kernel.available()) fastest = kernel.name;
  }
  const Machine found = hilo::ws::mask_detail::machine;
  CHECK((found == Machine::avx512) == (fastest == "avx512"));
  CHECK((found == Machine::avx2) == (fastest == "avx2"));
}
#endif

TEST_CASE("mask does in place what the RFC says") {
  for_all_places([](std::size_t length, std::size_t before, std::size_t offset) {
    Block block(before, length);
    hilo::ws::mask(block.data(), key, offset);
    REQUIRE(block.is_masked(offset));
  });
}

TEST_CASE("mask_copy leaves the source as it was") {
  for_all_places([](std::size_t length, std::size_t before, std::size_t offset) {
    Block from(alignment - 1 - before, length);
    Block to(before, length);
    hilo::ws::mask_copy(to.data().data(), from.data(), key, offset);
    REQUIRE(to.is_masked(offset));
    bool is_plain = true;
    for (std::size_t i = 0; i < length; ++i) is_plain = is_plain && from.data()[i] == plain(i);
    REQUIRE(is_plain);
  });
}

TEST_CASE("a payload masked in two pieces equals one masked whole") {
  constexpr std::size_t size = 200;
  for (std::size_t cut = 0; cut <= size; ++cut) {
    Block block(3, size);
    hilo::ws::mask(block.data().first(cut), key, 0);
    hilo::ws::mask(block.data().subspan(cut), key, cut);
    CHECK(block.is_masked(0));
  }
}

TEST_CASE("the turn of the key goes on at offsets beyond 32 bits") {
  if constexpr (sizeof(std::size_t) > 4) {
    Block block(0, 100);
    const std::size_t offset = (std::size_t{1} << 40) + 3;
    hilo::ws::mask(block.data(), key, offset);
    CHECK(block.is_masked(3));
  }
}

TEST_CASE("masking nothing is allowed without any memory") {
  hilo::ws::mask({}, key, 2);
  hilo::ws::mask_copy(nullptr, {}, key, 2);
}

TEST_CASE("the scalar kernel is listed first and everywhere available") {
  REQUIRE(hilo::ws::mask_kernels().size() >= 2);
  CHECK(std::string_view(hilo::ws::mask_kernels().front().name) == "scalar");
  CHECK(hilo::ws::mask_kernels().front().available());
}

// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "ws/core/mask.h"
#include "ws/core/mask_kernels.h"

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

// Data that ends exactly where its block of memory ends, so that AddressSanitizer sees a step
// beyond, and that begins `before` bytes behind a well aligned place.
class Block {
 public:
  Block(std::size_t before, std::size_t size)
      : before_(before), size_(size), memory_(new std::uint8_t[before + size]) {
    for (std::size_t i = 0; i < before; ++i) memory_[i] = untouched;
    for (std::size_t i = 0; i < size; ++i) memory_[before + i] = plain(i);
  }
  MutableBytes data() { return {memory_.get() + before_, size_}; }

  bool is_masked(std::size_t offset) const {
    bool is_right = true;
    for (std::size_t i = 0; i < before_; ++i) is_right = is_right && memory_[i] == untouched;
    for (std::size_t i = 0; i < size_; ++i) {
      is_right = is_right && memory_[before_ + i] == masked(i, offset);
    }
    return is_right;
  }

 private:
  std::size_t before_;
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> memory_;
};

// Every length up to 256, and some where kernels change their way.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all;
  for (std::size_t length = 0; length <= 256; ++length) all.push_back(length);
  for (const std::size_t length :
       {257U, 288U,  289U,  321U,  353U,  384U,  385U,  511U,  512U,  513U,
        577U, 1000U, 2047U, 2048U, 2049U, 2079U, 2080U, 2081U, 2111U, 4133U}) {
    all.push_back(length);
  }
  return all;
}

template <typename Try>
void for_all_places(Try attempt) {
  for (const std::size_t length : lengths()) {
    CAPTURE(length);
    for (std::size_t before = 0; before < 32; ++before) {
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
      Block from((before * 7 + offset) % 32, length);
      Block to(before, length);
      kernel.apply(to.data().data(), from.data().data(), length,
                   hilo::ws::mask_detail::key_word(key, offset));
      REQUIRE(to.is_masked(offset));
      REQUIRE((length == 0 || from.data()[0] == plain(0)));
    });
  }
}

TEST_CASE("mask does in place what the RFC says") {
  for_all_places([](std::size_t length, std::size_t before, std::size_t offset) {
    Block block(before, length);
    hilo::ws::mask(block.data(), key, offset);
    REQUIRE(block.is_masked(offset));
  });
}

TEST_CASE("mask_copy leaves the source as it was") {
  for_all_places([](std::size_t length, std::size_t before, std::size_t offset) {
    Block from(31 - before, length);
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

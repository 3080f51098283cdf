// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>

#include "net/base/bytes.h"

using namespace hilo;

TEST_CASE("integers are stored with the most significant byte first") {
  std::array<std::uint8_t, 14> out{};
  store_be16(&out[0], 0x0102);
  store_be32(&out[2], 0x03040506);
  store_be64(&out[6], 0x0708090A0B0C0D0E);
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(out[i] == i + 1);
}

TEST_CASE("what was stored is loaded again, at every alignment") {
  std::array<std::uint8_t, 16> out{};
  for (std::size_t offset = 0; offset < 8; ++offset) {
    CAPTURE(offset);
    store_be64(&out[offset], 0xFEDCBA9876543210);
    CHECK(load_be64(&out[offset]) == 0xFEDCBA9876543210);
    CHECK(load_be32(&out[offset]) == 0xFEDCBA98);
    CHECK(load_be16(&out[offset]) == 0xFEDC);
  }
}

TEST_CASE("the top bit of every width survives a round trip") {
  std::array<std::uint8_t, 8> out{};
  store_be16(out.data(), 0x8000);
  CHECK(load_be16(out.data()) == 0x8000);
  store_be32(out.data(), 0x80000000);
  CHECK(load_be32(out.data()) == 0x80000000);
  store_be64(out.data(), 0x8000000000000000);
  CHECK(load_be64(out.data()) == 0x8000000000000000);
}

TEST_CASE("text and bytes are two views of the same memory") {
  const std::string_view text{"a\0\xFF", 3};
  const Bytes bytes = as_bytes(text);
  REQUIRE(bytes.size() == 3);
  CHECK(bytes[0] == 'a');
  CHECK(bytes[2] == 0xFF);
  CHECK(as_text(bytes).data() == text.data());
  CHECK(as_text(bytes) == text);
  CHECK(as_bytes("").empty());
}

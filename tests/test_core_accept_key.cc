// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>

#include "ws/core/accept_key.h"

namespace {

using hilo::ws::is_valid_key;

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";

std::string accept_text(std::string_view key) {
  const std::array<char, 28> accept = hilo::ws::accept_key(key);
  return {accept.begin(), accept.end()};
}

}  // namespace

TEST_CASE("the key of RFC 6455 section 1.3 gives its accept value") {
  CHECK(accept_text(sample_key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("the accept value depends on the key alone") {
  CHECK(accept_text("x3JJHMbDL1EzLkh9GBhXDw==") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
  CHECK(accept_text("AAAAAAAAAAAAAAAAAAAAAA==") == "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
}

TEST_CASE("every thread digests for itself") {
  std::string elsewhere;
  std::thread([&] { elsewhere = accept_text(sample_key); }).join();
  CHECK(elsewhere == accept_text(sample_key));
  CHECK(elsewhere == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a key is the base64 of sixteen bytes") {
  CHECK(is_valid_key(sample_key));
  CHECK(is_valid_key("AAAAAAAAAAAAAAAAAAAAAA=="));
  CHECK(is_valid_key("/////////////////////w=="));
  CHECK(is_valid_key("++++++++++++++++++++++==") == false);

  CHECK_FALSE(is_valid_key(""));
  CHECK_FALSE(is_valid_key("AAAAAAAAAAAAAAAAAAAA"));      // 15 bytes
  CHECK_FALSE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAAA="));  // 17 bytes
  CHECK_FALSE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAAAA"));  // 18 bytes
  CHECK_FALSE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAA=A"));
  CHECK_FALSE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAA"));
  CHECK_FALSE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAA==="));
  CHECK_FALSE(is_valid_key(" AAAAAAAAAAAAAAAAAAAAAA="));
}

TEST_CASE("every character of a key is one of the 64 digits") {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t place = 0; place < 21; ++place) {
    for (int value = 0; value < 256; ++value) {
      std::string key(sample_key);
      key[place] = static_cast<char>(value);
      const bool is_digit = alphabet.find(static_cast<char>(value)) != std::string_view::npos;
      REQUIRE(is_valid_key(key) == is_digit);
    }
  }
}

TEST_CASE("the bits of the last digit that stand for nothing are zero") {
  for (int value = 0; value < 256; ++value) {
    std::string key(sample_key);
    key[21] = static_cast<char>(value);
    const bool is_right = value == 'A' || value == 'Q' || value == 'g' || value == 'w';
    CHECK(is_valid_key(key) == is_right);
  }
}

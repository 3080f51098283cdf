// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "tools/ladder/exercises/06_handshake.h"
#include "ws/core/accept_key.h"
#include "ws/core/handshake.h"

using namespace hilo;
using exercise::accept_for;

TEST_SUITE_BEGIN("6: what the server answers to Sec-WebSocket-Key");

TEST_CASE("the example of RFC 6455 §1.3") {
  CHECK(accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("sixteen zeros are a key like any other") {
  CHECK(accept_for("AAAAAAAAAAAAAAAAAAAAAA==") == "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
}

TEST_CASE("the answers to five hundred random keys are those of hilo") {
  std::mt19937 random{6};
  for (int round = 0; round < 500; ++round) {
    std::array<std::uint8_t, ws::key_bytes> bytes;
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const ws::Key key = ws::encode_key(bytes);
    const std::string text{key.data(), key.size()};
    const auto answer = ws::accept_key(text);
    CAPTURE(text);
    REQUIRE(accept_for(text) == std::string(answer.data(), answer.size()));
  }
}

TEST_CASE("what is too short, too long or without its end is no key") {
  for (const char* key :
       {"", "==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBub25jZSEh", "dGhlIHNhbXBsZSBub25=ZQ=="}) {
    CAPTURE(key);
    CHECK(accept_for(key).empty());
  }
}

TEST_CASE("what is not of the alphabet is no key") {
  for (const char* key : {"dGhlIHNhbXBsZSBub25j-Q==", "dGhlIHNhbXBsZSBub25j_Q==",
                          "dGhlIHNhbXBsZSBub2 jZQ==", "dGhlIHNhbXBsZSBub2\xc3\xb1ZQ=="}) {
    CAPTURE(key);
    CHECK(accept_for(key).empty());
  }
}

TEST_CASE("of the last digit only two bits count, and the others have to be zero") {
  CHECK(accept_for("dGhlIHNhbXBsZSBub25jZA==").size() == 28);
  CHECK(accept_for("dGhlIHNhbXBsZSBub25jZw==").size() == 28);
  CHECK(accept_for("dGhlIHNhbXBsZSBub25jZR==").empty());
  CHECK(accept_for("dGhlIHNhbXBsZSBub25jZ/==").empty());
}

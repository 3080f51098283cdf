// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string_view>

#include "ws/core/http_tokens.h"

using namespace hilo::ws;

TEST_CASE("byte classes agree with the grammar byte by byte") {
  const std::string_view token_marks = "!#$%&'*+-.^_`|~";
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool digit = i >= '0' && i <= '9';
    const bool alpha = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
    CAPTURE(i);
    CHECK(is_in(c, ByteClass::digit) == digit);
    CHECK(is_in(c, ByteClass::alpha) == alpha);
    CHECK(is_in(c, ByteClass::hex) == (digit || (i >= 'a' && i <= 'f') || (i >= 'A' && i <= 'F')));
    CHECK(is_in(c, ByteClass::token) ==
          (digit || alpha || (i != 0 && token_marks.find(c) != std::string_view::npos)));
    CHECK(is_in(c, ByteClass::value) == (i == '\t' || (i >= ' ' && i != 0x7F)));
    CHECK(is_in(c, ByteClass::target) == (i > ' ' && i < 0x7F && c != '#' && c != '%'));
    CHECK(to_lower(c) == (i >= 'A' && i <= 'Z' ? static_cast<char>(i + 32) : c));
  }
}

TEST_CASE("trimming and comparing") {
  CHECK(trim(" \ta b\t ") == "a b");
  CHECK(trim(" \t") == "");
  CHECK(equals_ignoring_case("aB-1", "Ab-1"));
  CHECK_FALSE(equals_ignoring_case("a", "ab"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));
  CHECK(starts_with_ignoring_case("Sec-WebSocket-Key", "sec-websocket-"));
  CHECK_FALSE(starts_with_ignoring_case("Sec", "sec-websocket-"));
  CHECK_FALSE(is_token(""));
  CHECK(is_target_text(""));
  CHECK_FALSE(is_target_text("%"));
  CHECK_FALSE(is_target_text("%0"));
}

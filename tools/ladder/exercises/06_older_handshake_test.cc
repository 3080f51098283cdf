// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tools/ladder/exercises/06_older_handshake.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/trace/hixie76.h"

using namespace hilo;
using exercise::hidden_number;

TEST_SUITE_BEGIN("6, in the museum: the number that a key of 2010 hides");

TEST_CASE("both keys of the lesson, as the draft prints them") {
  CHECK(hidden_number("4 @1  46546xW%0l 1 5") == 829'309'203);
  CHECK(hidden_number("12998 5 Y3 1  .P00") == 259'970'620);
}

TEST_CASE("the two keys of the draft's first example") {
  CHECK(hidden_number("18x 6]8vM;54 *(5:  {   U1]8  z [  8") == 155'712'099);
  CHECK(hidden_number("1_ tx7X d  <  nw  334J702) 7]o}` 0") == 173'347'027);
}

TEST_CASE("without a space there is no number") {
  CHECK(hidden_number("12345") == std::nullopt);
  CHECK(hidden_number("") == std::nullopt);
}

TEST_CASE("what does not divide is no number") {
  CHECK(hidden_number("1 0 ") == 5);
  CHECK(hidden_number("1 1 ") == std::nullopt);
}

TEST_CASE("32 bits are enough, and one more is too many") {
  CHECK(hidden_number("4294967295 ") == 4'294'967'295);
  CHECK(hidden_number("4294967296 ") == std::nullopt);
  CHECK(hidden_number("00000000000000000000000000000007 ") == 7);
  // 2 to the 64th, and 3 more: who counts in 64 bits and looks at the end finds a 3.
  CHECK(hidden_number("18446744073709551619 ") == std::nullopt);
}

TEST_CASE("of a thousand keys made of noise it finds what hilo finds") {
  constexpr std::string_view noise = "0123456789    x@%~!";
  std::mt19937 random{76};
  for (int round = 0; round < 1000; ++round) {
    std::string key;
    for (std::size_t i = random() % 16; i != 0; --i) key += noise[random() % noise.size()];
    CAPTURE(key);
    REQUIRE(hidden_number(key) == hixie76::number_of(key));
  }
}

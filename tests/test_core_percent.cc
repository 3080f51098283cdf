// SPDX-License-Identifier: MIT

#include "ws/core/percent.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace hilo::ws;

namespace {

std::string decoded(std::string_view text, Plus plus = Plus::is_plus) {
  std::array<char, 16> into;
  const auto result = percent_decode(text, into, plus);
  return result ? std::string(*result) : "malformed";
}

}  // namespace

TEST_CASE("escapes are decoded once, and malformed ones are refused (C 50)") {
  CHECK(decoded("") == "");
  CHECK(decoded("abc") == "abc");
  CHECK(decoded("a%20b%2Fc%2fd") == "a b/c/d");
  CHECK(decoded("%2525") == "%25");
  CHECK(decoded("%ff") == "\xFF");
  CHECK(decoded("a+b") == "a+b");
  CHECK(decoded("a+b%20") == "a+b ");
  CHECK(decoded("a+b%2B", Plus::is_space) == "a b+");
  for (const std::string_view text : {"%", "%2", "a%zz", "%2g", "%%20", "%00", "a%0", "%+1"}) {
    CAPTURE(text);
    CHECK(decoded(text) == "malformed");
    CHECK_FALSE(percent_equals(text, text));
  }
}

TEST_CASE("decoding writes no further than it may, and may write in place") {
  CHECK(decoded("%41" + std::string(15, 'b')) == "A" + std::string(15, 'b'));
  CHECK(decoded("%41" + std::string(16, 'b')) == "malformed");
  std::string text = "%41%42c%44";
  CHECK(percent_decode(text, text) == "ABcD");
}

TEST_CASE("a query is read parameter by parameter") {
  QueryReader reader("a=1&&b&=c&d=x=y&a=2&");
  std::string seen;
  while (const auto each = reader.next()) {
    seen.append(each->name).append(":").append(each->value).append(" ");
  }
  CHECK(seen == "a:1 b: :c d:x=y a:2 ");
  constexpr std::string_view query = "EIO=4&si%64=x%20y&EIO=3&trans+port=polling";
  CHECK(find_query(query, "EIO") == "4");
  CHECK(count_query(query, "EIO") == 2);  // 65: for those who refuse duplicates
  CHECK(find_query(query, "sid") == "x%20y");
  CHECK(find_query(query, "trans port") == "polling");
  CHECK_FALSE(find_query(query, "eio"));
  CHECK_FALSE(find_query(query, "EI"));
  CHECK_FALSE(find_query(query, "EIOO"));
  CHECK(count_query("", "a") == 0);
}

// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

#include "tools/ladder/exercises/05_http_head.h"
#include "ws/core/http_head.h"

using namespace hilo;
using exercise::Listed;

namespace {

// In words, so that a failure says what came.
std::string_view lists(std::string_view so_far, std::string_view name, std::string_view token) {
  switch (exercise::lists(so_far, name, token)) {
    case Listed::unfinished: return "unfinished";
    case Listed::no: return "no";
    case Listed::yes: return "yes";
  }
  return "none of the three";
}

std::string request_with(std::string_view fields) {
  return "GET /chat HTTP/1.1\r\nHost: example.com\r\n" + std::string(fields) + "\r\n";
}

void check_rows(std::initializer_list<std::string_view> rows, std::string_view expected) {
  for (const std::string_view fields : rows) {
    CAPTURE(fields);
    CHECK(lists(request_with(fields), "Connection", "Upgrade") == expected);
  }
}

}  // namespace

TEST_SUITE_BEGIN("5: does a request list this token in that field?");

TEST_CASE("a token is found alone and in a list, in upper and lower case") {
  check_rows({"Connection: Upgrade\r\n", "Connection:Upgrade\r\n", "CONNECTION: upgrade\r\n",
              "Connection: keep-alive, Upgrade\r\n", "Connection: upgrade ,close\r\n"},
             "yes");
}

TEST_CASE("spaces, tabs and empty places between commas mean nothing") {
  check_rows({"Connection: \t Upgrade \t\r\n", "Connection: close,\tUpgrade\t,x\r\n",
              "Connection: , ,Upgrade,,\r\n"},
             "yes");
  check_rows({"Connection:\r\n", "Connection: ,\r\n", "Connection: , ,\r\n"}, "no");
}

TEST_CASE("all lines of one name are one list") {
  check_rows({"Connection: close\r\nX: y\r\nconnection: Upgrade\r\n"}, "yes");
}

TEST_CASE("a part of a token, another field and the request line are not it") {
  check_rows({"Connection: Upgrades\r\n", "Connection: no-upgrade\r\n",
              "Connection: not Upgrade\r\n", "X-Connection: Upgrade\r\n", "Connect: Upgrade\r\n",
              "Upgrade: Connection\r\n", "X: Connection: Upgrade\r\n", ""},
             "no");
  CHECK(lists("GET /?Connection:Upgrade HTTP/1.1\r\nHost: a\r\n\r\n", "Connection", "Upgrade") ==
        "no");
}

TEST_CASE("as long as the empty line has not come, nobody can know") {
  const std::string request = request_with("Connection: Upgrade\r\n");
  for (std::size_t bytes = 0; bytes < request.size(); ++bytes) {
    CAPTURE(bytes);
    REQUIRE(lists(request.substr(0, bytes), "Connection", "Upgrade") == "unfinished");
  }
  CHECK(lists(request, "Connection", "Upgrade") == "yes");
}

TEST_CASE("what stands behind the empty line belongs to somebody else") {
  CHECK(lists(request_with("") + "Connection: Upgrade\r\n\r\n", "Connection", "Upgrade") == "no");
}

TEST_CASE("of a thousand heads it says the same as hilo's parser") {
  constexpr std::string_view names[] = {"Connection", "connection", "Upgrade", "X-Connection"};
  constexpr std::string_view values[] = {"Upgrade", "upgrade", "close", "Upgraded", "",
                                         "a b",     "x:y",     "\t",    "a=\"b\""};
  constexpr std::string_view commas[] = {",", ", ", " ,", "\t,\t", " "};
  std::mt19937 random{5};
  const auto one_of = [&](const auto& list) { return list[random() % std::size(list)]; };
  for (int round = 0; round < 1000; ++round) {
    std::string fields;
    for (std::size_t lines = random() % 4; lines != 0; --lines) {
      fields += std::string(one_of(names)) + ": ";
      for (std::size_t count = random() % 4; count != 0; --count) {
        fields += std::string(one_of(values)) + std::string(one_of(commas));
      }
      fields += "\r\n";
    }
    const std::string request = request_with(fields);
    ws::RequestParser parser;
    REQUIRE(parser.parse(as_bytes(request)).kind == ws::HeadProgress::Kind::complete);
    const bool listed = parser.head(as_bytes(request)).fields.lists_token("Connection", "Upgrade");
    CAPTURE(fields);
    REQUIRE(lists(request, "Connection", "Upgrade") == (listed ? "yes" : "no"));
  }
}

// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/heads.h"
#include "ws/core/extension.h"

using namespace hilo;
using namespace hilo::ws;

namespace {

std::string describe(ExtensionReader reader) {
  std::string text;
  while (const auto offer = reader.next()) {
    text.append("<").append(offer->name);
    ParameterReader parameters(*offer);
    while (const auto parameter = parameters.next()) {
      text.append(";").append(parameter->name);
      if (parameter->has_value) text.append("=").append(parameter->value);
      if (parameter->has_escapes) text.append("(escapes)");
    }
    text.append(">");
  }
  if (reader.error() == Errc::upgrade_extensions_malformed) text.append("malformed");
  if (reader.error() == Errc::upgrade_extensions_too_many) text.append("too many");
  return text;
}
std::string describe(std::string_view list) {
  return describe(ExtensionReader(list));
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("offers and parameters are read in order") {
  CHECK(describe("permessage-deflate; client_max_window_bits; server_max_window_bits=10, x") ==
        "<permessage-deflate;client_max_window_bits;server_max_window_bits=10><x>");
  CHECK(describe("a") == "<a>");
  CHECK(describe("a;b") == "<a;b>");
  CHECK(describe("a;b=c;d=\"e\";f") == "<a;b=c;d=e;f>");
  CHECK(describe("a,a") == "<a><a>");
  CHECK(describe("constructor, x-unknown") == "<constructor><x-unknown>");
}

TEST_CASE("parameters that no reader of offers made end where they are none") {
  hilo::ws::ParameterReader reader({.name = "a", .parameters = ";b;=c"});
  CHECK(reader.next()->name == "b");
  CHECK_FALSE(reader.next());
}

TEST_CASE("white space may stand around every separator") {
  CHECK(describe(" \ta ; b\t=  \"c\"\t; d\t,\te ") == "<a;b=c;d><e>");
}

TEST_CASE("empty members of the list are skipped") {
  CHECK(describe(", ,a,,\t,b, ") == "<a><b>");
  CHECK(describe("") == "");
  CHECK(describe(" , ,") == "");
}

TEST_CASE("a quoted value is a token between quotes") {
  CHECK(describe("a;b=\"10\"") == "<a;b=10>");
  CHECK(describe("a;b=\"1\\0\"") == "<a;b=1\\0(escapes)>");
  for (const char* list :
       {"a;b=\"\"", "a;b=\"x y\"", "a;b=\"x,y\"", "a;b=\"x;y\"", "a;b=\"x\\\"y\"", "a;b=\"x",
        "a;b=\"x\\", "a;b=\"", "a;b=\"x\"y", "a;b=\"x\"\"y\"", "a;b=\"\\\\\"", "a;b=x\"y\""}) {
    CAPTURE(list);
    CHECK(describe(list) == "malformed");
  }
}

TEST_CASE("what is no extension list is refused (83)") {
  for (const char* list :
       {";a", "a;", "a;;b", "a;=1", "a;b=", "a;b= ;c", "a=b", "a b", "a;b c", "a;b==c", "a;b=c d",
        "\"a\"", "a;\"b\"", "a/b", "a;b=c/d", "(", "a;b=[x]", "a\x01", "a\xc3\xa4"}) {
    CAPTURE(list);
    CHECK(describe(list) == "malformed");
  }
  CHECK(describe("a, b;=") == "<a>malformed");
}

TEST_CASE("an error ends the reading for good") {
  ExtensionReader reader("a;, b");
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.next());
  CHECK(reader.error() == Errc::upgrade_extensions_malformed);
}

TEST_CASE("16 offers are read, 17 are too many (84)") {
  CHECK(describe(repeat("a,", 16)) == repeat("<a>", 16));
  CHECK(describe(repeat("a,", 17)) == repeat("<a>", 16) + "too many");
}

TEST_CASE("a long unfinished value ends the reading at once (83)") {
  // The reader is at the end of its text after one step: nothing was scanned twice for a later one.
  for (const std::string& tail :
       {"a;b=\"" + repeat("\\c", 4096), "a" + repeat(" ", 8000) + "x", "a;b=" + repeat("\"", 4000),
        repeat("a;b=\"", 1000), "a" + repeat("; ", 4000)}) {
    ExtensionReader reader(tail);
    CHECK_FALSE(reader.next());
    CHECK(reader.error() == Errc::upgrade_extensions_malformed);
  }
}

TEST_CASE("the lines of a head are one list") {
  test::ParsedRequest request(
      "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: a;b\r\nX: y\r\n"
      "sec-websocket-extensions:\r\nSEC-WEBSOCKET-EXTENSIONS: c, d;e=f\r\n\r\n");
  REQUIRE(request.is_complete());
  CHECK(describe(ExtensionReader(request.head.fields)) == "<a;b><c><d;e=f>");
  CHECK(check_extensions(request.head.fields) == Errc::none);
  CHECK(check_extensions(Fields()) == Errc::none);
  CHECK(describe(ExtensionReader()) == "");
}

TEST_CASE("offers are counted over all lines") {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 17; ++i) text += "Sec-WebSocket-Extensions: a\r\n";
  test::ParsedRequest request(text + "\r\n");
  REQUIRE(request.is_complete());
  CHECK(check_extensions(request.head.fields) == Errc::upgrade_extensions_too_many);
}

TEST_CASE("a field without an offer is malformed") {
  for (const char* value : {"", ",", " , "}) {
    test::ParsedRequest request("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: " +
                                std::string(value) + "\r\n\r\n");
    REQUIRE(request.is_complete());
    CHECK(check_extensions(request.head.fields) == Errc::upgrade_extensions_malformed);
  }
}

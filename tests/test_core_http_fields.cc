// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>

#include "tests/support/heads.h"
#include "ws/core/http_fields.h"

using namespace hilo;
using namespace hilo::ws;
using test::ParsedRequest;

TEST_CASE("lists are read over all lines of a name, empty members skipped") {
  ParsedRequest request(
      "GET / HTTP/1.1\r\nHost: a\r\n"
      "L: a, b ,,\t\r\nM: x\r\nl: ,\r\nL: C\r\n\r\n");
  REQUIRE(request.is_complete());
  FieldListReader reader(request.head.fields, "l");
  std::string members;
  while (const auto member = reader.next()) members.append("<").append(*member).append(">");
  CHECK(members == "<a><b><C>");
  CHECK(request.head.fields.lists_token("L", "c"));
  CHECK(request.head.fields.lists_token("L", "B"));
  CHECK_FALSE(request.head.fields.lists_token("L", "x"));
  CHECK_FALSE(request.head.fields.lists_token("N", "x"));
  CHECK(contains_token("keep-alive, UPGRADE", "upgrade"));
  CHECK_FALSE(contains_token("websocket/13", "websocket"));
  CHECK_FALSE(contains_token("", "websocket"));
  CHECK_FALSE(FieldListReader().next());
}

TEST_CASE("a field is found by its name in any case, from any place on") {
  ParsedRequest request("GET / HTTP/1.1\r\nHost: a\r\nTwo: 1\r\nOne: 2\r\ntWO: 3\r\n\r\n");
  REQUIRE(request.is_complete());
  const Fields& fields = request.head.fields;
  REQUIRE(fields.size() == 4);
  CHECK(fields.index_of("two") == 1);
  CHECK(fields.index_of("TWO", 1) == 1);
  CHECK(fields.index_of("Two", 2) == 3);
  CHECK(fields.index_of("Two", 4) == 4);
  CHECK(fields.index_of("Tw") == 4);
  CHECK(fields.index_of("Twos") == 4);
  CHECK(fields.index_of("") == 4);
  CHECK(fields.count("two") == 2);
  CHECK(fields.find("TWO") == "1");
  CHECK_FALSE(fields.find("three"));
  CHECK(Fields{}.index_of("two") == 0);
  CHECK(fields.find_only("one") == "2");
  CHECK_FALSE(fields.find_only("two"));
  CHECK_FALSE(fields.find_only("three"));
  CHECK_FALSE(fields.find_only("host "));
}

// The lengths from 63 on share a bit of NameLengths.
TEST_CASE("names of all lengths are found, and nothing where none is so long") {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (const std::size_t length : {1U, 62U, 63U, 64U, 65U, 127U, 128U}) {
    head += std::string(length, 'n') + ": " + std::to_string(length) + "\r\n";
  }
  ParsedRequest request(head + "\r\n");
  REQUIRE(request.is_complete());
  for (std::size_t length = 1; length <= 130; ++length) {
    CAPTURE(length);
    const auto value = request.head.fields.find(std::string(length, 'N'));
    const bool is_there = head.find("\n" + std::string(length, 'n') + ":") != std::string::npos;
    REQUIRE(value.has_value() == is_there);
    if (is_there) CHECK(*value == std::to_string(length));
  }
}

TEST_CASE("a failure is repeated until the parser is reset") {
  FieldParser fields{HeadLimits()};
  CHECK(fields.parse(as_bytes(" ")) == FieldParser::Step::failed);
  CHECK(fields.parse(as_bytes("\r\n")) == FieldParser::Step::failed);
  CHECK(fields.error() == Errc::http_field_name);
  fields.reset();
  CHECK(fields.parse(as_bytes("\r\n")) == FieldParser::Step::end);
  CHECK(fields.section_bytes() == 2);
}

TEST_CASE("every byte is judged alike at every place of a value, though eight are read at once") {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < 20; ++place) {
      std::string section = "A:xxxxxxxxxxxxxxxxxxxx\r\n\r\n";
      section[2 + place] = static_cast<char>(byte);
      CAPTURE(byte);
      CAPTURE(place);
      FieldParser parser{HeadLimits()};
      const FieldParser::Step step = parser.parse(as_bytes(section));
      const bool is_good = is_in(static_cast<std::uint8_t>(byte), ByteClass::value);
      CHECK(step == (is_good ? FieldParser::Step::field : FieldParser::Step::failed));
    }
  }
}

// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/heads.h"
#include "ws/core/http_head.h"

using namespace hilo;
using namespace hilo::ws;
using test::check_feeding;
using test::ParsedResponse;
using test::repeat;
using Kind = HeadProgress::Kind;

namespace {

struct Case {
  const char* name;  // with the number in the catalogue of bad inputs
  std::string text;
  Errc error;  // none: complete
};

std::string response(const std::string& line) {
  return line + "\r\nA: b\r\n\r\n";
}

std::vector<Case> response_cases() {
  const Errc ok = Errc::none;
  const Errc bad = Errc::response_malformed;
  const Errc big = Errc::response_too_long;
  return {
      {"101 with a reason", response("HTTP/1.1 101 Switching Protocols"), ok},
      {"101 without a reason", response("HTTP/1.1 101"), ok},
      {"101 with a space and no reason", response("HTTP/1.1 101 "), ok},
      {"101 with an odd reason", response("HTTP/1.1 101 \xc3\xa4\t!"), ok},
      {"HTTP/1.0", response("HTTP/1.0 200 OK"), ok},
      {"no fields", "HTTP/1.1 204 No Content\r\n\r\n", ok},
      {"101 HTTP/2", response("HTTP/2 101"), bad},
      {"101 ICY", response("ICY 101"), bad},
      {"101 http/1.1", response("http/1.1 101"), bad},
      {"HTTP/1.x", response("HTTP/1.x 101"), bad},
      {"HTTP/1.10", response("HTTP/1.10 101"), bad},
      {"an empty line in front", "\r\n" + response("HTTP/1.1 101"), bad},
      {"status of two digits", response("HTTP/1.1 10"), bad},
      {"status of four digits", response("HTTP/1.1 1010"), bad},
      {"status below 100", response("HTTP/1.1 099 x"), bad},
      {"status with a sign", response("HTTP/1.1 +10 x"), bad},
      {"control byte in the reason", response("HTTP/1.1 101 a\x01"), bad},
      {"CR behind the status and no LF", "HTTP/1.1 101\rx", bad},
      {"no space behind the status", "HTTP/1.1 101x\r\n", bad},
      {"CR in the reason", response("HTTP/1.1 101 a\rb"), bad},
      {"bare LF", "HTTP/1.1 101 x\nA: b\n\n", bad},
      {"bad field", "HTTP/1.1 101 x\r\nA : b\r\n\r\n", bad},
      {"the longest status line", response("HTTP/1.1 101 " + std::string(8192 - 13, 'x')), ok},
      {"LF behind the longest status line", "HTTP/1.1 101 " + std::string(8192 - 13, 'x') + "\n",
       bad},
      {"100 a status line of one byte too much",
       response("HTTP/1.1 101 " + std::string(8193 - 13, 'x')), big},
      {"100 endless reason", "HTTP/1.1 101 " + std::string(9000, 'x'), big},
      {"100 field line of 8193", "HTTP/1.1 101 x\r\nX: " + std::string(8190, 'x') + "\r\n\r\n",
       big},
      {"100 101 fields", "HTTP/1.1 101 x\r\n" + repeat("A: b\r\n", 101) + "\r\n", big},
      {"100 endless fields",
       "HTTP/1.1 101 x\r\n" + repeat("A: " + std::string(4000, 'x') + "\r\n", 5), big},
  };
}

}  // namespace

TEST_CASE("every response of the catalogue gets its verdict, however it is cut") {
  for (const Case& c : response_cases()) {
    CAPTURE(c.name);
    check_feeding<ResponseParser>(c.text, c.error);
  }
}

TEST_CASE("a response is parsed into views") {
  ParsedResponse response_(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01x");
  REQUIRE(response_.is_complete());
  CHECK(response_.progress.head_bytes == 56);
  CHECK(response_.head.status == 101);
  CHECK(response_.head.version_minor == 1);
  CHECK(response_.head.reason == "Switching Protocols");
  CHECK(response_.head.fields.find("upgrade") == "websocket");
  ParsedResponse bare("HTTP/1.0 999\r\n\r\n");
  REQUIRE(bare.is_complete());
  CHECK(bare.head.status == 999);
  CHECK(bare.head.reason.empty());
}

TEST_CASE("a failure is repeated until the parser is reset") {
  ResponseParser parser;
  CHECK(parser.parse(as_bytes("X")).error == Errc::response_malformed);
  CHECK(parser.parse(as_bytes("HTTP/1.1 200\r\n\r\n")).error == Errc::response_malformed);
  parser.reset();
  CHECK(parser.parse(as_bytes("HTTP/1.1 200\r\n\r\n")).kind == Kind::complete);
}

TEST_CASE("bytes that were looked at are never looked at again") {
  // Every byte before the newest is overwritten with NUL, which the parser would refuse.
  const std::string answer = "HTTP/1.1 200 " + std::string(3000, 'a') + "\r\n" +
                             "Long: " + std::string(3000, 'b') + "\r\n\r\n";
  std::string seen(answer.size(), '\0');
  ResponseParser parser;
  HeadProgress progress;
  for (std::size_t end = 1; end <= answer.size(); ++end) {
    REQUIRE(progress.kind == Kind::need_input);
    seen[end - 1] = answer[end - 1];
    progress = parser.parse(as_bytes(std::string_view(seen).substr(0, end)));
    seen[end - 1] = '\0';
  }
  CHECK(progress.kind == Kind::complete);
}

TEST_CASE("the parser stays small") {
  CHECK(sizeof(ResponseParser) <= 1024);
}

// SPDX-License-Identifier: MIT

#include "ws/request.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "tests/support/heads.h"

using namespace hilo;
using namespace hilo::test;
using ws::find_cookie;
using ws::KeptRequest;

namespace {

constexpr std::string_view example =
    "GET /chat/room?name=Ada&x HTTP/1.1\r\nHost: example.com\r\nCookie: a=1; b=2\r\n"
    "X-Empty:\r\nSec-WebSocket-Protocol: v1, v2\r\nX-Twice: one\r\nx-twice: two\r\n\r\n";

}  // namespace

TEST_CASE("cookies are found by their exact name, the first one of two") {
  constexpr std::string_view cookies = "a=1; b=two=2; ab=3; a=4; empty=; quoted=\"x\"";
  CHECK(find_cookie(cookies, "a") == "1");
  CHECK(find_cookie(cookies, "b") == "two=2");
  CHECK(find_cookie(cookies, "ab") == "3");
  CHECK(find_cookie(cookies, "empty") == "");
  CHECK(find_cookie(cookies, "quoted") == "\"x\"");
  CHECK_FALSE(find_cookie(cookies, "A"));
  CHECK_FALSE(find_cookie(cookies, ""));
  CHECK_FALSE(find_cookie(cookies, "1"));
  CHECK_FALSE(find_cookie("", "a"));
  CHECK_FALSE(find_cookie("a", "a"));
  CHECK(find_cookie(";;;a=1", "a") == "1");
  CHECK(find_cookie("x;   a=1;", "a") == "1");
  CHECK(find_cookie("a=1 ; b=2", "a") == "1 ");
  CHECK(find_cookie("=v; a=1", "") == "v");
}

TEST_CASE("a request shows its head as it came") {
  const ParsedRequest parsed{std::string(example)};
  REQUIRE(parsed.is_complete());
  const net::PeerAddress peer{*net::Address::from_ip("192.0.2.1", 4000)};
  const ws::Request request{parsed.head, peer};
  CHECK(request.method() == "GET");
  CHECK(request.target() == "/chat/room?name=Ada&x");
  CHECK(request.path() == "/chat/room");
  CHECK(request.query() == "name=Ada&x");
  CHECK(request.header("HOST") == "example.com");
  CHECK(request.header("X-Empty") == "");
  CHECK(request.header("X-Twice") == "one");
  CHECK_FALSE(request.header("Missing"));
  CHECK(request.cookie("b") == "2");
  CHECK_FALSE(request.cookie("c"));
  CHECK(request.peer().to_string() == "192.0.2.1:4000");
  auto subprotocols = request.subprotocols();
  CHECK(subprotocols.next() == "v1");
  CHECK(subprotocols.next() == "v2");
  CHECK_FALSE(subprotocols.next());
}

TEST_CASE("a request without cookies has none") {
  const ParsedRequest parsed{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"};
  const net::PeerAddress peer;
  CHECK_FALSE(ws::Request(parsed.head, peer).cookie("a"));
}

TEST_CASE("kept requests are equal if they were the same but for the nonce, which is not kept") {
  const auto kept = [](std::string_view key, std::string_view cookie) {
    const ParsedRequest parsed{
        "GET /a?b HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: " + std::string(key) +
        "\r\nCookie: " + std::string(cookie) + "\r\n\r\n"};
    Result<KeptRequest> copy = KeptRequest::copy(parsed.head, "v2", true);
    REQUIRE(copy);
    return std::move(*copy);
  };
  const KeptRequest one = kept("MTIz", "a=1");
  CHECK_FALSE(one.header("Sec-WebSocket-Key"));
  CHECK(one.cookie("a") == "1");
  CHECK(one.equals(kept("NDU2", "a=1")));
  CHECK_FALSE(one.equals(kept("MTIz", "a=2")));
  CHECK_FALSE(one.equals({}));
  CHECK(KeptRequest{}.equals({}));
}

TEST_CASE("a kept request outlives the head, and moves") {
  Result<KeptRequest> kept = out_of_memory();
  {
    const ParsedRequest parsed{std::string(example)};
    kept = KeptRequest::copy(parsed.head, "v2", true);
  }
  REQUIRE(kept);
  const std::string_view path = kept->path();
  const KeptRequest moved = std::move(*kept);
  CHECK(moved.path() == "/chat/room");
  CHECK(moved.path().data() == path.data());
  CHECK(moved.query() == "name=Ada&x");
  CHECK(moved.subprotocol() == "v2");
  CHECK(moved.header("host") == "example.com");
  CHECK(moved.header("X-EMPTY") == "");
  CHECK(moved.header("X-Twice") == "one");
  CHECK_FALSE(moved.header("X-Twic"));
  CHECK_FALSE(moved.header(""));
  CHECK(moved.cookie("a") == "1");
  CHECK_FALSE(moved.cookie("c"));
}

TEST_CASE("a kept request's fields are read in their order, but for the nonce") {
  const ParsedRequest parsed{std::string(example)};
  const Result<KeptRequest> kept = KeptRequest::copy(parsed.head, "v2", true);
  REQUIRE(kept);
  KeptRequest::FieldReader reader = kept->fields();
  for (const ws::FieldView each : parsed.head.fields) {
    if (each.name == "Sec-WebSocket-Key") continue;
    const auto field = reader.next();
    REQUIRE(field);
    CHECK(field->name == each.name);
    CHECK(field->value == each.value);
  }
  CHECK_FALSE(reader.next());
  CHECK_FALSE(KeptRequest{}.fields().next());
}

TEST_CASE("without fields only the target and the subprotocol are kept") {
  const ParsedRequest parsed{std::string(example)};
  const Result<KeptRequest> kept = KeptRequest::copy(parsed.head, {}, false);
  REQUIRE(kept);
  CHECK(kept->path() == "/chat/room");
  CHECK(kept->subprotocol().empty());
  CHECK_FALSE(kept->header("Host"));
  CHECK_FALSE(kept->cookie("a"));
}

TEST_CASE("an empty kept request has nothing") {
  const KeptRequest empty;
  CHECK(empty.path().empty());
  CHECK(empty.query().empty());
  CHECK(empty.subprotocol().empty());
  CHECK_FALSE(empty.header("Host"));
  CHECK_FALSE(empty.cookie("a"));
}

TEST_CASE("a kept request that is shared outlives the one it was shared from") {
  const ParsedRequest parsed{"GET /echo?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"};
  KeptRequest second;
  CHECK(second.share().path().empty());
  {
    const Result<KeptRequest> first = KeptRequest::copy(parsed.head, "v2", false);
    REQUIRE(first);
    second = first->share();
    CHECK(second.path().data() == first->path().data());
  }
  CHECK(second.path() == "/echo");
  CHECK(second.query() == "x=1");
  CHECK(second.subprotocol() == "v2");
}

TEST_CASE("parts of more than 64 KiB are kept whole") {
  const std::string path = "/" + std::string(70'000, 'p');
  const std::string query(140'000, 'q');
  const std::string subprotocol(66'000, 's');
  ws::RequestHead head;
  head.path = path;
  head.query = query;
  const Result<KeptRequest> kept = KeptRequest::copy(head, subprotocol, false);
  REQUIRE(kept);
  CHECK((kept->path() == path));
  CHECK((kept->query() == query));
  CHECK((kept->subprotocol() == subprotocol));
}

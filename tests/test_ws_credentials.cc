// SPDX-License-Identifier: MIT

#include "ws/credentials.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilo;
using namespace hilo::ws;

TEST_CASE("user information is decoded, each half by itself") {
  const auto parsed = [](std::string_view text) -> std::string {
    const auto read = parse_userinfo(text);
    return read ? read->user + "|" + read->password : "malformed";
  };
  CHECK(parsed("") == "|");
  CHECK(parsed("a") == "a|");
  CHECK(parsed("a:b") == "a|b");
  CHECK(parsed("a:b:c") == "a|b:c");
  CHECK(parsed("%41%3A:%20") == "A:| ");
  for (const std::string_view text : {"%", "a%4", "%zz:b", "a:%zz", "a:b%", "%zz:%zz", "%00"}) {
    CAPTURE(text);
    CHECK(parsed(text) == "malformed");
  }
}

TEST_CASE("what Basic cannot carry is refused (RFC 7617)") {
  CHECK(*basic_authorization({"Aladdin", "open sesame"}) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(*basic_authorization({"", "a"}) == "Basic OmE=");
  CHECK(*basic_authorization({"ab", ""}) == "Basic YWI6");
  CHECK_FALSE(basic_authorization({"a:b", ""}));
  CHECK_FALSE(basic_authorization({"a\n", ""}));
  CHECK_FALSE(basic_authorization({"a", "\x7F"}));
}

TEST_CASE("an authorization is the wanted one, but for the case of its scheme") {
  CHECK(shows_authorization("Basic QQ==", "Basic QQ=="));
  CHECK(shows_authorization("bASIC QQ==", "Basic QQ=="));
  CHECK(shows_authorization("X-1[z abc", "x-1[Z abc"));
  CHECK_FALSE(shows_authorization("X-1{z abc", "X-1[z abc"));  // [ and { differ as A and a do
  CHECK_FALSE(shows_authorization("X-1@z abc", "X-1`z abc"));
  CHECK_FALSE(shows_authorization("Basic qq==", "Basic QQ=="));
  CHECK_FALSE(shows_authorization("Basic QQ=", "Basic QQ=="));
  CHECK_FALSE(shows_authorization("Basic QQ==x", "Basic QQ=="));
  CHECK_FALSE(shows_authorization("", "Basic QQ=="));
  CHECK_FALSE(shows_authorization("Basic QQ==", ""));
  CHECK_FALSE(shows_authorization("", ""));
}

// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/heads.h"
#include "ws/core/origin.h"

using namespace hilo;
using namespace hilo::ws;

namespace {

struct Case {
  const char* name;
  std::string host;
  std::string origin;  // the lines of the head
  Errc error;
  bool is_tls = false;
};

Errc check(const Case& c, const OriginPolicy& policy) {
  test::ParsedRequest request("GET / HTTP/1.1\r\nHost: " + c.host + "\r\n" + c.origin + "\r\n");
  REQUIRE(request.is_complete());
  return check_origin({request.head.fields, request.head.host, c.is_tls}, policy);
}

std::string line(const std::string& value) {
  return "Origin: " + value + "\r\n";
}

constexpr Errc ok = Errc::none;
constexpr Errc foreign = Errc::upgrade_origin;
constexpr Errc malformed = Errc::upgrade_origin_malformed;

}  // namespace

TEST_CASE("by default pages of the same host and port may connect (76)") {
  const std::vector<Case> cases = {
      {"same host", "good.com", line("http://good.com"), ok},
      {"same host in another case", "good.com", line("HTTP://GOOD.com"), ok},
      {"behind a proxy that ends TLS", "good.com", line("https://good.com"), ok},
      {"default port spelt out", "good.com", line("http://good.com:80"), ok},
      {"default port spelt out in Host", "good.com:80", line("http://good.com"), ok},
      {"same port", "good.com:81", line("http://good.com:81"), ok},
      {"IPv6", "[::1]:9001", line("http://[::1]:9001"), ok},
      {"the text of Host", "good.com:81", line("good.com:81"), ok},
      {"https on TLS", "good.com", line("https://good.com"), ok, true},
      {"https on TLS with ports", "good.com:8443", line("https://good.com:8443"), ok, true},
      {"76 foreign", "good.com", line("http://evil.com"), foreign},
      {"76 null", "good.com", line("null"), foreign},
      {"76 suffix", "good.com", line("http://good.com.evil"), foreign},
      {"76 prefix", "good.com", line("http://evilgood.com"), foreign},
      {"76 subdomain", "good.com", line("http://www.good.com"), foreign},
      {"76 other port", "good.com", line("http://good.com:8080"), foreign},
      {"76 other port in Host", "good.com:8080", line("http://good.com"), foreign},
      {"76 https to an explicit port 80", "good.com:80", line("https://good.com"), foreign},
      {"76 http for https", "good.com", line("http://good.com"), foreign, true},
      {"76 http on the port of https", "good.com", line("http://good.com:443"), foreign, true},
      {"another scheme", "good.com", line("chrome-extension://good.com"), foreign},
      {"IPv6 is not the name", "a", line("http://[::a]"), foreign},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(check(c, OriginPolicy()) == c.error);
  }
}

TEST_CASE("what is no origin is malformed (77)") {
  const std::vector<Case> cases = {
      {"twice", "a", line("http://a") + line("http://a"), malformed},
      {"empty", "a", line(""), malformed},
      {"1025 bytes", "a", line("http://" + std::string(1018, 'a')), malformed},
      {"8 KB", "a", line("http://" + std::string(8000, 'a')), malformed},
      {"a path", "a", line("http://a/"), malformed},
      {"userinfo", "a", line("http://u@a"), malformed},
      {"a list", "a", line("http://a http://a"), malformed},
      {"no scheme", "a", line("b"), malformed},
      {"no scheme, and another port", "a:81", line("a:82"), malformed},
      {"an empty scheme", "a", line("://a"), malformed},
      {"a scheme that begins with a digit", "a", line("1a://a"), malformed},
      {"a scheme with a bad byte", "a", line("h_ttp://a"), malformed},
      {"no host", "a", line("http://"), malformed},
      {"a bad port", "a", line("http://a:x"), malformed},
      {"above ASCII", "a", line("http://\xc3\xa4"), malformed},
      {"NULL in capitals", "a", line("NULL"), malformed},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(check(c, OriginPolicy()) == c.error);
  }
}

TEST_CASE("a missing Origin is allowed unless the policy says otherwise (78)") {
  const Case none{"none", "a", "", ok};
  CHECK(check(none, OriginPolicy()) == ok);
  CHECK(check(none, {.missing_allowed = false}) == foreign);
  CHECK(check(none, {.allow = OriginPolicy::Allow::any, .missing_allowed = false}) == foreign);
}

TEST_CASE("a list allows exact tuples and nothing else") {
  const std::array<std::string_view, 4> list = {"https://good.com", "http://local:3000", "file://",
                                                "app+x.1-y://main"};
  const OriginPolicy policy{.allow = OriginPolicy::Allow::listed, .list = list};
  const std::vector<Case> cases = {
      {"listed", "a", line("https://good.com"), ok},
      {"listed with its default port", "a", line("https://GOOD.com:443"), ok},
      {"listed with a port", "a", line("http://local:3000"), ok},
      {"listed as text", "a", line("file://"), ok},
      {"listed with its own scheme", "a", line("APP+x.1-y://MAIN"), ok},
      {"the same host is not listed", "a", line("http://a"), foreign},
      {"another scheme", "a", line("http://good.com"), foreign},
      {"another port", "a", line("https://good.com:444"), foreign},
      {"a suffix", "a", line("https://good.com.evil"), foreign},
      {"null", "a", line("null"), foreign},
      {"malformed", "a", line("files:/"), malformed},
      {"twice", "a", line("https://good.com") + line("https://good.com"), malformed},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(check(c, policy) == c.error);
  }
  CHECK(check({"empty list", "a", line("http://a"), ok}, {.allow = OriginPolicy::Allow::listed}) ==
        foreign);
}

TEST_CASE("allowing any page still refuses what is no single value") {
  const OriginPolicy policy{.allow = OriginPolicy::Allow::any};
  CHECK(check({"foreign", "a", line("http://evil.com"), ok}, policy) == ok);
  CHECK(check({"null", "a", line("null"), ok}, policy) == ok);
  CHECK(check({"file", "a", line("file://"), ok}, policy) == ok);
  CHECK(check({"twice", "a", line("null") + line("null"), ok}, policy) == malformed);
  CHECK(check({"long", "a", line(std::string(1025, 'a')), ok}, policy) == malformed);
}

TEST_CASE("without a host no page is of the same host") {
  test::ParsedRequest request("GET / HTTP/1.0\r\nOrigin: http://a\r\n\r\n");
  REQUIRE(request.is_complete());
  CHECK(check_origin({request.head.fields, request.head.host, false}, {}) == foreign);
}

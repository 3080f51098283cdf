// SPDX-License-Identifier: MIT
//
// Where redirections lead and what goes along (E 93), and the credentials of HTTP.

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/raw_server.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/core/handshake.h"
#include "ws/core/http_head.h"
#include "ws/credentials.h"
#include "ws/redirect.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

std::string redirect_to(std::string_view location, int status = 302) {
  return "HTTP/1.1 " + std::to_string(status) + " Elsewhere\r\nLocation: " + std::string(location) +
         "\r\nContent-Length: 4\r\n\r\nbody";
}

// What the answer to `from` leads to: a URL, or the label of the rule against it.
std::string resolved(std::string_view from, std::string_view location) {
  const Result<ws::Url> url = ws::parse_url(from);
  REQUIRE(url);
  const std::string head = redirect_to(location);
  ws::ResponseReader reader;
  REQUIRE(reader.parse(as_bytes(head)).kind == ws::HeadProgress::Kind::complete);
  const Result<std::string> to = ws::resolve_redirect(*url, reader.head(as_bytes(head)).fields);
  if (to) return *to;
  return std::string(ws::rule(static_cast<Errc>(to.error().value())).label);
}

struct Caller {
  explicit Caller(net::Loop& loop)
      : client(loop, {.limits = {}, .log = [this](ws::LogLevel, std::string_view line) {
                        lines.emplace_back(line);
                      }}) {
    client.on_open([this](ws::Connection& c) { opened = c.path(); })
        .on_failed([this](std::error_code why) {
          error = why;
          if (client.response() != nullptr) status = client.response()->status;
        });
  }
  std::string opened;  // the path
  std::error_code error;
  std::uint16_t status = 0;
  std::vector<std::string> lines;
  ws::Client client;
};

bool has(const RawServer& server, std::string_view text) {
  return server.request.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("references are resolved as RFC 3986 says") {
  const std::string_view from = "ws://a.test/b/c/d?q";
  CHECK(resolved(from, "ws://other.test:81/x?y") == "ws://other.test:81/x?y");
  CHECK(resolved(from, "http://other.test/x") == "http://other.test/x");
  CHECK(resolved(from, "HTTPS://other.test/x") == "HTTPS://other.test/x");
  CHECK(resolved(from, "//other.test/x") == "ws://other.test/x");
  CHECK(resolved(from, "/x?y") == "ws://a.test/x?y");
  CHECK(resolved(from, "x") == "ws://a.test/b/c/x");
  CHECK(resolved(from, "x:y/z") == "redirect_location");
  CHECK(resolved(from, "./x") == "ws://a.test/b/c/x");
  CHECK(resolved(from, "../x/./y/../z") == "ws://a.test/b/x/z");
  CHECK(resolved(from, "../../../../x") == "ws://a.test/x");
  CHECK(resolved(from, "..") == "ws://a.test/b/");
  CHECK(resolved(from, ".") == "ws://a.test/b/c/");
  CHECK(resolved(from, "?y") == "ws://a.test/b/c/d?y");
  CHECK(resolved(from, "") == "ws://a.test/b/c/d?q");
  CHECK(resolved("ws://a.test/b", "") == "ws://a.test/b");
  CHECK(resolved(from, "#fragment") == "ws://a.test/b/c/d?q");
  CHECK(resolved(from, "/x#fragment") == "ws://a.test/x");
  CHECK(resolved("wss://a.test/", "//b.test/x") == "wss://b.test/x");
  CHECK(resolved("wss://a.test:444/", "/x") == "wss://a.test:444/x");
  CHECK(resolved("ws://[::1]:81/", "x") == "ws://[::1]:81/x");
  CHECK(resolved("ws+unix:///tmp/s:/a", "b") == "ws+unix:///tmp/s:/b");
}

TEST_CASE("an origin is scheme, host and port, or the path of a socket") {
  const auto are_same = [](std::string_view a, std::string_view b) {
    return ws::is_same_origin(*ws::parse_url(a), *ws::parse_url(b));
  };
  CHECK(are_same("ws://a.test/x", "ws://A.test:80/y?z"));
  CHECK_FALSE(are_same("ws://a.test/", "wss://a.test:80/"));
  CHECK_FALSE(are_same("ws://a.test/", "ws://a.test:81/"));
  CHECK_FALSE(are_same("ws://a.test/", "ws://b.test/"));
  CHECK(are_same("ws+unix:///run/s:/x", "ws+unix:///run/s:/y"));
  CHECK_FALSE(are_same("ws+unix:///run/s:/", "ws+unix:///run/t:/"));
}

TEST_CASE("where a redirection may not lead (E 93)") {
  CHECK(resolved("ws://a.test/", "ftp://a.test/") == "redirect_location");
  CHECK(resolved("ws://a.test/", "javascript:alert(1)") == "redirect_location");
  CHECK(resolved("ws://a.test/", "ws://") == "redirect_location");
  CHECK(resolved("ws://a.test/", "ws://user:secret@a.test/") == "redirect_location");
  CHECK(resolved("ws://a.test/", "/a b") == "redirect_location");
  CHECK(resolved("ws://a.test/", "ws+unix:///run/secret.sock:/") == "redirect_location");
  CHECK(resolved("ws+unix:///tmp/s:/", "ws+unix:///tmp/t:/") == "redirect_location");
  CHECK(resolved("ws+unix:///tmp/s:/", "ws://127.0.0.1/") == "redirect_location");
  CHECK(resolved("wss://a.test/", "ws://a.test/") == "redirect_downgrade");
  CHECK(resolved("wss://a.test/", "http://a.test/") == "redirect_downgrade");
  CHECK(resolved("wss://a.test/", "https://a.test/") == "https://a.test/");
}

TEST_CASE(
    "redirections are followed by option only, along one origin with all that was asked for") {
  for (const int status : {301, 302, 303, 307, 308}) {
    CAPTURE(status);
    net::Loop loop;
    RawServer server;
    Caller caller(loop);
    const std::string url =
        "ws://us%65r:secret@" + server.address.to_string() + "/first/one?token=x";
    REQUIRE(caller.client.connect({.url = url,
                                   .subprotocols = {"chat"},
                                   .origin = "http://page.test",
                                   .fields = {{"Cookie", "a=b"}},
                                   .redirects_max = 1}));
    REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
    CHECK(server.request.starts_with("GET /first/one?token=x "));
    server.send(redirect_to("two", status));
    REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
    CHECK(server.accepted == 2);
    CHECK(server.request.starts_with("GET /first/two HTTP/1.1\r\n"));
    CHECK(has(server, "\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    CHECK(has(server, "\r\nCookie: a=b\r\n"));
    CHECK(has(server, "\r\nOrigin: http://page.test\r\n"));
    CHECK(has(server, "\r\nSec-WebSocket-Protocol: chat\r\n"));
    server.send(server.good_answer());
    REQUIRE(turn_until(loop, [&] { return !caller.opened.empty(); }));
    CHECK(caller.opened == "/first/two");
    CHECK(caller.lines.empty());
  }
}

TEST_CASE("to another origin no secret goes along, and none comes back (E 93)") {
  net::Loop loop;
  RawServer first;
  RawServer second;
  Caller caller(loop);
  const std::string url = first.url("/");
  REQUIRE(caller.client.connect(
      {.url = url,
       .subprotocols = {"chat"},
       .fields = {{"Cookie", "a=b"}, {"X-Api-Key", "secret"}, {"User-Agent", "test"}},
       .user = "user",
       .password = "secret",
       .redirects_max = 2}));
  REQUIRE(turn_until(loop, [&] { return first.take_request(); }));
  CHECK(has(first, "\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
  first.send(redirect_to(second.url("/there")));
  REQUIRE(turn_until(loop, [&] { return second.take_request(); }));
  // And back to where it had them.
  for (RawServer* server : {&second, &first}) {
    for (const std::string_view secret : {"Authorization", "Cookie", "X-Api-Key", "secret"}) {
      CAPTURE(secret);
      CHECK_FALSE(has(*server, secret));
    }
    CHECK(has(*server, "\r\nUser-Agent: test\r\n"));
    CHECK(has(*server, "\r\nSec-WebSocket-Protocol: chat\r\n"));
    if (server == &first) break;
    second.send(redirect_to(first.url("/back")));
    REQUIRE(turn_until(loop, [&] { return first.take_request(); }));
  }
  first.send(first.good_answer());
  REQUIRE(turn_until(loop, [&] { return !caller.opened.empty(); }));
  CHECK(caller.opened == "/back");
}

TEST_CASE("too many redirections, and those that lead nowhere, fail with the answer's head") {
  struct Row {
    std::string answer;
    Errc error;
    std::uint32_t redirects_max;
    int hops;  // that are followed
  };
  const Row rows[] = {
      {redirect_to("/"), Errc::response_status, 0, 0},
      {redirect_to("/"), Errc::redirect_count, 1, 1},
      {redirect_to("/"), Errc::redirect_count, 5, 5},
      {redirect_to("/"), Errc::redirect_count, 1000, 5},
      {redirect_to("ftp://x/"), Errc::redirect_location, 5, 0},
      {"HTTP/1.1 302 x\r\n\r\n", Errc::redirect_location, 5, 0},
      {"HTTP/1.1 302 x\r\nLocation: /a\r\nLocation: /b\r\n\r\n", Errc::redirect_location, 5, 0},
      {redirect_to("/", 300), Errc::response_status, 5, 0},
      {redirect_to("/", 304), Errc::response_status, 5, 0},
      {redirect_to("/", 200), Errc::response_status, 5, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.answer);
    CAPTURE(row.redirects_max);
    net::Loop loop;
    RawServer server;
    Caller caller(loop);
    const std::size_t descriptors = open_descriptors();
    const std::string url = server.url();
    REQUIRE(caller.client.connect({.url = url, .redirects_max = row.redirects_max}));
    REQUIRE(turn_until(loop, [&] {
      if (server.take_request()) server.send(row.answer);
      return static_cast<bool>(caller.error);
    }));
    CHECK(caller.error == make_error_code(row.error));
    CHECK(server.accepted == row.hops + 1);
    CHECK(caller.status >= 200);
    REQUIRE(caller.lines.size() == 1);
    CHECK(caller.lines[0].find(" reason=" + std::string(ws::rule(row.error).label) + ' ') !=
          std::string::npos);
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
    CHECK(loop.pool().taken_bytes() == 0);
    server.hang_up();
    CHECK(open_descriptors() == descriptors);
  }
}

TEST_CASE("a client may give up, or go, between two hops") {
  for (const bool destroyed : {false, true}) {
    net::Loop loop;
    RawServer server;
    auto caller = std::make_unique<Caller>(loop);
    const std::string url = server.url();
    REQUIRE(caller->client.connect({.url = url, .redirects_max = 5}));
    REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
    server.send(redirect_to("/next"));
    REQUIRE(turn_until(loop, [&] {
      server.poll();
      return server.accepted == 2;
    }));
    if (destroyed) {
      caller.reset();
    } else {
      caller->client.abort();
      REQUIRE(turn_until(loop, [&] { return static_cast<bool>(caller->error); }));
      CHECK(caller->error == std::errc::operation_canceled);
    }
    settle(loop);
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
  }
}

TEST_CASE("Basic credentials come from the URL, from options, or as the application says") {
  const auto asked = [](const ws::ConnectOptions& more, std::string_view userinfo) {
    net::Loop loop;
    RawServer server;
    Caller caller(loop);
    ws::ConnectOptions options = more;
    const std::string url = "ws://" + std::string(userinfo) + server.address.to_string() + "/";
    options.url = url;
    if (Status status = caller.client.connect(options); !status) return status.error().message();
    REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
    const std::size_t at = server.request.find("Authorization: ");
    if (at == std::string::npos) return std::string("none");
    CHECK(server.request.find("Authorization: ", at + 1) == std::string::npos);
    CHECK_FALSE(has(server, "@"));
    return server.request.substr(at + 15, server.request.find("\r\n", at) - at - 15);
  };
  CHECK(asked({}, "") == "none");
  CHECK(asked({}, "Aladdin:open%20sesame@") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(asked({}, "user@") == "Basic dXNlcjo=");
  CHECK(asked({.url = {}, .user = "test", .password = "123\xC2\xA3"}, "other:one@") ==
        "Basic dGVzdDoxMjPCow==");  // RFC 7617 §2.1
  CHECK(asked({.url = {}, .fields = {{"authorization", "Bearer x"}}, .user = "u"}, "a:b@") ==
        "none");  // in the application's own spelling
  const std::string argument = make_error_code(Errc::argument).message();
  CHECK(asked({.url = {}, .user = "a:b", .password = "c"}, "") == argument);
  CHECK(asked({.url = {}, .user = "a\r\nX: y"}, "") == argument);
  CHECK(asked({.url = {}, .user = "a", .password = "\n"}, "") == argument);
  CHECK(asked({}, "a%0Ab:c@") == argument);
  CHECK(asked({}, "a%3Ab:c@") == argument);
  for (const std::string_view malformed : {"a%zz@", "a:%zz@", "%zz:%zz@", "a%@", "a:b%0@"}) {
    CHECK(asked({}, malformed) == make_error_code(Errc::url_userinfo).message());
  }
  CHECK(asked({}, "a:b%7F@") == argument);
}

// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>

#include "ws/core/url.h"

using namespace hilo;
using namespace hilo::ws;

namespace {

// scheme host port authority path query, and what is set beside them.
std::string describe(std::string_view text) {
  const Result<Url> url = parse_url(text);
  if (!url) return std::string(rule(static_cast<Errc>(url.error().value())).label);
  std::string out;
  switch (url->scheme) {
    case Url::Scheme::ws: out = "ws "; break;
    case Url::Scheme::wss: out = "wss "; break;
    case Url::Scheme::ws_unix: out = "unix "; break;
  }
  out.append(url->host).append(" ").append(std::to_string(url->port)).append(" ");
  out.append(url->authority).append(" ").append(url->path).append(" ").append(url->query);
  if (url->is_ipv6) out.append(" ipv6");
  if (!url->userinfo.empty()) out.append(" userinfo=").append(url->userinfo);
  if (!url->socket_path.empty()) out.append(" socket=").append(url->socket_path);
  return out;
}

}  // namespace

TEST_CASE("URLs are taken apart") {
  CHECK(describe("ws://example.com") == "ws example.com 80 example.com / ");
  CHECK(describe("ws://example.com/") == "ws example.com 80 example.com / ");
  CHECK(describe("WSS://Example.com/a/b?c=d&e") == "wss Example.com 443 Example.com /a/b c=d&e");
  CHECK(describe("ws://a?b/c?d") == "ws a 80 a / b/c?d");
  CHECK(describe("ws://a/?") == "ws a 80 a / ");
  CHECK(describe("ws://a/%23x") == "ws a 80 a /%23x ");
  CHECK(describe("http://a/x") == "ws a 80 a /x ");
  CHECK(describe("https://a/x") == "wss a 443 a /x ");
  CHECK(describe("ws://10.0.0.1:9001/x") == "ws 10.0.0.1 9001 10.0.0.1:9001 /x ");
}

TEST_CASE("a default port is left out of the authority, and only that") {
  CHECK(describe("ws://a:80/") == "ws a 80 a / ");
  CHECK(describe("ws://a:0080/") == "ws a 80 a / ");
  CHECK(describe("ws://a:/") == "ws a 80 a / ");
  CHECK(describe("ws://a:443/") == "ws a 443 a:443 / ");
  CHECK(describe("wss://a:443") == "wss a 443 a / ");
  CHECK(describe("wss://a:80") == "wss a 80 a:80 / ");
}

TEST_CASE("IPv6 literals stand in brackets") {
  CHECK(describe("ws://[::1]/") == "ws ::1 80 [::1] /  ipv6");
  CHECK(describe("wss://[2001:db8::1]:8443/x") ==
        "wss 2001:db8::1 8443 [2001:db8::1]:8443 /x  ipv6");
  CHECK(describe("ws://[::1]:80") == "ws ::1 80 [::1] /  ipv6");
  for (const char* url : {"ws://::1/", "ws://[::1/", "ws://[]/", "ws://[::1]x/", "ws://[1.2.3.4]/",
                          "ws://[fe80::1%25eth0]/", "ws://::1]:80/"}) {
    CAPTURE(url);
    CHECK(describe(url) == "url_host");
  }
}

TEST_CASE("userinfo is kept apart from the host") {
  CHECK(describe("ws://user:pa%40ss@a:1/x@y") == "ws a 1 a:1 /x@y  userinfo=user:pa%40ss");
  CHECK(describe("ws://@a/") == "ws a 80 a / ");
  CHECK(describe("ws://u@evil@a/") == "url_userinfo");
  CHECK(describe("ws://u%zz@a/") == "url_userinfo");
}

TEST_CASE("a Unix socket has a path of its own and a target behind the colon") {
  CHECK(describe("ws+unix:///run/chat.sock:/chat?x=1") ==
        "unix  0 localhost /chat x=1 socket=/run/chat.sock");
  CHECK(describe("ws+unix:/run/chat.sock") == "unix  0 localhost /  socket=/run/chat.sock");
  CHECK(describe("ws+unix:/run/chat.sock:") == "unix  0 localhost /  socket=/run/chat.sock");
  CHECK(describe("ws+unix:/run/chat.sock:?x") == "unix  0 localhost / x socket=/run/chat.sock");
  CHECK(describe("ws+unix:/run/chat.sock:/a:b") == "unix  0 localhost /a:b  socket=/run/chat.sock");
  CHECK(describe("ws+unix:chat.sock") == "url_host");
  CHECK(describe("ws+unix://host/x") == "url_host");
  CHECK(describe("ws+unix:/a:b") == "url_target");
  CHECK(describe("ws+unix:/a:/%00") == "url_target");
}

TEST_CASE("each wrong part has its own error") {
  CHECK(describe("") == "url_scheme");
  CHECK(describe("example.com") == "url_scheme");
  CHECK(describe("ftp://a") == "url_scheme");
  CHECK(describe("ws:/a") == "url_scheme");
  CHECK(describe("ws://") == "url_host");
  CHECK(describe("ws:///path") == "url_host");
  CHECK(describe("ws://:80/") == "url_host");
  CHECK(describe("ws://a,b/") == "url_host");
  CHECK(describe("ws://a:1:2/") == "url_host");
  CHECK(describe("ws://a%41/") == "url_host");
  CHECK(describe("ws://" + std::string(256, 'a')) == "url_host");
  CHECK(describe("ws://a:b/") == "url_port");
  CHECK(describe("ws://a:0/") == "url_port");
  CHECK(describe("ws://a:65536/") == "url_port");
  CHECK(describe("ws://a:999999999999/") == "url_port");
  CHECK(describe("ws://[::1]:x/") == "url_port");
  CHECK(describe("ws://a/#b") == "url_fragment");
  CHECK(describe("ws://a#") == "url_fragment");
  CHECK(describe("ws://a/%zz") == "url_target");
  CHECK(describe("ws://a/?%4") == "url_target");
}

TEST_CASE("no byte that could end a line or a target passes (105)") {
  for (int byte = 0; byte < 256; ++byte) {
    if (byte > ' ' && byte < 0x7F) continue;
    const std::string bad(1, static_cast<char>(byte));
    CAPTURE(byte);
    CHECK(describe("ws://a/" + bad) == "url_target");
    CHECK(describe("ws://a" + bad + "b/") == "url_target");
    CHECK(describe("ws://a/?x" + bad + "\r\nEvil: 1") == "url_target");
  }
}

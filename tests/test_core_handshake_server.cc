// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "tests/support/heads.h"
#include "ws/core/extension.h"
#include "ws/core/handshake.h"

using namespace hilo;
using namespace hilo::ws;
using test::ParsedRequest;
using test::ParsedResponse;
using Kind = HeadProgress::Kind;

namespace {

using namespace std::string_literals;

constexpr const char* example_key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 §1.3
constexpr const char* example_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// The lines of a good opening handshake, to be changed one at a time.
struct Lines {
  std::string request = "GET /chat HTTP/1.1";
  std::string host = "Host: server.example.com";
  std::string upgrade = "Upgrade: websocket";
  std::string connection = "Connection: Upgrade";
  std::string key = "Sec-WebSocket-Key: "s + example_key;
  std::string version = "Sec-WebSocket-Version: 13";
  std::string more = "";

  std::string text() const {
    std::string all = request + "\r\n";
    for (const std::string& line : {host, upgrade, connection, key, version, more}) {
      if (!line.empty()) all += line + "\r\n";
    }
    return all + "\r\n";
  }
};

struct Case {
  const char* name;  // with the number in the catalogue of bad inputs
  std::string text;
  Errc error;
};

Case with_more(const char* name, const std::string& more, Errc error) {
  return {name, Lines{.more = more}.text(), error};
}
Case with_version(const char* name, const std::string& line, Errc error) {
  return {name, Lines{.version = line}.text(), error};
}
Case with_key(const char* name, const std::string& line, Errc error) {
  return {name, Lines{.key = line}.text(), error};
}

std::string many(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text + std::to_string(i);
  return all;
}

std::vector<Case> framing_cases() {
  const Errc ok = Errc::none;
  return {
      {"a plain handshake", Lines{}.text(), ok},
      {"47 POST", Lines{.request = "POST / HTTP/1.1"}.text(), Errc::upgrade_method},
      {"46 get", Lines{.request = "get / HTTP/1.1"}.text(), Errc::upgrade_method},
      {"66 CONNECT", Lines{.request = "CONNECT a:80 HTTP/1.1"}.text(), Errc::upgrade_method},
      {"48 absolute target", Lines{.request = "GET http://10.0.0.1/ws HTTP/1.1"}.text(), ok},
      {"49 HTTP/1.0", Lines{.request = "GET / HTTP/1.0"}.text(), Errc::http_version},
      with_more("59 a body", "Content-Length: 5", Errc::http_framing),
      with_more("59 chunks", "Transfer-Encoding: chunked", Errc::http_framing),
      with_more("59 no body, said so", "Content-Length: 0", ok),
      with_more("62 HTTP2-Settings", "HTTP2-Settings: AAMAAABk", ok),
      {"67 no Upgrade", Lines{.upgrade = ""}.text(), Errc::upgrade_header},
      {"68 websockets", Lines{.upgrade = "Upgrade: websockets"}.text(), Errc::upgrade_header},
      {"68 websocket/13", Lines{.upgrade = "Upgrade: websocket/13"}.text(), Errc::upgrade_header},
      {"68 empty", Lines{.upgrade = "Upgrade:"}.text(), Errc::upgrade_header},
      {"68 one of two", Lines{.upgrade = "Upgrade: h2c, WebSocket"}.text(), ok},
      {"69 no Connection", Lines{.connection = ""}.text(), Errc::upgrade_connection},
      {"69 keep-alive", Lines{.connection = "Connection: keep-alive"}.text(),
       Errc::upgrade_connection},
      {"69 upgrades", Lines{.connection = "Connection: upgrades"}.text(), Errc::upgrade_connection},
      {"70 cases",
       Lines{.upgrade = "UPGRADE: WebSocket", .connection = "Connection: keep-alive, UPGRADE"}
           .text(),
       ok},
      {"70 two lines", Lines{.connection = "Connection: keep-alive\r\nConnection: Upgrade"}.text(),
       ok},
      {"71 nomination", Lines{.connection = "Connection: Upgrade, Sec-WebSocket-Key"}.text(), ok},
      with_more("89 hixie-76", "Sec-WebSocket-Key1: 1 2\r\nSec-WebSocket-Key2: 3",
                Errc::upgrade_hixie76),
      {"89 hixie-76 alone", Lines{.key = "Sec-WebSocket-Key2: 4 @1", .version = ""}.text(),
       Errc::upgrade_hixie76},
  };
}

std::vector<Case> key_and_version_cases() {
  const Errc ok = Errc::none;
  const Errc key = Errc::upgrade_key;
  const Errc other = Errc::upgrade_version;
  const Errc bad = Errc::upgrade_version_malformed;
  const std::string k = "Sec-WebSocket-Key: ", v = "Sec-WebSocket-Version:";
  return {
      with_key("72 no key", "", key),
      with_key("72 two keys", k + example_key + "\r\n" + k + example_key, key),
      with_key("63 another name", "Sec_WebSocket_Key: "s + example_key, key),
      with_key("73 empty", "Sec-WebSocket-Key:", key),
      with_key("73 15 bytes", k + "AQIDBAUGBwgJCgsMDQ4P", key),
      with_key("73 17 bytes", k + "AQIDBAUGBwgJCgsMDQ4PEBE=", key),
      with_key("73 bad alphabet", k + "dGhlIHNhbXBsZSBub25j_Q==", key),
      with_key("73 inner space", k + "dGhlIHNhbXBs ZSBub25jZQ==", key),
      with_key("73 pad bits", k + "dGhlIHNhbXBsZSBub25jZR==", key),
      with_key("73 white space around it", k + "\t " + example_key + " \t", ok),
      with_version("74 none", "", other),
      with_version("74 0", v + "0", other),
      with_version("74 7", v + "7", other),
      with_version("74 8", v + "8", other),
      with_version("74 14", v + "14", other),
      with_version("74 25", v + "25", other),
      with_version("74 255", v + "255", other),
      with_version("74 white space", v + " \t13 ", ok),
      with_version("75 list", v + "13, 8", bad),
      with_version("75 zero in front", v + "013", bad),
      with_version("75 sign", v + "+13", bad),
      with_version("75 letter", v + "13a", bad),
      with_version("75 twice", v + "13\r\n" + v + "13", bad),
      with_version("75 empty", v, bad),
      with_version("75 256", v + "256", bad),
      with_version("75 1300", v + "1300", bad),
  };
}

std::vector<Case> list_cases() {
  const Errc ok = Errc::none;
  const Errc bad = Errc::upgrade_protocol_malformed;
  const Errc extension = Errc::upgrade_extensions_malformed;
  const std::string p = "Sec-WebSocket-Protocol: ", e = "Sec-WebSocket-Extensions: ";
  return {
      with_more("79 good", p + "a, b", ok),
      with_more("79 empty members between", p + "a,, b,", ok),
      with_more("79 space", p + "a b", bad),
      with_more("79 comma", p + ",", bad),
      with_more("79 empty", p, bad),
      with_more("79 twice", p + "a, a", bad),
      with_more("79 twice over two lines", p + "a\r\n" + p + "b,a", bad),
      with_more("79 distinct by case", p + "a, A", ok),
      with_more("79 no token", p + "a, b/c", bad),
      with_more("79 32 entries", p + "x" + many(",p", 31), ok),
      with_more("79 33 entries", p + "x" + many(",p", 32), bad),
      with_more("79 200 entries", p + "x" + many(",p", 199), bad),
      with_more("80 spaces inside", p + "b" + std::string(4000, ' ') + "x", bad),
      with_more("82 constructor", e + "constructor, x-unknown", ok),
      with_more("82 permessage-deflate", e + "permessage-deflate; client_max_window_bits", ok),
      with_more("83 ;a", e + ";a", extension),
      with_more("83 a;=1", e + "a;=1", extension),
      with_more("83 a=\"x", e + "a=\"x", extension),
      with_more("83 8 KB of escapes", e + "a;b=\"" + std::string(7900, '\\'), extension),
      with_more("84 16 offers", e + "a" + many(",a", 15), ok),
      with_more("84 17 offers", e + "a" + many(",a", 16), Errc::upgrade_extensions_too_many),
  };
}

void check_cases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParsedRequest request(c.text);
    REQUIRE(request.is_complete());
    CHECK(check_upgrade(request.head).error == c.error);
  }
}

// The text of a Buffer.
std::string text_of(const Buffer& buffer) {
  return std::string(as_text(buffer.readable()));
}

}  // namespace

TEST_CASE("a server checks method, version, Upgrade, Connection and body") {
  check_cases(framing_cases());
}
TEST_CASE("a server checks key and version") {
  check_cases(key_and_version_cases());
}
TEST_CASE("a server checks subprotocols and extensions") {
  check_cases(list_cases());
}

TEST_CASE("the handshake of RFC 6455 section 1.3") {
  ParsedRequest request(
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n");
  REQUIRE(request.is_complete());
  CHECK(wants_websocket(request.head));
  const UpgradeCheck check = check_upgrade(request.head);
  REQUIRE(check.error == Errc::none);
  CHECK(check.key == example_key);
  CHECK(check.origin == "http://example.com");
  CHECK_FALSE(check.has_extensions);
  const std::array<std::string_view, 2> supported = {"superchat", "chat"};
  // The client's first wish wins, whatever our order.
  CHECK(choose_subprotocol(check.subprotocols, supported) == "chat");
  CHECK(choose_subprotocol(check.subprotocols, std::span(supported).first(1)) == "superchat");
  CHECK(choose_subprotocol(check.subprotocols, {}).empty());

  Pool pool;
  Buffer out(pool);
  REQUIRE(write_upgrade_response(out, {.key = check.key, .subprotocol = "chat"}));
  CHECK(text_of(out) ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: "s +
            example_accept + "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
}

TEST_CASE("an upgrade is wanted when Upgrade names anything but h2c (62, 67)") {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"", false},
      {"Upgrade: h2c", false},
      {"Upgrade: H2C\r\nUpgrade: h2c", false},
      {"Upgrade: h2c, websocket", true},
      {"Upgrade: websocket", true},
      {"Upgrade: websockets", true},
      {"Upgrade:", true},
  };
  for (const auto& entry : cases) {
    CAPTURE(entry.first);
    ParsedRequest request(Lines{.upgrade = entry.first}.text());
    REQUIRE(request.is_complete());
    CHECK(wants_websocket(request.head) == entry.second);
  }
}

TEST_CASE("bytes behind the head are not the handshake's (91)") {
  const std::string text = Lines{}.text();
  ParsedRequest request(text + "\x81\x85");
  REQUIRE(request.is_complete());
  CHECK(request.progress.head_bytes == text.size());
  CHECK(check_upgrade(request.head).error == Errc::none);
}

TEST_CASE("the 101 carries extensions and fields of the application, and nothing forged") {
  Pool pool;
  Buffer out(pool);
  const std::array<FieldView, 1> cookie = {{{"Set-Cookie", "a=b"}}};
  REQUIRE(write_upgrade_response(
      out, {.key = example_key, .extensions = "permessage-deflate", .fields = cookie}));
  const std::string text = text_of(out);
  CHECK(text.ends_with("Sec-WebSocket-Extensions: permessage-deflate\r\nSet-Cookie: a=b\r\n\r\n"));

  const std::array<FieldView, 1> accept = {{{"sec-websocket-accept", "x"}}};
  const std::array<FieldView, 1> upgrade = {{{"upgrade", "x"}}};
  const std::array<FieldView, 1> connection = {{{"connection", "x"}}};
  const std::array<FieldView, 1> length = {{{"content-length", "5"}}};
  const std::array<FieldView, 1> coding = {{{"transfer-encoding", "chunked"}}};
  const std::array<FieldView, 1> crlf = {{{"A", "b\r\nEvil: 1"}}};
  const std::array<FieldView, 1> name = {{{"A:", "b"}}};
  for (const UpgradeResponse& response :
       {UpgradeResponse{.key = "short"}, UpgradeResponse{.key = example_key, .subprotocol = "a b"},
        UpgradeResponse{.key = example_key, .extensions = "a\r\nb"},
        UpgradeResponse{.key = example_key, .fields = accept},
        UpgradeResponse{.key = example_key, .fields = upgrade},
        UpgradeResponse{.key = example_key, .fields = connection},
        UpgradeResponse{.key = example_key, .fields = length},
        UpgradeResponse{.key = example_key, .fields = coding},
        UpgradeResponse{.key = example_key, .fields = crlf},
        UpgradeResponse{.key = example_key, .fields = name}}) {
    const Status status = write_upgrade_response(out, response);
    CHECK(status.error() == Errc::argument);
    CHECK(text_of(out) == text);
  }
}

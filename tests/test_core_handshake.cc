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
  const char* name;  // with the number of the catalogue
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
  for (const auto& [line, wanted] : cases) {
    CAPTURE(line);
    ParsedRequest request(Lines{.upgrade = line}.text());
    REQUIRE(request.is_complete());
    CHECK(wants_websocket(request.head) == wanted);
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

// ---- client -------------------------------------------------------------------------------------

TEST_CASE("a key is 16 bytes in base64") {
  const std::string_view nonce = "the sample nonce";
  const Key key = encode_key(as_bytes(nonce).first<key_bytes>());
  CHECK(std::string_view(key.data(), key.size()) == example_key);
  std::array<std::uint8_t, key_bytes> ones;
  ones.fill(0xFF);
  const Key last = encode_key(ones);
  CHECK(std::string_view(last.data(), last.size()) == "/////////////////////w==");
}

TEST_CASE("a client writes the request that a server accepts") {
  Pool pool;
  Buffer out(pool);
  const std::array<std::string_view, 2> protocols = {"chat", "superchat"};
  const std::array<FieldView, 1> fields = {{{"Authorization", "Basic eDp5"}}};
  REQUIRE(write_upgrade_request(out, {.authority = "server.example.com:81",
                                      .path = "/chat",
                                      .query = "a=b",
                                      .key = example_key,
                                      .origin = "http://example.com",
                                      .extensions = "permessage-deflate",
                                      .subprotocols = protocols,
                                      .fields = fields}));
  CHECK(text_of(out) ==
        "GET /chat?a=b HTTP/1.1\r\nHost: server.example.com:81\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        "Authorization: Basic eDp5\r\n\r\n");
  ParsedRequest request(text_of(out));
  REQUIRE(request.is_complete());
  CHECK(check_upgrade(request.head).error == Errc::none);

  out.release();
  REQUIRE(write_upgrade_request(out, {.authority = "[::1]", .key = example_key}));
  CHECK(text_of(out).starts_with("GET / HTTP/1.1\r\nHost: [::1]\r\n"));
}

TEST_CASE("nothing a caller gives can forge a line of the request (105)") {
  Pool pool;
  Buffer out(pool);
  const UpgradeRequest good{.authority = "a", .key = example_key};
  std::vector<UpgradeRequest> requests;
  const auto add = [&](auto change) {
    UpgradeRequest request = good;
    change(request);
    requests.push_back(request);
  };
  const std::array<std::string_view, 1> injected = {"a\r\nEvil: 1"};
  const std::array<std::string_view, 1> spaced = {"a b"};
  const std::array<std::string_view, 3> repeated = {"a", "b", "a"};
  const std::vector<std::string_view> endless(33, "a");
  const std::array<FieldView, 1> value = {{{"A", "b\r\nEvil: 1"}}};
  const std::array<FieldView, 1> name = {{{"A b", "c"}}};
  const std::array<FieldView, 1> origin = {{{"origin", "b"}}};
  add([](UpgradeRequest& r) { r.authority = "a\r\nEvil: 1"; });
  add([](UpgradeRequest& r) { r.authority = ""; });
  add([](UpgradeRequest& r) { r.path = ""; });
  add([](UpgradeRequest& r) { r.path = "x"; });
  add([](UpgradeRequest& r) { r.path = "/a?b"; });
  add([](UpgradeRequest& r) { r.path = "/a b"; });
  add([](UpgradeRequest& r) { r.path = "/a\r\nEvil: 1"; });
  add([](UpgradeRequest& r) { r.query = "#"; });
  add([](UpgradeRequest& r) { r.key = "x"; });
  add([](UpgradeRequest& r) { r.origin = "http://a\n"; });
  add([](UpgradeRequest& r) { r.origin = "http://a b"; });
  add([](UpgradeRequest& r) { r.origin = "http://\xc3\xa4"; });
  add([](UpgradeRequest& r) { r.extensions = "a\r\nb"; });
  add([&](UpgradeRequest& r) { r.subprotocols = injected; });
  add([&](UpgradeRequest& r) { r.subprotocols = spaced; });
  add([&](UpgradeRequest& r) { r.subprotocols = repeated; });
  add([&](UpgradeRequest& r) { r.subprotocols = endless; });
  add([&](UpgradeRequest& r) { r.fields = value; });
  add([&](UpgradeRequest& r) { r.fields = name; });
  add([&](UpgradeRequest& r) {
    r.fields = origin;
    r.origin = "http://a";
  });
  std::vector<std::array<FieldView, 1>> own;
  for (const char* field : {"host", "upgrade", "connection", "content-length", "transfer-encoding",
                            "sec-websocket-key", "Sec-WebSocket-Anything"}) {
    own.push_back({{{field, "x"}}});
  }
  for (const auto& fields : own) add([&](UpgradeRequest& r) { r.fields = fields; });
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i);
    CHECK(write_upgrade_request(out, requests[i]).error() == Errc::argument);
    CHECK(out.empty());
  }
  UpgradeRequest own_origin = good;
  own_origin.fields = origin;
  CHECK(write_upgrade_request(out, own_origin));
}

namespace {

struct Answer {
  std::string status = "HTTP/1.1 101 Switching Protocols";
  std::string upgrade = "Upgrade: websocket";
  std::string connection = "Connection: Upgrade";
  std::string accept = "Sec-WebSocket-Accept: "s + example_accept;
  std::string more = "";

  std::string text() const {
    std::string all = status + "\r\n";
    for (const std::string& line : {upgrade, connection, accept, more}) {
      if (!line.empty()) all += line + "\r\n";
    }
    return all + "\r\n";
  }
};

std::vector<Case> answer_cases() {
  const Errc ok = Errc::none;
  const std::string a = "Sec-WebSocket-Accept: ", p = "Sec-WebSocket-Protocol: ";
  const std::string e = "Sec-WebSocket-Extensions: ";
  return {
      {"a plain answer", Answer{}.text(), ok},
      {"92 200", Answer{.status = "HTTP/1.1 200 OK"}.text(), Errc::response_status},
      {"92 204", Answer{.status = "HTTP/1.1 204 x"}.text(), Errc::response_status},
      {"92 301", Answer{.status = "HTTP/1.1 301 x"}.text(), Errc::response_status},
      {"92 401", Answer{.status = "HTTP/1.1 401 x"}.text(), Errc::response_status},
      {"92 426", Answer{.status = "HTTP/1.1 426 x"}.text(), Errc::response_status},
      {"92 500", Answer{.status = "HTTP/1.1 500 x"}.text(), Errc::response_status},
      {"101 no reason", Answer{.status = "HTTP/1.1 101"}.text(), ok},
      {"HTTP/1.0", Answer{.status = "HTTP/1.0 101 x"}.text(), Errc::response_malformed},
      {"95 no Upgrade", Answer{.upgrade = ""}.text(), Errc::response_upgrade},
      {"95 wrong Upgrade", Answer{.upgrade = "Upgrade: h2c"}.text(), Errc::response_upgrade},
      {"95 more Upgrades", Answer{.upgrade = "Upgrade: websocket, h2c"}.text(),
       Errc::response_upgrade},
      {"95 two Upgrades", Answer{.upgrade = "Upgrade: websocket\r\nUpgrade: h2c"}.text(),
       Errc::response_upgrade},
      {"95 Upgrade in another case", Answer{.upgrade = "upgrade: WebSocket"}.text(), ok},
      {"95 no Connection", Answer{.connection = ""}.text(), Errc::response_connection},
      {"95 wrong Connection", Answer{.connection = "Connection: close"}.text(),
       Errc::response_connection},
      {"95 Connection as a list", Answer{.connection = "Connection: keep-alive, upgrade"}.text(),
       ok},
      {"96 no Accept", Answer{.accept = ""}.text(), Errc::response_accept},
      {"96 wrong Accept", Answer{.accept = a + "s3pPLMBiTxaQ9kYGzzhZRbK+xOp="}.text(),
       Errc::response_accept},
      {"96 Accept twice", Answer{.accept = a + example_accept + "\r\n" + a + example_accept}.text(),
       Errc::response_accept},
      {"96 Accept in small letters", Answer{.accept = a + "s3ppLMBiTxaQ9kYGzzhZRbK+xOo="}.text(),
       Errc::response_accept},
      {"96 white space around it", Answer{.accept = a + "\t" + example_accept + " "}.text(), ok},
      {"97 what was offered",
       Answer{.more = e + "permessage-deflate; server_no_context_takeover"}.text(), ok},
      {"97 two that were offered", Answer{.more = e + "x-two, permessage-deflate"}.text(), ok},
      {"97 not offered", Answer{.more = e + "x-three"}.text(), Errc::response_extension},
      {"97 twice", Answer{.more = e + "permessage-deflate, permessage-deflate"}.text(),
       Errc::response_extension},
      {"97 twice over two lines", Answer{.more = e + "x-two\r\n" + e + "x-two"}.text(),
       Errc::response_extension},
      {"97 malformed", Answer{.more = e + "x-two;"}.text(), Errc::response_extension},
      {"97 empty", Answer{.more = e}.text(), Errc::response_extension},
      {"97 a thousand", Answer{.more = e + "x-two" + many(",x", 1000)}.text(),
       Errc::response_extension},
      {"98 offered", Answer{.more = p + "chat"}.text(), ok},
      {"98 not offered", Answer{.more = p + "other"}.text(), Errc::response_protocol},
      {"98 in another case", Answer{.more = p + "Chat"}.text(), Errc::response_protocol},
      {"98 several", Answer{.more = p + "chat, superchat"}.text(), Errc::response_protocol},
      {"98 two lines", Answer{.more = p + "chat\r\n" + p + "chat"}.text(), Errc::response_protocol},
      {"98 empty", Answer{.more = p}.text(), Errc::response_protocol},
      {"102 a body", Answer{.more = "Content-Length: 5"}.text(), ok},
      {"102 chunks", Answer{.more = "Transfer-Encoding: chunked"}.text(), ok},
  };
}

test::Outcome read(const std::string& text, const std::vector<std::size_t>& ends) {
  return test::feed(ResponseReader(), text, ends);
}

}  // namespace

TEST_CASE("a client checks the answer against what it asked for") {
  const std::array<std::string_view, 2> protocols = {"superchat", "chat"};
  const UpgradeRequest request{.key = example_key,
                               .extensions = "permessage-deflate; client_max_window_bits, x-two",
                               .subprotocols = protocols};
  for (const Case& c : answer_cases()) {
    CAPTURE(c.name);
    ParsedResponse response(c.text);
    REQUIRE(response.is_complete());
    const ResponseCheck check = check_response(response.head, request);
    CHECK(check.error == c.error);
    const bool is_ok = c.error == Errc::none;
    const bool has_protocol = c.text.find("-Protocol") != std::string::npos;
    if (is_ok) CHECK(check.subprotocol == (has_protocol ? "chat" : ""));
    if (is_ok) CHECK(check.has_extensions == (c.text.find("-Extensions") != std::string::npos));
  }
}

TEST_CASE("nothing may be chosen when nothing was offered (97, 98)") {
  const UpgradeRequest request{.key = example_key};
  ParsedResponse extension(Answer{.more = "Sec-WebSocket-Extensions: permessage-deflate"}.text());
  CHECK(check_response(extension.head, request).error == Errc::response_extension);
  ParsedResponse protocol(Answer{.more = "Sec-WebSocket-Protocol: chat"}.text());
  CHECK(check_response(protocol.head, request).error == Errc::response_protocol);
}

TEST_CASE("interim responses are skipped, eight of them (94)") {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  std::string front;
  for (int count = 0; count <= 10; ++count) {
    CAPTURE(count);
    const std::string text = front + Answer{}.text();
    const test::Outcome whole = read(text + "\x81", test::all_at_once(text.size() + 1));
    if (count <= 8) {
      CHECK(whole.kind == Kind::complete);
      CHECK(whole.head_bytes == text.size());
      CHECK(whole.head.starts_with("1 101 Switching Protocols"));
    } else {
      CHECK(whole.kind == Kind::failed);
      CHECK(whole.error == Errc::response_interim);
    }
    CHECK(read(text, test::byte_by_byte(text.size())) == whole);
    CHECK(read(text, test::random_cuts(text.size(), 7)) == whole);
    front += count % 2 == 0 ? interim : hints;
  }
}

TEST_CASE("an answer that is not 101 ends the reading too (92)") {
  const std::string text = "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n";
  const test::Outcome outcome = read(text + "body", test::byte_by_byte(text.size() + 4));
  CHECK(outcome.kind == Kind::complete);
  CHECK(outcome.head_bytes == text.size());
}

TEST_CASE("all heads of an answer together are at most 16384 bytes (100)") {
  for (const std::size_t size : {std::size_t{16384}, std::size_t{16385}}) {
    std::string text = "HTTP/1.1 101 x\r\nA: " + std::string(6000, 'a') + "\r\nB: ";
    text += std::string(6000, 'b') + "\r\nC: ";
    text += std::string(size - text.size() - 4, 'c') + "\r\n\r\n";
    REQUIRE(text.size() == size);
    const test::Outcome whole = read(text, test::all_at_once(size));
    CHECK(whole.error == (size <= 16384 ? Errc::none : Errc::response_too_long));
    CHECK(read(text, test::random_cuts(size, 3)) == whole);
    // Behind a complete head anything may follow.
    const test::Outcome more = read(text + std::string(9000, 'f'), {size + 9000});
    CHECK(more == whole);
  }
  const std::string interim = "HTTP/1.1 100 x\r\nA: " + std::string(5000, 'a') + "\r\n\r\n";
  const std::string text = interim + interim + interim + interim;
  CHECK(read(text, test::all_at_once(text.size())).error == Errc::response_too_long);
  CHECK(read(text, test::random_cuts(text.size(), 3)).error == Errc::response_too_long);
}

TEST_CASE("a failed answer stays failed") {
  ResponseReader reader;
  CHECK(reader.parse(as_bytes("ICY 101\r\n")).error == Errc::response_malformed);
  CHECK(reader.parse(as_bytes(Answer{}.text())).error == Errc::response_malformed);
}

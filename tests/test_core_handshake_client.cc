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

struct Case {
  const char* name;  // with the number in the catalogue of bad inputs
  std::string text;
  Errc error;
};

std::string many(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text + std::to_string(i);
  return all;
}

// The text of a Buffer.
std::string text_of(const Buffer& buffer) {
  return std::string(as_text(buffer.readable()));
}

}  // namespace

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
  add([](UpgradeRequest& r) { r.origin = "http://a\x7F"; });
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

// SPDX-License-Identifier: MIT
//
// Polling by scripts and forms (row 210 of the catalogue, and 53 of its vulnerabilities).

#include <optional>
#include <string>
#include <string_view>

#include "tests/support/engineio_wire.h"
#include "ws/engineio/jsonp.h"

using namespace hilo;
using namespace hilo::engineio;
using namespace hilo::test;
using namespace std::literals;

namespace {

std::string script(std::string_view j, std::string_view payload) {
  Pool pool;
  Buffer out{pool};
  REQUIRE(write_jsonp(j, as_bytes(payload), out));
  return std::string(as_text(Bytes{out.readable()}));
}

std::optional<std::string> payload_in(std::string form) {
  const auto payload = read_jsonp({reinterpret_cast<std::uint8_t*>(form.data()), form.size()});
  if (!payload) return std::nullopt;
  return std::string(as_text(Bytes{*payload}));
}

const Options with_jsonp{.revision3 = true, .framing3 = Framing3::binary, .jsonp = true};

std::string jsonp(std::string_view sid = {}, std::string_view j = "0") {
  return polling(sid, 3) + "&j=" + std::string(j);
}

// The sid in the script that opens a session.
std::string sid_in(const std::string& body) {
  const std::size_t at = body.find("\\u0022sid\\u0022:\\u0022");
  REQUIRE(at != std::string::npos);
  return body.substr(at + 22, 32);
}

constexpr std::string_view form_type = "Content-Type: application/x-www-form-urlencoded\r\n";

}  // namespace

TEST_CASE("a payload is a literal in a script, and of j the digits are kept (210)") {
  CHECK(script("0", "6:4hello") == "___eio[0](\"6:4hello\");");
  CHECK(script("0;alert(1)", "1:6") == "___eio[01](\"1:6\");");
  CHECK(script("", "") == "___eio[](\"\");");
  CHECK(script("7", "\"\\\n\x1f\u2028\u2029\u2027é") ==
        "___eio[7](\"\\u0022\\u005c\\u000a\\u001f\\u2028\\u2029\u2027é\");");
}

TEST_CASE("a form has its payload in d") {
  CHECK(payload_in("d=6%3A4hello") == "6:4hello");
  CHECK(payload_in("a=1&d=4+%2B%C3%A9&d=2") == "4 +\u00e9");
  CHECK(payload_in("d=") == "");
  // Line ends, and what looks like them.
  CHECK(payload_in("d=a%5Cnb") == "a\nb");
  CHECK(payload_in("d=a%5C%5Cnb") == "a\\nb");
  CHECK(payload_in("d=a%5C%5C%5Cnb") == "a\\\\nb");
  CHECK(payload_in("d=%5C") == "\\");
  for (const char* bad : {"", "d", "e=4", "D=4", "d=%", "d=%4", "d=%zz", "d=%00"}) {
    CAPTURE(bad);
    if (std::string_view(bad) == "d") {
      CHECK(payload_in(bad) == "");
    } else {
      CHECK_FALSE(payload_in(bad));
    }
  }
}

TEST_CASE("a session by scripts and forms (210)") {
  EngineServer server(with_jsonp);
  const Baseline before = server.baseline();
  {
    HttpPeer peer(server);
    const HttpPeer::Answer open = peer.get(jsonp());
    CHECK(open.status == 200);
    CHECK(open.head.find("Content-Type: text/javascript; charset=UTF-8\r\n") != std::string::npos);
    CHECK(open.head.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
    CHECK(open.body.starts_with("___eio[0](\""));
    CHECK(open.body.ends_with("\");"));
    const std::string sid = sid_in(open.body);
    CHECK(peer.post(jsonp(sid), "d=10%3A4h%C3%A9llo%5Cn%22b2%3A4x", form_type).status == 400);
    CHECK(server.engine_rejects(Errc::payload_length) == 1);

    const std::string next = sid_in(peer.get(jsonp()).body);
    CHECK(peer.post(jsonp(next), "d=8%3A4h%C3%A9llo%5Cn%222%3A4x", form_type).body == "ok");
    CHECK(peer.get(jsonp(next, "12")).body == "___eio[12](\"8:4h\u00e9llo\\u000a\\u00222:4x\");");
    // Bytes in base64, whatever the client says it can read.
    CHECK(peer.post(jsonp(next), "d=10%3Ab4AQIDBA%3D%3D", form_type).body == "ok");
    CHECK(peer.get(jsonp(next, "0;x")).body == "___eio[0](\"10:b4AQIDBA==\");");
    CHECK(peer.post(jsonp(next), "x=1:1", form_type).status == 400);
    CHECK(server.engine_rejects(Errc::payload_form) == 1);
    CHECK(server.events.back() == "close: parse error");
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
}

TEST_CASE("without the option, and in revision 4, j is junk (210)") {
  EngineServer server({.revision3 = true});
  HttpPeer peer(server);
  CHECK(peer.get(jsonp()).body.find("___eio") == std::string::npos);
  EngineServer willing(with_jsonp);
  HttpPeer other(willing);
  CHECK(other.get(polling() + "&j=0").body.starts_with("0{\"sid\":"));
}

TEST_CASE("a form above maxPayload is refused as any other body (50)") {
  Options options = with_jsonp;
  options.payload_bytes_max = 64;
  EngineServer server(std::move(options));
  HttpPeer peer(server);
  const std::string sid = sid_in(peer.get(jsonp()).body);
  CHECK(peer.post(jsonp(sid), "d=" + std::string(80, 'a'), form_type).status == 413);
}

// SPDX-License-Identifier: MIT

#include "ws/forwarded.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/wire.h"
#include "ws/core/http_head.h"

using namespace hilo;
using namespace hilo::test;
using ws::ForwardedBy;

namespace {

std::vector<net::AddressRange> ranges(std::vector<std::string_view> texts) {
  std::vector<net::AddressRange> all;
  for (const std::string_view text : texts) {
    const auto range = net::AddressRange::parse(text);
    REQUIRE(range);
    all.push_back(*range);
  }
  return all;
}

struct Told {
  std::string peer;
  std::string host;
  bool is_tls;
  bool operator==(const Told&) const = default;
};

// What is believed of these fields when 10.0.0.1 connects; 10.0.0.0/8 and 127.0.0.1 are trusted.
Told read(ForwardedBy by, std::string_view fields, std::string_view from = "10.0.0.1") {
  std::string text = "GET / HTTP/1.1\r\nHost: own\r\n";
  text.append(fields).append("\r\n");
  ws::RequestParser parser;
  REQUIRE(parser.parse(as_bytes(text)).kind == ws::HeadProgress::Kind::complete);
  const ws::RequestHead head = parser.head(as_bytes(text));
  const net::PeerAddress peer{*net::Address::from_ip(from, 7)};
  const ws::Forwarded told =
      ws::read_forwarded(head.fields, by, peer, ranges({"10.0.0.0/8", "127.0.0.1"}));
  return {told.peer.to_string(), told.host ? std::string(told.host->host) : "", told.is_tls};
}

}  // namespace

TEST_CASE("X-Forwarded-For is read from its end, up to the first who is not trusted") {
  const auto peer = [](std::string_view fields, std::string_view from = "10.0.0.1") {
    return read(ForwardedBy::x_forwarded, fields, from).peer;
  };
  CHECK(peer("") == "10.0.0.1:7");
  CHECK(peer("X-Forwarded-For: 192.0.2.1\r\n") == "192.0.2.1:0");
  CHECK(peer("X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.9.9.9\r\n") == "192.0.2.1:0");
  CHECK(peer("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.9.9.9\r\n") == "192.0.2.1:0");
  CHECK(peer("X-Forwarded-For: 10.0.0.2, 10.0.0.3\r\n") == "10.0.0.2:0");
  CHECK(peer("X-Forwarded-For: 2001:db8::1\r\n") == "[2001:db8::1]:0");
  CHECK(peer("X-Forwarded-For: [2001:db8::1]:80, 127.0.0.1\r\n") == "[2001:db8::1]:80");
  CHECK(peer("X-Forwarded-For: 192.0.2.1:4711\r\n") == "192.0.2.1:4711");
  // What is no address ends the search.
  CHECK(peer("X-Forwarded-For: 192.0.2.1, unknown\r\n") == "10.0.0.1:7");
  CHECK(peer("X-Forwarded-For: 192.0.2.1, 10.9.9.9, 1.2.3\r\n") == "10.0.0.1:7");
  for (const std::string_view bad :
       {"[::1", "[::1]x", "[1.2.3.4]", "1.2.3.4:", "1.2.3.4:x", "::1%1", "[]"}) {
    CHECK(peer("X-Forwarded-For: " + std::string(bad) + "\r\n") == "10.0.0.1:7");
  }
  // Who is not trusted is not believed, and the other proxy's field is nobody's.
  CHECK(peer("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.99") == "192.0.2.99:7");
  CHECK(peer("Forwarded: for=192.0.2.1\r\n") == "10.0.0.1:7");
}

TEST_CASE("X-Forwarded-Proto and -Host: the last word is the proxy's") {
  const auto by = ForwardedBy::x_forwarded;
  CHECK(read(by, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example:80\r\n") ==
        Told{"10.0.0.1:7", "a.example", true});
  CHECK(read(by, "X-Forwarded-Proto: https, http\r\nX-Forwarded-Host: forged, b\r\n") ==
        Told{"10.0.0.1:7", "b", false});
  CHECK(read(by, "X-Forwarded-Host: a b\r\n") == Told{"10.0.0.1:7", "", false});
  CHECK(read(by, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n", "192.0.2.1") ==
        Told{"192.0.2.1:7", "", false});
}

TEST_CASE("Forwarded names address, scheme and host in pairs (RFC 7239)") {
  const auto by = ForwardedBy::forwarded;
  CHECK(read(by, "Forwarded: for=192.0.2.1;proto=https;host=example.com\r\n") ==
        Told{"192.0.2.1:0", "example.com", true});
  CHECK(read(by, "Forwarded: FOR=\"[2001:db8::1]:4711\"; Proto=\"https\"\r\n") ==
        Told{"[2001:db8::1]:4711", "", true});
  CHECK(read(by,
             "Forwarded: for=1.1.1.1;proto=https, for=192.0.2.1;proto=http;host=a, "
             "for=10.0.0.9\r\n") == Told{"192.0.2.1:0", "a", false});
  CHECK(read(by, "Forwarded: for=_hidden;proto=https\r\n") == Told{"10.0.0.1:7", "", true});
  CHECK(read(by, "Forwarded: for=\"192.0.2.1\";x=\",for=1.1.1.1\"\r\n").peer == "192.0.2.1:0");
  CHECK(read(by, "Forwarded: for=1.1.1.1;x=\\, for=192.0.2.1\r\n").peer == "192.0.2.1:0");
  CHECK(read(by, "Forwarded: for=\"192.0.2.1\\\r\n").peer == "10.0.0.1:7");
  CHECK(read(by, "Forwarded: for=\"192.0.2.1\r\n").peer == "10.0.0.1:7");
  CHECK(read(by, "Forwarded: for=\"\r\n").peer == "10.0.0.1:7");
  CHECK(read(by, "Forwarded: \\\"a\"\r\n").peer == "10.0.0.1:7");
  CHECK(read(by, "Forwarded: for=192.0.2.1;x=\\\r\n").peer == "192.0.2.1:0");
  CHECK(read(by, "X-Forwarded-For: 192.0.2.1\r\n").peer == "10.0.0.1:7");
  CHECK(read(by, "Forwarded: , for=192.0.2.1;secret;proto=wss, \r\n") ==
        Told{"192.0.2.1:0", "", true});
  CHECK(read(by, "Forwarded: for=192.0.2.1;x=\"\\\"\r\n").peer == "192.0.2.1:0");
}

// The proxy has written behind what its client sent, on the same line.
TEST_CASE("nothing that a client leaves open hides what the proxy says of it") {
  const auto after = [](ForwardedBy by, const std::string& clients_own) {
    const bool in_one = by == ForwardedBy::forwarded;
    return read(by, (in_one ? "Forwarded: " : "X-Forwarded-For: ") + clients_own + ", " +
                        (in_one ? "for=\"192.0.2.1:80\";by=\"a\\\"b\\\\\";host=\"b;for=6.6.6.6\""
                                : "192.0.2.1:80") +
                        "\r\n")
        .peer;
  };
  for (const auto by : {ForwardedBy::x_forwarded, ForwardedBy::forwarded}) {
    for (const std::string_view own :
         {"\"", "6.6.6.6, \"", "for=6.6.6.6;x=\"", "for=6.6.6.6;x=\"\\", "for=\"6.6.6.6\"", "\\",
          "for=6.6.6.6;x=\"a\\\"", "\"\"\"", "for=6.6.6.6;proto=https", ",", ";", "="}) {
      CAPTURE(own);
      CHECK(after(by, std::string(own)) == "192.0.2.1:80");
    }
  }
}

TEST_CASE("a list without end costs what a few proxies cost") {
  std::string list = "1.1.1.1";
  for (int i = 0; i < 800; ++i) list += ",10.0.0.2";
  CHECK(read(ForwardedBy::x_forwarded, "X-Forwarded-For: " + list + "\r\n").peer == "10.0.0.2:0");
}

TEST_CASE("a trusted proxy speaks for peer, log, Origin and limits of a WebSocket") {
  ws::Limits limits;
  limits.connections_per_ip_max = 1;
  ws::ServerOptions options;
  options.trusted_proxies = ranges({"127.0.0.1"});
  WireServer server(limits, std::move(options));
  std::string peer_seen;
  std::string asked_by;
  server.server.at("/who")
      .on_upgrade([&](const ws::Request& request) -> ws::Decision {
        asked_by = request.peer().to_string();
        return ws::Accept{};
      })
      .on_open([&](ws::Connection& c) { peer_seen = c.peer().to_string(); });
  const std::string from = "X-Forwarded-For: 192.0.2.1\r\n";
  const auto ask = [&](WirePeer& peer, const std::string& more) {
    REQUIRE(peer.send(upgrade_request("/who", more)));
    REQUIRE(peer.until_contains("\r\n\r\n"));
    return peer.received.substr(0, 12);
  };
  const Baseline before = server.baseline();
  {
    WirePeer first(server);
    CHECK(ask(first, from) == "HTTP/1.1 101");
    CHECK(peer_seen == "192.0.2.1:0");
    CHECK(asked_by == "192.0.2.1:0");
    WirePeer second(server);
    CHECK(ask(second, from) == "HTTP/1.1 429");
    CHECK(server.rejects(ws::Errc::ip_connections) == 1);
    CHECK(server.log.back().find(" peer=192.0.2.1:0 ") != std::string::npos);
    WirePeer secure(server);
    CHECK(ask(secure,
              "X-Forwarded-Proto: https\r\nX-Forwarded-Host: example.com\r\n"
              "Origin: https://example.com\r\n") == "HTTP/1.1 101");
    WirePeer insecure(server);
    CHECK(ask(insecure,
              "X-Forwarded-Proto: https\r\nX-Forwarded-Host: example.com\r\n"
              "Origin: http://example.com\r\n") == "HTTP/1.1 403");
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

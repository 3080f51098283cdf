// SPDX-License-Identifier: MIT
//
// Sections A, C and D of the catalogue of bad inputs, over a real socket: request heads and opening
// handshakes, and the exact answer they get. The number in front of each row is the catalogue's.
// Deadlines and failing system calls are in tests/sim.

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "net/base/poison.h"
#include "net/socket.h"
#include "tests/support/late_closing.h"
#include "tests/support/refused.h"
#include "tests/support/skip.h"
#include "tests/support/wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

// The request of upgrade_request() with one line replaced (or removed, if `with` is empty).
std::string replaced(std::string_view line_start, std::string_view with) {
  std::string request = upgrade_request();
  const std::size_t begin = request.find(line_start);
  REQUIRE(begin != std::string::npos);
  const std::size_t end = request.find("\r\n", begin) + 2;
  std::string line(with);
  if (!line.empty()) line += "\r\n";
  return request.replace(begin, end - begin, line);
}

// Field lines of different names that are one to a hash that multiplies by 33 and adds, as the most
// common of the simple ones does: 33 * 'E' + 'z' == 33 * 'F' + 'Y'.
std::string colliding_fields(unsigned count) {
  std::string fields;
  for (unsigned i = 0; i < count; ++i) {
    for (unsigned bit = 0; bit < 11; ++bit) fields += (i >> bit & 1) != 0 ? "FY" : "Ez";
    fields += ": y\r\n";
  }
  return fields;
}

}  // namespace

TEST_CASE("a valid head in segments of one byte (A 10)") {
  // That the work grows with the bytes and not with the segments: tests/test_net_stream.cc.
  WireServer server({}, {}, plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    for (const char byte : upgrade_request()) REQUIRE(peer.send({&byte, 1}));
    REQUIRE(peer.until_contains("\r\n\r\n"));
    CHECK(peer.received.starts_with("HTTP/1.1 101 "));
  }
  REQUIRE(server.settle());
  CHECK(server.opened == 1);
  CHECK(server.all_rejects() == 0);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

TEST_CASE("connections that end before they ask for anything (A 2-4)") {
  WireServer server({}, {}, plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    peer.finish_sending();
    REQUIRE(peer.until_end());
    CHECK(peer.received.empty());
    REQUIRE(server.settle());
    REQUIRE(server.debug_log.size() == 1);
    CHECK(server.debug_log[0].starts_with("lvl=debug ev=silent peer=127.0.0.1:"));
  }
  {
    WirePeer peer(server);
    peer.reset();
  }
  {
    WirePeer peer(server);
    REQUIRE(peer.send("GET / HT"));
    REQUIRE(server.until([&] { return server.server.http_connection_count() != 0; }));
    peer.reset();
  }
  REQUIRE(server.until([&] { return server.server.metrics().accepted >= 2; }));
  REQUIRE(server.settle());
  CHECK(server.opened == 0);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

TEST_CASE("a lack of descriptors sheds newcomers and keeps those who are there (A 5)") {
#ifdef HILO_ASAN
  HILO_SKIP("UBSan looks at objects through a pipe and takes a lack of descriptors for a fault");
#endif
  await_late_closing();
  WireServer server({}, {}, plain_then_tls());
  WirePeer resident(server);
  REQUIRE(resident.upgrade());
  rlimit limit;
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  std::vector<net::Fd> clients;
  for (int i = 0; i < 20; ++i) {
    Result<net::Fd> fd = net::socket::open_stream(net::Family::ipv4);
    REQUIRE(fd);
    clients.push_back(std::move(*fd));
  }
  const rlimit tight{static_cast<rlim_t>(clients.back().value()) + 4, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  for (const net::Fd& client : clients) {
    CHECK(net::socket::connect(client.value(), server.address).kind != net::Io::Kind::failed);
  }
  REQUIRE(server.until([&] { return server.rejects(Errc::no_descriptors) != 0; }));
  // Who is there is served meanwhile.
  REQUIRE(resident.send(client_frame(0x81, "still here")));
  CHECK(resident.until_received(12));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  clients.clear();
  // And when descriptors are back, so is the listener.
  WirePeer later(server);
  CHECK(later.upgrade());
  CHECK(server.log[0].find("reason=emfile") != std::string::npos);
}

TEST_CASE("a full request, then FIN, is answered and ends as 1006 (A 12)") {
  WireServer server({}, {}, plain_then_tls());
  const Baseline before = server.baseline();
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request()));
  peer.finish_sending();
  REQUIRE(peer.until_end());
  CHECK(peer.received.starts_with("HTTP/1.1 101 "));
  CHECK(peer.received.ends_with("\r\n\r\n"));
  peer.close();
  REQUIRE(server.settle());
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].code == ws::CloseCode::abnormal);
  CHECK(server.all_rejects() == 0);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

TEST_CASE("urgent data does not disturb the stream (A 13)") {
  WireServer server({}, {}, plain_then_tls());
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  const char urgent = '!';
  REQUIRE(::send(peer.fd(), &urgent, 1, MSG_OOB) == 1);
  REQUIRE(peer.send(client_frame(0x81, "after")));
  CHECK(peer.until_contains("after"));
}

TEST_CASE("other protocols on the port (A 15, 17, 18)") {
  check_all_refused(
      nullptr, {
                   {15, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + upgrade_request(), 400,
                    Errc::http_preface},
                   {17, hex("16 03 01 02 00 01 00 01 FC 03 03"), 400, Errc::tls_on_plain},
                   {18, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, Errc::http_version_unsupported},
               });
}

TEST_CASE("request heads that break the grammar (C 38-43)") {
  check_all_refused(
      plain_then_tls(),
      {
          {38, "\r\n\r\n\r\n" + get("/page"), 400, Errc::http_preface},
          {39, std::string(1, '\0') + get("/page"), 400, Errc::http_preface},
          {39, " " + get("/page"), 400, Errc::http_preface},
          {39, "\x01" + get("/page"), 400, Errc::http_preface},
          {40, "GET /page HTTP/1.1\nHost: x\r\n\r\n", 400, Errc::http_line_end},
          {40, "GET /page HTTP/1.1\r\nHost: x\n\r\n", 400, Errc::http_line_end},
          {40, "GET /page HTTP/1.1\rHost: x\r\n\r\n", 400, Errc::http_line_end},
          {41, get("/page", std::string("X: a\0b\r\n", 8)), 400, Errc::http_field_value},
          {41, get("/page", "X: a\x01\r\n"), 400, Errc::http_field_value},
          {41, get("/page", "X: a\x7F\r\n"), 400, Errc::http_field_value},
          {42, "GET /page HTTP/1.1\r\nHost : x\r\n\r\n", 400, Errc::http_field_name},
          {42, get("/page", ": x\r\n"), 400, Errc::http_field_name},
          {42, get("/page", "X: a\r\n b\r\n"), 400, Errc::http_field_name},
          {42, get("/page", "X(Y): z\r\n"), 400, Errc::http_field_name},
          {43, "GET /page HTTP/1.1\r\n\r\n", 400, Errc::http_host},
          {43, get("/page", "Host: 127.0.0.1\r\n"), 400, Errc::http_host},
          {43, "GET /page HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, Errc::http_host},
          {43, "GET /page HTTP/1.1\r\nHost: u@h\r\n\r\n", 400, Errc::http_host},
      });
}

TEST_CASE("heads at the limits and beyond (C 44, 45)") {
  WireServer server({}, {}, plain_then_tls());
  // "GET /... HTTP/1.1" of 8192 bytes is read (that path speaks WebSocket); one byte more is not.
  const std::string longest_target = "/" + std::string(8192 - 14, 'a');
  check_refused(server, {44, get(longest_target), 426, Errc::http_upgrade_required});
  check_refused(server, {44, get(longest_target + "a"), 414, Errc::http_target_too_long});

  const std::string longest_line = "X: " + std::string(8192 - 3, 'v');
  check_served(server, 45, get("/page", longest_line + "\r\n"), 200);
  check_refused(server, {45, get("/page", longest_line + "v\r\n"), 431, Errc::http_field_too_long});

  check_served(server, 45, get("/page", many("X: y\r\n", 99)), 200);
  check_refused(server, {45, get("/page", many("X: y\r\n", 100)), 431, Errc::http_too_many_fields});

  // Field lines of 16,384 bytes with all their line ends are read; one byte more is not.
  const auto line = [](std::size_t bytes) { return "X: " + std::string(bytes - 5, 'v') + "\r\n"; };
  const std::size_t host_bytes = std::string_view("Host: 127.0.0.1\r\n").size();
  const std::size_t rest = 16384 - host_bytes - 8000;
  check_served(server, 45, get("/page", line(8000) + line(rest - 500) + line(500)), 200);
  check_refused(server, {45, get("/page", line(8000) + line(rest - 500) + line(501)), 431,
                         Errc::http_head_too_long});
}

TEST_CASE("methods, versions and targets (C 46-50, 66)") {
  WireServer server({}, {}, plain_then_tls());
  for (const Refused& row : std::vector<Refused>{
           {46, "get /page HTTP/1.1\r\nHost: x\r\n\r\n", 405, Errc::http_method_not_allowed,
            "\r\nAllow: GET"},
           {46, "G@T /page HTTP/1.1\r\nHost: x\r\n\r\n", 400, Errc::http_method},
           {46, std::string(33, 'M') + " /page HTTP/1.1\r\nHost: x\r\n\r\n", 400,
            Errc::http_method},
           {47, "POST" + upgrade_request().substr(3), 405, Errc::upgrade_method, "\r\nAllow: GET"},
           {49, "GET /echo HTTP/1.0" + upgrade_request().substr(18), 400, Errc::http_version},
           {49, "GET /page HTTP/2.0\r\nHost: x\r\n\r\n", 505, Errc::http_version_unsupported},
           {49, "GET /page http/1.1\r\nHost: x\r\n\r\n", 400, Errc::http_version},
           {49, "GET /page HTTP/1.10\r\nHost: x\r\n\r\n", 400, Errc::http_version},
           {49, "GET /page\r\n\r\n", 400, Errc::http_version},
           {50, get("/a b"), 400, Errc::http_target},
           {50, get("/a#b"), 400, Errc::http_target},
           {50, get("/a\x01"), 400, Errc::http_target},
           {50, get("/a\x80"), 400, Errc::http_target},
           {50, get("/%zz"), 400, Errc::http_target},
           {50, get("/%00"), 400, Errc::http_target},
           {66, "CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", 405,
            Errc::http_method_not_allowed},
           {66, "TRACE /page HTTP/1.1\r\nHost: x\r\n\r\n", 405, Errc::http_method_not_allowed},
       }) {
    check_refused(server, row);
  }
  // 48: routed by its path; the address in it is never dialled.
  std::string absolute = upgrade_request();
  absolute.replace(4, 5, "http://10.0.0.1/echo");
  check_served(server, 48, absolute, 101);
  check_served(server, 38, "\r\n" + get("/page"), 200);
}

TEST_CASE("upgrades and bodies, tunnels and lookalikes (C 59-63)") {
  WireServer server({}, {}, plain_then_tls());
  for (const Refused& row : std::vector<Refused>{
           {59, upgrade_request("/echo", "Content-Length: 5\r\n") + "hello", 400,
            Errc::http_framing},
           {59, upgrade_request("/echo", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400,
            Errc::http_framing},
           // 60: check_refused() sends another GET behind each refused head.
           {60, replaced("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426,
            Errc::upgrade_version},
           {63, replaced("Sec-WebSocket-Key", "Sec_WebSocket_Key: dGhlIHNhbXBsZSBub25jZQ=="), 400,
            Errc::upgrade_key},
       }) {
    check_refused(server, row);
  }
  check_served(server, 62,
               get("/page",
                   "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                   "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
               200);
}

TEST_CASE("names that collide cost what others do, and the hundredth is the last (C 64)") {
  // Fields are an array of a hundred, looked through in order: there is no hash to collide in.
  WireServer server({}, {}, plain_then_tls());
  check_served(server, 64, get("/page", colliding_fields(99)), 200);
  check_refused(server, {64, get("/page", colliding_fields(100)), 431, Errc::http_too_many_fields});
  check_refused(server,
                {64, get("/page", colliding_fields(2000)), 431, Errc::http_too_many_fields});
  check_refused(server, {64, get("/page", many("Ab: y\r\n", 5'000) + many("bA: y\r\n", 5'000)), 431,
                         Errc::http_too_many_fields});
}

TEST_CASE("behind the 101 there is no HTTP: 'G' is a frame with FIN 0 and RSV1 (C 61)") {
  WireServer server;
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.send(upgrade_request() + get("/page")));
    REQUIRE(peer.until_end());
    CHECK(peer.received.starts_with("HTTP/1.1 101 "));
    CHECK(peer.received.ends_with("\r\n\r\n" + server_frame(0x88, close_body(1002))));
    CHECK(peer.received.find("a page") == std::string::npos);
  }
  REQUIRE(server.settle());
  CHECK(server.rejects(Errc::frame_rsv) == 1);
  CHECK(server.all_rejects() == 1);
  REQUIRE(server.log.size() == 1);
  CHECK(server.log[0].find(" layer=ws reason=" + std::string(ws::rule(Errc::frame_rsv).label)) !=
        std::string::npos);
  CHECK(server.log[0].find(" code=1002") != std::string::npos);
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].error == Errc::frame_rsv);
  CHECK(server.baseline() == before);
}

TEST_CASE("opening handshakes that are refused (D 67-69, 72-75, 89)") {
  const auto key = [](std::string_view value) {
    return replaced("Sec-WebSocket-Key", "Sec-WebSocket-Key: " + std::string(value));
  };
  const auto version = [](std::string_view value) {
    return replaced("Sec-WebSocket-Version", "Sec-WebSocket-Version: " + std::string(value));
  };
  std::vector<Refused> rows = {
      {67, get("/echo"), 426, Errc::http_upgrade_required, "\r\nUpgrade: websocket\r\n"},
      {68, replaced("Upgrade:", "Upgrade: websockets"), 400, Errc::upgrade_header},
      {68, replaced("Upgrade:", "Upgrade: websocket/13"), 400, Errc::upgrade_header},
      {68, replaced("Upgrade:", "Upgrade:"), 400, Errc::upgrade_header},
      {69, replaced("Connection:", "Connection: keep-alive"), 400, Errc::upgrade_connection},
      {69, replaced("Connection:", ""), 400, Errc::upgrade_connection},
      {72, replaced("Sec-WebSocket-Key", ""), 400, Errc::upgrade_key},
      {72, upgrade_request("/echo", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400,
       Errc::upgrade_key},
      {73, key("dGhlIHNhbXBsZSBub25j"), 400, Errc::upgrade_key},      // 15 bytes
      {73, key("dGhlIHNhbXBsZSBub25jZWE="), 400, Errc::upgrade_key},  // 17 bytes
      {73, key("dGhlIHNhbXBsZSBub25j*Q=="), 400, Errc::upgrade_key},
      {73, key("dGhlIHNhbXBs ZSBub25jZQ=="), 400, Errc::upgrade_key},
      {73, key("dGhlIHNhbXBsZSBub25jZR=="), 400, Errc::upgrade_key},  // pad bits
      {74, replaced("Sec-WebSocket-Version", ""), 426, Errc::upgrade_version},
      {89,
       upgrade_request("/echo",
                       "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
                       "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"),
       400, Errc::upgrade_hixie76},
  };
  for (const std::string_view other : {"0", "7", "8", "14", "25"}) {
    rows.push_back(
        {74, version(other), 426, Errc::upgrade_version, "\r\nSec-WebSocket-Version: 13\r\n"});
  }
  for (const std::string_view malformed : {"13, 8", "013", "+13", "13a"}) {
    rows.push_back({75, version(malformed), 400, Errc::upgrade_version_malformed});
  }
  rows.push_back({75, upgrade_request("/echo", "Sec-WebSocket-Version: 13\r\n"), 400,
                  Errc::upgrade_version_malformed});
  check_all_refused(plain_then_tls(), rows);
}

TEST_CASE("opening handshakes that are right (D 70, 71, 78, 81, 82)") {
  WireServer server({}, {}, plain_then_tls());
  check_served(server, 70, replaced("Connection:", "Connection: keep-alive, UPGRADE"), 101);
  check_served(server, 70, replaced("Upgrade:", "Upgrade: WebSocket"), 101);
  check_served(server, 71, replaced("Connection:", "Connection: Upgrade, Sec-WebSocket-Key"), 101);
  check_served(server, 78, upgrade_request(), 101);
  check_served(server, 81, upgrade_request("/echo", "Sec-WebSocket-Protocol: chat\r\n"), 101);
  check_served(server, 82, upgrade_request("/echo", "Sec-WebSocket-Extensions: constructor\r\n"),
               101);
  check_served(server, 82, upgrade_request("/echo", "Sec-WebSocket-Extensions: x-unknown; a=1\r\n"),
               101);
  for (const std::string& answer : server.log) CHECK(answer.empty());

  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request("/echo",
                                    "Sec-WebSocket-Protocol: chat\r\n"
                                    "Sec-WebSocket-Extensions: permessage-deflate\r\n")));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  CHECK(peer.received ==
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST_CASE("pages of other origins may not connect (D 76, 77)") {
  const auto tls = plain_then_tls();
  const auto from = [](std::string_view origin) {
    std::string line = "Origin: ";
    return upgrade_request("/echo", line.append(origin).append("\r\n"));
  };
  std::vector<Refused> rows;
  for (const std::string_view foreign :
       {"http://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1:8081"}) {
    rows.push_back({76, from(foreign), 403, Errc::upgrade_origin});
  }
  rows.push_back({77,
                  upgrade_request("/echo",
                                  "Origin: http://127.0.0.1\r\n"
                                  "Origin: http://127.0.0.1\r\n"),
                  400, Errc::upgrade_origin_malformed});
  rows.push_back(
      {77, from("http://" + std::string(8000, 'a')), 400, Errc::upgrade_origin_malformed});
  rows.push_back({77, from("http://a\x01"), 400, Errc::http_field_value});
  check_all_refused(tls, rows);

  WireServer same_host({}, {}, tls);
  const std::string_view scheme = tls != nullptr ? "https" : "http";
  check_served(same_host, 76, from(std::string(scheme) + "://127.0.0.1"), 101);

  const std::vector<std::string_view> allowed = {"https://good.com"};
  ws::ServerOptions options;
  options.origin.allow = ws::OriginPolicy::Allow::listed;
  options.origin.list = allowed;
  check_all_refused(tls,
                    {{76, from("https://good.com.evil"), 403, Errc::upgrade_origin},
                     {76, from("http://good.com"), 403, Errc::upgrade_origin},
                     {76, from("https://good.com:444"), 403, Errc::upgrade_origin}},
                    std::move(options));
}

TEST_CASE("subprotocols and extensions that are malformed (D 79-84)") {
  const auto tls = plain_then_tls();
  const auto protocol = [](std::string_view value) {
    std::string line = "Sec-WebSocket-Protocol: ";
    return upgrade_request("/echo", line.append(value).append("\r\n"));
  };
  const auto extensions = [](std::string_view value) {
    std::string line = "Sec-WebSocket-Extensions: ";
    return upgrade_request("/echo", line.append(value).append("\r\n"));
  };
  std::string protocols = "p0";
  for (int i = 1; i < 200; ++i) protocols += ", p" + std::to_string(i);
  std::vector<Refused> rows;
  for (const std::string& value : {std::string("a b"), std::string(","), std::string("a, a"),
                                   protocols, "b" + std::string(4000, ' ') + "x"}) {
    rows.push_back({79, protocol(value), 400, Errc::upgrade_protocol_malformed});
  }
  for (const std::string& value : {std::string(";a"), std::string("a;=1"), std::string("a=\"x"),
                                   "a;b=\"" + many("\\c", 4080)}) {
    rows.push_back({83, extensions(value), 400, Errc::upgrade_extensions_malformed});
  }
  rows.push_back({84, extensions("a" + many(", a", 16)), 400, Errc::upgrade_extensions_too_many});
  check_all_refused(tls, rows);

  ws::ServerOptions options;
  options.subprotocols = {"chat"};
  options.subprotocol_required = true;
  check_all_refused(tls,
                    {{81, protocol("other"), 400, Errc::upgrade_protocol_required},
                     {81, upgrade_request(), 400, Errc::upgrade_protocol_required}},
                    std::move(options));
}

TEST_CASE("paths are compared as they come (D 86)") {
  WireServer server(WireServer::ExactPaths{});
  check_served(server, 86, upgrade_request("/mute"), 101);
  for (const std::string_view path :
       {"/unknown", "//mute", "/x/../mute", "/./mute", "/%6Dute", "/%2e/mute", "/mute/", "/MUTE"}) {
    check_refused(server, {86, upgrade_request(path), 404, Errc::http_not_found});
    check_refused(server, {86, get(path), 404, Errc::http_not_found});
  }
}

TEST_CASE("frames glued to the head are handled behind the 101 (D 91)") {
  WireServer server({}, {}, plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(
        peer.send(upgrade_request() + client_frame(0x81, "early") + client_frame(0x89, "bird")));
    REQUIRE(peer.until_contains("bird"));
    CHECK(peer.received.ends_with("\r\n\r\n" + server_frame(0x81, "early") +
                                  server_frame(0x8A, "bird")));
  }
  REQUIRE(server.settle());
  CHECK(server.all_rejects() == 0);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

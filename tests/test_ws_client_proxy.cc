// SPDX-License-Identifier: MIT
//
// A client behind proxies: little ones that really connect and pass on, HTTP and SOCKS 5, plain and
// with TLS through them; and ones that answer whatever the test wants.

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls.h"
#include "tests/support/little_proxy.h"
#include "tests/support/raw_server.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/metrics.h"
#include "ws/proxy_tunnel.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

// What a client was told.
struct Caller {
  explicit Caller(net::Loop& loop, const ws::Limits& limits = {})
      : client(loop, {.limits = limits, .log = [this](ws::LogLevel, std::string_view line) {
                        lines.emplace_back(line);
                      }}) {
    client.on_open([this](ws::Connection& c) { opened = c.send_text("hello") == Sent::accepted; })
        .on_message([this](ws::Connection&, ws::Message m) { heard = m.text(); })
        .on_failed([this](std::error_code why) {
          error = why;
          if (client.response() != nullptr) status = client.response()->status;
        });
  }
  using Sent = ws::Sent;
  bool opened = false;
  std::string heard;
  std::error_code error;
  std::uint16_t status = 0;
  std::vector<std::string> lines;
  ws::Client client;
};

std::shared_ptr<const net::tls::ClientContext> trusting_everybody() {
  auto context = net::tls::ClientContext::create({.insecure = true});
  REQUIRE(context);
  return *context;
}

}  // namespace

TEST_CASE("ws and wss go through real proxies of both kinds, with credentials and without") {
  const auto trusting = trusting_everybody();
  for (const bool secure : {false, true}) {
    WireServer server({}, {}, secure ? any_tls_context() : nullptr);
    for (const std::string_view scheme : {"http", "socks5", "socks5h"}) {
      for (const std::string_view credentials : {"", "user:secret@", "us%65r:secret@"}) {
        CAPTURE(secure);
        CAPTURE(scheme);
        CAPTURE(credentials);
        LittleProxy proxy;
        if (!credentials.empty()) proxy.password = "user:secret";
        Caller caller(server.loop);
        const std::string port = std::to_string(server.address.port());
        const std::string url = (secure ? "wss://localhost:" : "ws://localhost:") + port + "/echo";
        const std::string through = proxy.url(scheme, credentials);
        REQUIRE(caller.client.connect({.url = url, .proxy = through, .tls = trusting}));
        REQUIRE(server.until([&] {
          proxy.poll();
          return !caller.heard.empty();
        }));
        CHECK(caller.heard == "hello");
        CHECK(proxy.tunnels == 1);
        // The name is the proxy's to look up.
        if (scheme == "http") {
          CHECK(proxy.asked == "CONNECT localhost:" + port + " HTTP/1.1");
          CHECK(proxy.shown == (credentials.empty() ? "" : "Basic dXNlcjpzZWNyZXQ="));
        } else {
          CHECK(proxy.asked.substr(0, 14) == std::string("\x05\x01\x00\x03\x09localhost", 14));
          CHECK(proxy.shown == proxy.password);
        }
        CHECK(caller.client.connection()->peer().port() == proxy.address.port());
        CHECK((caller.client.connection()->tls() != nullptr) == secure);
        CHECK(caller.lines.empty());
      }
    }
  }
}

TEST_CASE("a megabyte goes through a tunnel and back") {
  WireServer server;
  LittleProxy proxy;
  Caller caller(server.loop);
  const std::string large(1'000'000, 'x');
  caller.client.on_open([&](ws::Connection& c) { c.send_text(large); });
  const std::string through = proxy.url("socks5");
  const std::string url = "ws://" + server.address.to_string() + "/echo";
  REQUIRE(caller.client.connect({.url = url, .proxy = through}));
  REQUIRE(server.until([&] {
    proxy.poll();
    return !caller.heard.empty();
  }));
  CHECK((caller.heard == large));
  CHECK(proxy.asked.substr(0, 8) == std::string("\x05\x01\x00\x01\x7f\x00\x00\x01", 8));
}

TEST_CASE("a proxy that wants credentials tells so, and no line holds those that it got") {
  WireServer server;
  for (const std::string_view scheme : {"http", "socks5"}) {
    for (const std::string_view credentials : {"", "user:wr0ng@"}) {
      CAPTURE(scheme);
      LittleProxy proxy;
      proxy.password = "user:secret";
      Caller caller(server.loop);
      const std::string through = proxy.url(scheme, credentials);
      REQUIRE(caller.client.connect({.url = "ws://example.test/", .proxy = through}));
      REQUIRE(server.until([&] {
        proxy.poll();
        return static_cast<bool>(caller.error);
      }));
      CHECK(caller.error == make_error_code(Errc::proxy_auth));
      CHECK(caller.status == (scheme == "http" ? 407 : 0));
      REQUIRE(caller.lines.size() == 1);
      CHECK(caller.lines[0].find(" reason=proxy_auth ") != std::string::npos);
      CHECK(caller.lines[0].find("wr0ng") == std::string::npos);
      CHECK(proxy.tunnels == 0);
    }
  }
}

namespace {

struct Answered {
  bool socks;
  std::vector<std::string> answers;  // one for each thing that we say
  Errc error;
  std::uint16_t code = 0;
};

std::vector<Answered> wrong_answers() {
  const auto http = [](std::string text) { return std::vector<std::string>{std::move(text)}; };
  const std::string method = hex("05 00");
  const std::string granted = hex("05 00 00 01 7f 00 00 01 00 50");
  return {
      {false, http("HTTP/1.1 407 No\r\n\r\n"), Errc::proxy_auth, 407},
      {false, http("HTTP/1.1 403 No\r\n\r\n"), Errc::proxy_refused, 403},
      {false, http("HTTP/1.1 502 No\r\n\r\n<html>"), Errc::proxy_refused, 502},
      {false, http("HTTP/1.1 101 Switching\r\n\r\n"), Errc::proxy_refused, 101},
      {false, http("HTTP/1.1 302 No\r\nLocation: /\r\n\r\n"), Errc::proxy_refused, 302},
      {false, http("HTTP/2 200 Yes\r\n\r\n"), Errc::proxy_response},
      {false, http("SSH-2.0-x\r\n"), Errc::proxy_response},
      {false, http("HTTP/1.1 200 Yes\r\nX: " + std::string(20'000, 'x')), Errc::proxy_response},
      {false, http("HTTP/1.1 200 Yes\r\n\r\nHTTP/1.1 101 Early\r\n"), Errc::proxy_response},
      {true, {hex("05 ff")}, Errc::proxy_auth},
      {true, {hex("05 01")}, Errc::proxy_response},
      {true, {hex("05 02")}, Errc::proxy_response},  // it was not offered
      {true, {hex("04 00")}, Errc::proxy_response},
      {true, {"HTTP/1.1 400 What\r\n\r\n"}, Errc::proxy_response},
      {true, {method, hex("05 01")}, Errc::proxy_refused, 1},
      {true, {method, hex("05 05 00 01 00 00 00 00 00 00")}, Errc::proxy_refused, 5},
      {true, {method, hex("05 ff")}, Errc::proxy_refused, 255},
      {true, {method, hex("04 00 00 01 7f")}, Errc::proxy_response},
      {true, {method, hex("05 00 01 01 7f 00 00 01 00 50")}, Errc::proxy_response},
      {true, {method, hex("05 00 00 02 7f 00 00 01 00 50")}, Errc::proxy_response},
      {true, {method, granted + "early"}, Errc::proxy_response},
  };
}

}  // namespace

TEST_CASE("what a proxy may not answer, whole and byte by byte") {
  for (const Answered& row : wrong_answers()) {
    for (const bool byte_by_byte : {false, true}) {
      CAPTURE(row.answers.back().substr(0, 40));
      CAPTURE(byte_by_byte);
      net::Loop loop;
      RawServer proxy;
      Caller caller(loop);
      const std::string through = (row.socks ? "socks5://" : "http://") + proxy.address.to_string();
      REQUIRE(caller.client.connect({.url = "ws://example.test/", .proxy = through}));
      std::string said;
      for (const std::string& answer : row.answers) {
        REQUIRE(turn_until(loop, [&] {
          proxy.poll();
          return !proxy.received.empty();
        }));
        said = std::exchange(proxy.received, {});
        for (std::size_t i = 0; byte_by_byte && i + 1 < answer.size() && i < 60; ++i) {
          proxy.send(answer.substr(i, 1));
          REQUIRE(loop.run_once(net::Duration{}));
        }
        proxy.send(byte_by_byte ? answer.substr(std::min<std::size_t>(answer.size() - 1, 60))
                                : answer);
      }
      // Bytes behind a good answer that came apart from it are the server's, who may not be first.
      const bool is_late = byte_by_byte && row.answers.back().ends_with("early");
      const bool is_later = byte_by_byte && row.answers.back().ends_with("Early\r\n");
      if (is_late || is_later) continue;
      REQUIRE(turn_until(loop, [&] { return static_cast<bool>(caller.error); }));
      CHECK(caller.error == make_error_code(row.error));
      CHECK(caller.status == (row.socks ? 0 : row.code));
      REQUIRE(caller.lines.size() == 1);
      CAPTURE(caller.lines[0]);
      CHECK(caller.lines[0].find(" reason=" + std::string(ws::rule(row.error).label) + ' ') !=
            std::string::npos);
      CHECK(caller.lines[0].find(" peer=" + proxy.address.to_string() + ' ') != std::string::npos);
      CHECK(caller.lines[0].find(" bytes_in=0 ") == std::string::npos);
      CHECK(caller.lines[0].ends_with(" code=" + std::to_string(row.code)));
      CHECK(caller.client.metrics().rejects[static_cast<std::size_t>(row.error)] == 1);
      settle(loop);
      proxy.poll();
      CHECK(proxy.received.empty());
      CHECK(loop.watched_count() == 0);
      CHECK(loop.timers().armed_count() == 0);
      CHECK(loop.pool().taken_bytes() == 0);
    }
  }
}

TEST_CASE("a proxy that is not there, hangs up, resets or says nothing") {
  net::Loop loop;
  ws::Limits limits;
  limits.connect_timeout = net::Duration::milliseconds(30);
  std::string nobody;
  {
    RawServer gone;
    nobody = "socks5://" + gone.address.to_string();
  }
  Caller refused(loop);
  REQUIRE(refused.client.connect({.url = "ws://example.test/", .proxy = nobody}));
  REQUIRE(turn_until(loop, [&] { return static_cast<bool>(refused.error); }));
  CHECK(refused.error == std::errc::connection_refused);

  for (const std::string_view how : {"hangs up", "resets", "says nothing"}) {
    CAPTURE(how);
    RawServer proxy;
    Caller caller(loop, how == "says nothing" ? limits : ws::Limits{});
    const std::string through = "http://" + proxy.address.to_string();
    REQUIRE(caller.client.connect({.url = "ws://example.test/", .proxy = through}));
    REQUIRE(
        turn_until(loop, [&] { return proxy.take_request() || static_cast<bool>(caller.error); }));
    if (how == "hangs up") proxy.finish_sending();
    if (how == "resets") proxy.reset();
    REQUIRE(turn_until(loop, [&] { return static_cast<bool>(caller.error); }));
    if (how == "hangs up") CHECK(caller.error == std::errc::connection_aborted);
    if (how == "resets") CHECK(caller.error == std::errc::connection_reset);
    if (how == "says nothing") CHECK(caller.error == make_error_code(Errc::response_timeout));
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
  }
}

TEST_CASE("a client may go, or give up, in the midst of a proxy's answer") {
  for (const bool destroyed : {false, true}) {
    net::Loop loop;
    RawServer proxy;
    auto caller = std::make_unique<Caller>(loop);
    const std::string through = "socks5://" + proxy.address.to_string();
    REQUIRE(caller->client.connect({.url = "ws://example.test/", .proxy = through}));
    REQUIRE(turn_until(loop, [&] {
      proxy.poll();
      return !proxy.received.empty();
    }));
    proxy.send("\x05");
    REQUIRE(loop.run_once(net::Duration{}));
    if (destroyed) {
      caller.reset();
    } else {
      caller->client.abort();
      REQUIRE(turn_until(loop, [&] { return static_cast<bool>(caller->error); }));
      CHECK(caller->error == std::errc::operation_canceled);
      CHECK(caller->lines.empty());
    }
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
  }
}

TEST_CASE("proxies that cannot be are refused before anything is started (E 105)") {
  net::Loop loop;
  Caller caller(loop);
  const auto refused = [&](std::string_view proxy, std::string_view url = "ws://example.test/") {
    const Status status = caller.client.connect({.url = url, .proxy = proxy});
    REQUIRE_FALSE(status);
    CHECK(loop.watched_count() == 0);
    return status.error();
  };
  for (const std::string_view url :
       {"proxy:3128", "https://proxy", "socks4://proxy", "http://", "http://a b",
        "http://a\r\nX: y", "http://proxy/path", "http://proxy?x", "http://a@b@c",
        "http://u%zz@proxy", "socks5://:1", "http://proxy:0", "http://proxy:65536",
        "http://u/@proxy"}) {
    CAPTURE(url);
    CHECK(refused(url) == make_error_code(Errc::proxy_url));
  }
  const auto argument = make_error_code(Errc::argument);
  CHECK(refused("http://a%0d%0aX:y@proxy") == argument);
  CHECK(refused("http://a%3ab:c@proxy") == argument);
  CHECK(refused("socks5://" + std::string(256, 'u') + "@proxy") == argument);
  CHECK(refused("socks5://u:" + std::string(256, 'p') + "@proxy") == argument);
  CHECK(refused("socks5://:secret@proxy") == argument);
  CHECK(refused("http://proxy", "ws+unix:///tmp/socket") == argument);
}

TEST_CASE("the words of both protocols are those of their RFCs") {
  const auto begun = [](ws::ProxyUrl::Scheme scheme, std::string_view host, std::uint16_t port,
                        const ws::Credentials& credentials) {
    ws::ProxyTunnel tunnel;
    REQUIRE(tunnel.begin(scheme, host, port, credentials));
    std::string all = tunnel.take_output();
    if (scheme == ws::ProxyUrl::Scheme::socks5) {
      const bool asked = !credentials.empty();
      tunnel.feed(as_bytes(hex(asked ? "05 02" : "05 00")));
      all += "|" + tunnel.take_output();
      if (asked) tunnel.feed(as_bytes(hex("01 00")));
      if (asked) all += "|" + tunnel.take_output();
    }
    return all;
  };
  constexpr auto http = ws::ProxyUrl::Scheme::http;
  constexpr auto socks = ws::ProxyUrl::Scheme::socks5;
  CHECK(begun(http, "example.com", 443, {}) ==
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
  CHECK(begun(http, "2001:db8::1", 80, {"Aladdin", "open sesame"}) ==
        "CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n"
        "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
  CHECK(begun(socks, "a.b", 443, {}) ==
        hex("05 01 00") + "|" + hex("05 01 00 03 03") + "a.b" + hex("01 bb"));
  CHECK(begun(socks, "192.0.2.7", 80, {}) ==
        hex("05 01 00") + "|" + hex("05 01 00 01 c0 00 02 07 00 50"));
  CHECK(begun(socks, "2001:db8::1", 9001, {"u", "pw"}) ==
        hex("05 02 00 02") + "|" + hex("01 01") + "u" + hex("02") + "pw" + "|" +
            hex("05 01 00 04 20010db8000000000000000000000001 2329"));
}

TEST_CASE("whatever address a SOCKS proxy tells is read to its end, whole and byte by byte") {
  const std::string name = hex("03 ff") + std::string(255, 'n');
  for (const std::string& address :
       {hex("01 7f000001"), hex("04 20010db8000000000000000000000001"), hex("03 01") + "n", name}) {
    for (const bool byte_by_byte : {false, true}) {
      CAPTURE(address.size());
      ws::ProxyTunnel tunnel;
      REQUIRE(tunnel.begin(ws::ProxyUrl::Scheme::socks5, "a.b", 443, {}));
      const std::string all = hex("05 00 05 00 00") + address + hex("01 bb");
      using State = ws::ProxyTunnel::State;
      State state = State::socks_method;
      for (std::size_t i = 0; byte_by_byte && i < all.size() - 1; ++i) {
        state = tunnel.feed(as_bytes(all.substr(i, 1)));
        CHECK(state != State::established);
      }
      state = tunnel.feed(as_bytes(byte_by_byte ? all.substr(all.size() - 1) : all));
      CHECK(state == State::established);
    }
  }
}

TEST_CASE("a failed tunnel stays failed, and a password is answered by its own version") {
  ws::ProxyTunnel tunnel;
  using State = ws::ProxyTunnel::State;
  REQUIRE(tunnel.begin(ws::ProxyUrl::Scheme::socks5, "a.b", 443, {"u", "pw"}));
  CHECK(tunnel.feed(as_bytes(hex("05 02"))) == State::socks_password);
  CHECK(tunnel.feed(as_bytes(hex("05 00"))) == State::failed);
  CHECK(tunnel.feed(as_bytes(hex("01 00"))) == State::failed);
  CHECK_FALSE(ws::ProxyTunnel().begin(ws::ProxyUrl::Scheme::socks5, std::string(256, 'a'), 1, {}));
  CHECK(ws::parse_proxy_url("http://proxy:81/")->port == 81);
}

TEST_CASE("a proxy that answers before it was asked is told all the same") {
  ws::ProxyTunnel tunnel;
  REQUIRE(tunnel.begin(ws::ProxyUrl::Scheme::socks5, "a.b", 443, {"u", "pw"}));
  CHECK(tunnel.take_output() == hex("05 02 00 02"));
  const std::string all = hex("05 02 01 00 05 00 00 01 7f 00 00 01 00 50");
  CHECK(tunnel.feed(as_bytes(all)) == ws::ProxyTunnel::State::established);
  CHECK(tunnel.take_output() ==
        hex("01 01") + "u" + hex("02") + "pw" + hex("05 01 00 03 03") + "a.b" + hex("01 bb"));
}

// SPDX-License-Identifier: MIT
//
// wss: our client against our server, on one loop. What other programs make of it is in
// tests/interop, and section B of the catalogue in test_ws_catalogue_tls.cc.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "net/tls.h"
#include "tests/support/stream_pair.h"
#include "ws/client.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

// An echo with a certificate that nobody vouches for.
struct SecureEcho {
  explicit SecureEcho(net::Loop& loop) : server(loop) {
    server.on_message(
        [](ws::Connection& c, ws::Message m) { CHECK(c.send(m) == ws::Sent::accepted); });
    auto context = net::tls::ServerContext::create({.self_signed = true});
    REQUIRE(context);
    auto bound = server.listen({.host = "127.0.0.1", .tls = *context});
    REQUIRE(bound);
    url = "wss://" + bound->to_string() + "/";
  }
  ws::Server server;
  std::string url;
};

std::shared_ptr<net::tls::ClientContext> trusting_everybody() {
  auto context = net::tls::ClientContext::create({.insecure = true});
  REQUIRE(context);
  return *context;
}

}  // namespace

TEST_CASE("messages of all sizes go over wss and back, whole and in order") {
  net::Loop loop;
  SecureEcho echo(loop);
  std::vector<std::string> sent;
  for (const std::size_t size : {0u, 1u, 125u, 16'000u, 16'384u, 16'385u, 70'000u, 1'000'000u}) {
    sent.emplace_back(size, static_cast<char>('a' + sent.size()));
  }
  std::vector<std::string> received;
  ws::CloseInfo closed;
  bool gone = false;
  ws::Client client{loop};
  client.on_open([&](ws::Connection& c) {
    for (const std::string& text : sent) CHECK(c.send_text(text) == ws::Sent::accepted);
  });
  client.on_message([&](ws::Connection& c, ws::Message m) {
    received.emplace_back(m.text());
    if (received.size() == sent.size()) CHECK(c.close());
  });
  client.on_close([&](ws::Connection&, ws::CloseInfo info) {
    closed = info;
    gone = true;
  });
  REQUIRE(client.connect({.url = echo.url, .tls = trusting_everybody()}));
  REQUIRE(turn_until(loop, [&] { return gone; }));
  CHECK(received == sent);
  CHECK(closed.clean);
  settle(loop);
  CHECK(echo.server.connection_count() == 0);
  CHECK(loop.pool().taken_bytes() == 0);
}

TEST_CASE("a certificate that nobody vouches for is refused, and no request is sent (34)") {
  net::Loop loop;
  SecureEcho echo(loop);
  std::error_code why;
  ws::Client client{loop};
  client.on_open([](ws::Connection&) { FAIL("it was trusted"); });
  client.on_failed([&](std::error_code error) { why = error; });
  REQUIRE(client.connect({.url = echo.url}));
  REQUIRE(turn_until(loop, [&] { return static_cast<bool>(why); }));
  CHECK(why == make_error_code(Errc::tls_verify));
  CHECK(client.metrics().rejects[static_cast<std::size_t>(Errc::tls_verify)] == 1);
  settle(loop);
  const ws::Metrics& metrics = echo.server.metrics();
  CHECK(metrics.upgrades == 0);
  CHECK(metrics.http_requests == 0);
  CHECK(metrics.rejects[static_cast<std::size_t>(Errc::tls_alert)] == 1);
  CHECK(echo.server.http_connection_count() == 0);
}

TEST_CASE("the second connection to a host resumes the session of the first") {
  net::Loop loop;
  SecureEcho echo(loop);
  const auto context = trusting_everybody();
  for (const bool resumed : {false, true}) {
    bool gone = false;
    ws::Client client{loop};
    client.on_open([&](ws::Connection& c) { c.send_text("so that the ticket is read"); });
    client.on_message([&](ws::Connection& c, ws::Message) {
      REQUIRE(c.tls() != nullptr);
      CHECK(c.tls()->resumed() == resumed);
      CHECK(c.tls()->version() == "TLSv1.3");
      CHECK(c.tls()->alpn() == "http/1.1");
      CHECK(c.close());
    });
    client.on_close([&](ws::Connection&, ws::CloseInfo) { gone = true; });
    REQUIRE(client.connect({.url = echo.url, .tls = context}));
    REQUIRE(turn_until(loop, [&] { return gone; }));
  }
}

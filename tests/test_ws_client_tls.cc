// SPDX-License-Identifier: MIT
//
// wss: our client against our server, on one loop, and whom a client does not believe (rows 34 and
// 35 of the catalogue). What other programs make of it is in tests/interop, and the rest of section
// B in test_ws_catalogue_tls.cc.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "net/tls.h"
#include "tests/support/certificate.h"
#include "tests/support/raw_server.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/metrics.h"
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

namespace {

std::shared_ptr<net::tls::ClientContext> trusting(const Certificate& certificate) {
  auto context = net::tls::ClientContext::create({.ca_file = certificate.file()});
  REQUIRE(context);
  return *context;
}

// A server with a certificate that the client does not take.
struct NotBelieved {
  int number;
  std::string_view what;
  const Certificate* shown;
  const Certificate* trusted;
  std::string_view server_name;  // empty: the host of the URL
  Errc error;
  std::string_view why;  // in OpenSSL's words
};

// on_failed with that error, one line, one count, and not a byte of ours but the handshake's.
void check_not_believed(const NotBelieved& row) {
  CAPTURE(row.number);
  CAPTURE(row.what);
  const auto context = trusting(*row.trusted);
  const std::size_t descriptors = open_descriptors();
  {
    net::Loop loop;
    RawServer server(
        true,
        {.server = true, .certificate_file = row.shown->file(), .key_file = row.shown->key_file()});
    std::vector<std::string> lines;
    std::vector<std::error_code> failures;
    std::string why;
    ws::Client client(
        loop, {.log = [&](ws::LogLevel, std::string_view line) { lines.emplace_back(line); }});
    client.on_open([](ws::Connection&) { FAIL_CHECK("it was trusted"); })
        .on_close([](ws::Connection&, ws::CloseInfo) { FAIL_CHECK("it was open"); })
        .on_failed([&](std::error_code error) {
          failures.push_back(error);
          why = client.tls_failure();
        });
    const std::size_t before = open_descriptors();
    const std::string url = server.url();
    REQUIRE(client.connect({.url = url, .tls = context, .tls_server_name = row.server_name}));
    REQUIRE(turn_until(loop, [&] {
      server.poll();
      return !failures.empty() && (server.ended || server.was_reset);
    }));
    settle(loop);
    CHECK(failures == std::vector<std::error_code>{make_error_code(row.error)});
    CHECK(why == row.why);
    CHECK(server.received.empty());
    const ws::Rule rule = ws::rule(row.error);
    REQUIRE(lines.size() == 1);
    CAPTURE(lines[0]);
    CHECK(lines[0].starts_with("lvl=warn ev=reject layer=tls reason=" + std::string(rule.label) +
                               " peer=" + server.address.to_string() + ' '));
    CHECK(client.metrics().rejects[static_cast<std::size_t>(row.error)] == 1);
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
    CHECK(loop.pool().taken_bytes() == 0);
    server.hang_up();
    CHECK(open_descriptors() == before);
  }
  CHECK(open_descriptors() == descriptors);
}

}  // namespace

TEST_CASE("whom a client does not believe hears nothing of it, and the application why (B 34)") {
  const Certificate right("IP:127.0.0.1");
  const Certificate expired("IP:127.0.0.1", {.seconds_left = -3600});
  const Certificate other_name("DNS:other.example");
  const Certificate other_address("IP:192.0.2.1");
  const Certificate wildcard("DNS:*.com");
  const std::string_view mismatch = "hostname mismatch";
  for (const NotBelieved& row : {
           NotBelieved{
               34, "expired", &expired, &expired, {}, Errc::tls_verify, "certificate has expired"},
           NotBelieved{34, "wrong host", &other_name, &other_name, "chat.example", Errc::tls_verify,
                       mismatch},
           NotBelieved{34,
                       "self-signed",
                       &right,
                       &other_name,
                       {},
                       Errc::tls_verify,
                       "self-signed certificate"},
           NotBelieved{34,
                       "another address",
                       &other_address,
                       &other_address,
                       {},
                       Errc::tls_verify,
                       "IP address mismatch"},
           NotBelieved{34, "a wildcard for all of com", &wildcard, &wildcard, "example.com",
                       Errc::tls_verify, mismatch},
       }) {
    check_not_believed(row);
  }
}

TEST_CASE("a chain of 10 MB costs a client no more than its limit (B 35)") {
  const Certificate large("IP:127.0.0.1", {.padding_bytes = 100'000});
  const Certificate trusted("IP:127.0.0.1");
  large.repeat(100);
  check_not_believed(
      {35, "10 MB", &large, &trusted, {}, Errc::tls_handshake, "excessive message size"});
}

TEST_CASE("each side is told whom it speaks with: the host asked for, the subject shown") {
  const Certificate server_certificate("DNS:chat.example", {.common_name = "the server"});
  const Certificate client_certificate("DNS:client.example", {.common_name = "a client"});
  const auto context = net::tls::ServerContext::create(
      {.certificates = {{server_certificate.file(), server_certificate.key_file()}},
       .client_ca_file = client_certificate.file(),
       .client_certificate_required = false});
  REQUIRE(context);
  for (const bool shows : {true, false}) {
    CAPTURE(shows);
    net::Loop loop;
    ws::Server server(loop);
    std::string asked_for;
    std::string subject = "unset";
    server.on_open([&](ws::Connection& c) {
      REQUIRE(c.tls() != nullptr);
      asked_for = c.tls()->server_name();
      subject = c.tls()->peer_subject();
    });
    const auto bound = server.listen({.host = "127.0.0.1", .tls = *context});
    REQUIRE(bound);
    net::tls::ClientOptions options{.ca_file = server_certificate.file()};
    if (shows) options.certificate = {client_certificate.file(), client_certificate.key_file()};
    const auto client_context = net::tls::ClientContext::create(options);
    REQUIRE(client_context);
    ws::Client client(loop);
    std::string server_subject;
    client.on_open([&](ws::Connection& c) { server_subject = c.tls()->peer_subject(); });
    const std::string url = "wss://" + bound->to_string() + "/";
    REQUIRE(
        client.connect({.url = url, .tls = *client_context, .tls_server_name = "chat.example"}));
    REQUIRE(turn_until(loop, [&] { return !server_subject.empty() && subject != "unset"; }));
    CHECK(server_subject == "CN=the server");
    CHECK(asked_for == "chat.example");
    CHECK(subject == (shows ? "CN=a client" : ""));
  }
}

TEST_CASE("a redirection from wss leads to wss, through a handshake with each") {
  const Certificate certificate("IP:127.0.0.1");
  const auto context = net::tls::ServerContext::create(
      {.certificates = {{certificate.file(), certificate.key_file()}}});
  REQUIRE(context);
  net::Loop loop;
  ws::Server there(loop);
  there.on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  const auto bound_there = there.listen({.host = "127.0.0.1", .tls = *context});
  REQUIRE(bound_there);
  ws::Server here(loop);
  for (const auto& [path, scheme] : {std::pair{"/moved", "wss://"}, std::pair{"/down", "ws://"}}) {
    here.get(path, [to = scheme + bound_there->to_string() + "/new"](ws::http::Exchange& exchange) {
      const ws::FieldView location{"Location", to};
      static_cast<void>(exchange.respond(307, "text/plain", "", {&location, 1}));
    });
  }
  const auto bound_here = here.listen({.host = "127.0.0.1", .tls = *context});
  REQUIRE(bound_here);
  std::string outcome;
  ws::Client client(loop);
  client.on_open([](ws::Connection& c) { c.send_text("hello"); })
      .on_message([&](ws::Connection& c, ws::Message m) {
        outcome = std::string(c.path()) + ' ' + std::string(m.text());
      })
      .on_failed([&](std::error_code why) { outcome = why.message(); });
  const auto ask = [&](std::string_view path) {
    outcome.clear();
    const std::string url = "wss://" + bound_here->to_string() + std::string(path);
    REQUIRE(client.connect({.url = url, .redirects_max = 1, .tls = trusting(certificate)}));
    REQUIRE(turn_until(loop, [&] { return !outcome.empty(); }));
    return outcome;
  };
  CHECK(ask("/down") == make_error_code(Errc::redirect_downgrade).message());
  CHECK(ask("/moved") == "/new hello");
  CHECK(there.metrics().upgrades == 1);
}

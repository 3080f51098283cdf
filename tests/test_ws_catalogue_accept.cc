// SPDX-License-Identifier: MIT
//
// Rows of the catalogue about who is let in, and about handshakes that wait for their answer: 8, 9,
// 12, 15, 16, 87, 88, 90 and 91, over real sockets.

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/no_memory.h"
#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

ws::ServerOptions counting_local() {
  ws::ServerOptions options;
  options.count_local = true;
  return options;
}

// One rejection more than before, its label in the one new line of the log.
void check_rejected(WireServer& server, Errc error, std::string_view code) {
  CHECK(server.rejects(error) == 1);
  CHECK(server.all_rejects() == 1);
  REQUIRE(server.log.size() == 1);
  const ws::Rule rule = ws::rule(error);
  CHECK(server.log[0].starts_with("lvl=warn ev=reject layer=" + std::string(to_string(rule.layer)) +
                                  " reason=" + std::string(rule.label) + " peer="));
  CHECK(server.log[0].ends_with(" code=" + std::string(code)));
}

// A newcomer that is turned away gets no byte, not even one of TLS that answers its ClientHello.
void check_closed_without_a_word(WireServer& server, Errc error) {
  WirePeer peer(server, WirePeer::Raw{});
  if (server.speaks_tls) peer.send_raw(TlsEndpoint{{}}.take_wire());
  REQUIRE(peer.until_end());
  CHECK(peer.received.empty());
  check_rejected(server, error, "0");
}

// A second address of the server, for connections that begin with the header of a proxy.
void listen_behind_proxy(WireServer& server) {
  const auto bound = server.server.listen({.host = "127.0.0.1",
                                           .proxy_protocol = true,
                                           .tls = server.speaks_tls ? any_tls_context() : nullptr});
  REQUIRE(bound);
  server.address = *bound;
}

}  // namespace

TEST_CASE("one connection too many from an address is closed without a word, before TLS (8)") {
  ws::Limits limits;
  limits.connections_per_ip_max = 2;
  WireServer server(limits, counting_local(), plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer first(server);
    WirePeer second(server);
    REQUIRE(first.upgrade());
    REQUIRE(second.upgrade());
    check_closed_without_a_word(server, Errc::ip_connections);
    // A place that becomes free is given away again.
    first.reset();
    REQUIRE(server.until([&] { return server.server.connection_count() == 1; }));
    WirePeer fourth(server);
    CHECK(fourth.upgrade());
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("who connects too often in a second is closed without a word (8)") {
  ws::Limits limits;
  limits.handshakes_per_second_max = 1;
  WireServer server(limits, counting_local(), plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer first(server);
    REQUIRE(first.upgrade());
    check_closed_without_a_word(server, Errc::ip_rate);
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("one connection too many in all is told so, over plain HTTP (9)") {
  ws::Limits limits;
  limits.connections_max = 1;
  WireServer server(limits);
  const Baseline before = server.baseline();
  {
    WirePeer first(server);
    REQUIRE(first.upgrade());
    WirePeer second(server);
    REQUIRE(second.send(upgrade_request()));
    REQUIRE(second.until_end());
    CHECK(second.received.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(second.received.find("\r\nRetry-After: 5\r\n") != std::string::npos);
    CHECK(second.received.find("\r\nConnection: close\r\n") != std::string::npos);
    check_rejected(server, Errc::connections_full, "503");
    first.reset();
    REQUIRE(server.until([&] { return server.server.connection_count() == 0; }));
    WirePeer third(server);
    CHECK(third.upgrade());
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("one connection too many in all is closed without a word, over TLS (9)") {
  ws::Limits limits;
  limits.connections_max = 1;
  WireServer server(limits, {}, any_tls_context());
  const Baseline before = server.baseline();
  {
    WirePeer first(server);
    REQUIRE(first.upgrade());
    check_closed_without_a_word(server, Errc::connections_full);
    REQUIRE(first.send(client_frame(0x81, "still here")));
    REQUIRE(first.until_received(12));
    first.reset();
    REQUIRE(server.until([&] { return server.server.connection_count() == 0; }));
    WirePeer third(server);
    CHECK(third.upgrade());
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("the header of a proxy says whose connection it is (16)") {
  WireServer server;
  std::vector<std::string> peers;
  server.server.at("/who").on_open(
      [&](ws::Connection& c) { peers.push_back(c.peer().to_string()); });
  listen_behind_proxy(server);
  const Baseline before = server.baseline();
  const std::string ipv6_header =
      hex("0D0A0D0A000D0A515549540A 21 21 0027 20010DB8000000000000000000000001"
          "20010DB8000000000000000000000002 1234 01BB 050000");
  const std::string local_header = hex("0D0A0D0A000D0A515549540A 20 00 0000");
  for (const std::string& header : {std::string("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"),
                                    ipv6_header, local_header, std::string("PROXY UNKNOWN\r\n")}) {
    WirePeer peer(server);
    // In two pieces at first, and with a frame glued to the end.
    REQUIRE(peer.send(header.substr(0, 5)));
    REQUIRE(peer.send(header.substr(5) + upgrade_request("/who") + client_frame(0x89, "!")));
    REQUIRE(peer.until_contains("\x8A\x01!"));
  }
  REQUIRE(server.settle());
  REQUIRE(peers.size() == 4);
  CHECK(peers[0] == "192.0.2.1:4711");
  CHECK(peers[1] == "[2001:db8::1]:4660");
  CHECK(peers[2].starts_with("127.0.0.1:"));
  CHECK(peers[3].starts_with("127.0.0.1:"));
  CHECK(server.all_rejects() == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE("behind the header of a proxy stands a ClientHello, over TLS (16)") {
  WireServer server({}, {}, any_tls_context());
  std::vector<std::string> peers;
  server.server.at("/who").on_open(
      [&](ws::Connection& c) { peers.push_back(c.peer().to_string()); });
  listen_behind_proxy(server);
  const Baseline before = server.baseline();
  // One after the other, and glued together.
  for (const bool glued : {false, true}) {
    CAPTURE(glued);
    WirePeer peer(server, TlsEndpointOptions{});
    const std::string hello = peer.tls()->take_wire();
    const std::string header = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n";
    REQUIRE(peer.send_raw(glued ? header + hello : header));
    for (int i = 0; i < 10; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
    if (!glued) REQUIRE(peer.send_raw(hello));
    REQUIRE(peer.upgrade("/who"));
    REQUIRE(peer.send(client_frame(0x89, "!")));
    REQUIRE(peer.until_contains("\x8A\x01!"));
  }
  REQUIRE(server.settle());
  CHECK(peers == std::vector<std::string>(2, "192.0.2.1:4711"));
  CHECK(server.all_rejects() == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE("a connection without the proxy's header, or with a wrong one, is closed (16)") {
  for (const std::string& wrong :
       {upgrade_request(), std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
        hex("0D0A0D0A000D0A515549540B"), hex("0D0A0D0A000D0A515549540A 21 41 000C"),
        hex("0D0A0D0A000D0A515549540A 21 11 000B"), hex("0D0A0D0A000D0A515549540A 21 11 FFFF")}) {
    CAPTURE(wrong);
    WireServer server;
    listen_behind_proxy(server);
    const Baseline before = server.baseline();
    {
      WirePeer peer(server);
      REQUIRE(peer.send(wrong));
      REQUIRE(peer.until_end());
      CHECK(peer.received.empty());
    }
    REQUIRE(server.settle());
    check_rejected(server, Errc::proxy_header, "0");
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("a proxy's header that does not come, or stops, ends at the deadline (16)") {
  ws::Limits limits;
  limits.head_timeout = net::Duration::milliseconds(20);
  for (const std::string_view begun : {"", "PROXY TC"}) {
    WireServer server(limits);
    listen_behind_proxy(server);
    const Baseline before = server.baseline();
    {
      WirePeer peer(server);
      REQUIRE(peer.send(begun));
      REQUIRE(peer.until_end());
      CHECK(peer.received.empty());
    }
    check_rejected(server, begun.empty() ? Errc::idle_preface : Errc::proxy_header, "0");
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("limits count the address behind the proxy, and only named proxies may speak (8, 16)") {
  ws::Limits limits;
  limits.connections_per_ip_max = 1;
  WireServer server(limits);
  listen_behind_proxy(server);
  const auto connect = [](WirePeer& peer, std::string_view ip) {
    return peer.send("PROXY TCP4 " + std::string(ip) + " 192.0.2.9 1 2\r\n" + upgrade_request());
  };
  WirePeer first(server);
  WirePeer second(server);
  WirePeer other(server);
  REQUIRE(connect(first, "192.0.2.1"));
  REQUIRE(first.until_contains("HTTP/1.1 101 "));
  static_cast<void>(connect(second, "192.0.2.1"));
  REQUIRE(second.until_end());
  CHECK(second.received.empty());
  CHECK(server.rejects(Errc::ip_connections) == 1);
  REQUIRE(connect(other, "192.0.2.2"));
  CHECK(other.until_contains("HTTP/1.1 101 "));

  ws::ServerOptions options;
  options.trusted_proxies = {*net::AddressRange::parse("10.0.0.0/8")};
  WireServer strict({}, std::move(options));
  listen_behind_proxy(strict);
  WirePeer stranger(strict);
  static_cast<void>(connect(stranger, "192.0.2.1"));
  REQUIRE(stranger.until_end());
  CHECK(stranger.received.empty());
  CHECK(strict.rejects(Errc::proxy_header) == 1);
}

TEST_CASE(
    "a server that drains takes no new WebSockets, and answers pages for the last time (87)") {
  WireServer server({}, {}, plain_then_tls());
  Baseline wanted = server.baseline();
  wanted.descriptors -= 2;  // a server that drains has no listener, and that none in reserve
  wanted.watched -= 1;
  WirePeer newcomer(server);
  WirePeer reader(server);
  WirePeer resident(server);
  REQUIRE(resident.upgrade());
  // Over TLS they are through with the handshake, or it would be the listener that turns them away.
  if (server.speaks_tls) REQUIRE((newcomer.handshake() && reader.handshake()));
  server.server.drain();
  REQUIRE(newcomer.send(upgrade_request()));
  REQUIRE(newcomer.until_end());
  CHECK(newcomer.received.starts_with("HTTP/1.1 503 "));
  CHECK(newcomer.received.find("\r\nRetry-After: 5\r\n") != std::string::npos);
  check_rejected(server, Errc::draining, "503");
  REQUIRE(reader.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(reader.until_end());
  CHECK(reader.received.starts_with("HTTP/1.1 200 "));
  CHECK(reader.received.find("\r\nConnection: close\r\n") != std::string::npos);
  newcomer.close();
  reader.close();
  resident.close();
  REQUIRE(server.settle());
  CHECK(server.baseline() == wanted);
}

TEST_CASE("an answer that does not come, fails or comes twice (88)") {
  ws::Limits limits;
  limits.upgrade_timeout = net::Duration::milliseconds(20);
  WireServer server(limits, {}, plain_then_tls());
  ws::UpgradeId id;
  int gone = 0;
  server.server.at("/never").on_upgrade_later([&](ws::PendingUpgrade& pending) {
    id = pending.id();
    pending.on_gone([&] { ++gone; });
  });
  server.server.at("/throws").on_upgrade_later(
      [](ws::PendingUpgrade&) { throw std::runtime_error("a bug"); });
  server.server.at("/twice").on_upgrade_later([&](ws::PendingUpgrade& pending) {
    CHECK(server.server.reject(pending.id(), {.status = 401, .reason = "no\n"}));
    CHECK_FALSE(server.server.accept(pending.id()));
  });
  const Baseline before = server.baseline();
  const auto check_answer = [&server](std::string_view path, std::string_view status, Errc error) {
    CAPTURE(path);
    server.log.clear();
    WirePeer peer(server);
    CHECK(peer.send(upgrade_request(path)));
    CHECK(peer.until_end());
    CHECK(peer.received.starts_with("HTTP/1.1 " + std::string(status) + " "));
    CHECK(server.rejects(error) == 1);
    const ws::Rule rule = ws::rule(error);
    const std::string line = "lvl=warn ev=reject layer=" + std::string(to_string(rule.layer)) +
                             " reason=" + std::string(rule.label) + " peer=127.0.0.1:";
    REQUIRE(server.log.size() == 1);
    CHECK(server.log[0].starts_with(line));
    CHECK(server.log[0].find(" code=" + std::string(status)) != std::string::npos);
  };
  check_answer("/never", "504", Errc::upgrade_timeout);
  CHECK(gone == 1);
  CHECK_FALSE(server.server.accept(id));
  check_answer("/throws", "500", Errc::handler_threw);
  check_answer("/twice", "401", Errc::upgrade_refused);
  CHECK(server.all_rejects() == 3);
  REQUIRE(server.settle());
  CHECK(server.server.pending_upgrade_count() == 0);
  CHECK(server.opened == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE(
    "a peer that resets while its handshake waits is told of, and accepting it does nothing (90)") {
  WireServer server({}, {}, plain_then_tls());
  std::vector<ws::UpgradeId> ids;
  int opened = 0;
  int gone = 0;
  server.server.at("/later")
      .on_upgrade_later([&](ws::PendingUpgrade& pending) {
        ids.push_back(pending.id());
        pending.on_gone([&] {
          ++gone;
          CHECK_FALSE(server.server.accept(ids.back()));
        });
      })
      .on_open([&](ws::Connection&) { ++opened; });
  const Baseline before = server.baseline();
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request("/later")));
  REQUIRE(server.until([&] { return ids.size() == 1; }));
  peer.reset();
  REQUIRE(server.until([&] { return gone == 1; }));
  CHECK_FALSE(server.server.accept(ids[0]));
  CHECK_FALSE(server.server.reject(ids[0]));
  REQUIRE(server.settle());
  CHECK(opened == 0);
  CHECK(gone == 1);
  CHECK(server.server.pending_upgrade_count() == 0);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);

  // Gone between the answer and its execution.
  WirePeer late(server);
  REQUIRE(late.send(upgrade_request("/later")));
  REQUIRE(server.until([&] { return ids.size() == 2; }));
  late.reset();
  CHECK(server.server.accept(ids[1]));
  REQUIRE(server.settle());
  CHECK(gone == 1);  // who has answered hears no more
  CHECK(server.server.pending_upgrade_count() == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE("a full request, then FIN, is answered late and ends as 1006 (12)") {
  for (const bool refused : {false, true}) {
    CAPTURE(refused);
    WireServer server;
    std::vector<ws::UpgradeId> ids;
    std::vector<ws::CloseCode> ends;
    int opened = 0;
    int gone = 0;
    server.server.at("/later")
        .on_upgrade_later([&](ws::PendingUpgrade& pending) {
          ids.push_back(pending.id());
          pending.on_gone([&] { ++gone; });
        })
        .on_open([&](ws::Connection&) { ++opened; })
        .on_close([&](ws::Connection&, const ws::CloseInfo& info) { ends.push_back(info.code); });
    const Baseline before = server.baseline();
    WirePeer peer(server);
    REQUIRE(peer.send(upgrade_request("/later")));
    peer.finish_sending();
    REQUIRE(server.until([&] { return ids.size() == 1; }));
    for (int i = 0; i < 10; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
    CHECK(gone == 0);
    CHECK((refused ? server.server.reject(ids[0]) : server.server.accept(ids[0])));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CHECK(peer.received.starts_with(refused ? "HTTP/1.1 403 " : "HTTP/1.1 101 "));
    peer.close();
    REQUIRE(server.settle());
    CHECK(opened == (refused ? 0 : 1));
    CHECK(ends == std::vector<ws::CloseCode>(refused ? 0 : 1, ws::CloseCode::abnormal));
    CHECK(server.all_rejects() == (refused ? 1 : 0));
    CHECK(server.server.pending_upgrade_count() == 0);
    CHECK(server.baseline() == before);
  }
}

TEST_CASE(
    "who is let in when there is no memory gets the answer first, or nothing of a WebSocket") {
  int opened = 0;
  int refused = 0;
  for (int blocks = 0; blocks < 12; ++blocks) {
    CAPTURE(blocks);
    WireServer server;
    std::vector<ws::UpgradeId> ids;
    int opened_here = 0;
    server.server.at("/later")
        .on_upgrade_later([&](ws::PendingUpgrade& pending) { ids.push_back(pending.id()); })
        .on_open([&](ws::Connection& c) {
          ++opened_here;
          static_cast<void>(c.send_text("hello"));
        });
    WirePeer peer(server);
    REQUIRE(peer.send(upgrade_request("/later")));
    REQUIRE(server.until([&] { return ids.size() == 1; }));
    server.loop.pool().trim();
    {
      const NoMemory no_memory(blocks);
      CHECK(server.server.accept(ids[0]));
      for (int i = 0; i < 3; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
    }
    REQUIRE(server.until([&] {
      peer.receive();
      return !peer.received.empty() || peer.ended || peer.was_reset;
    }));
    CHECK((opened_here == 1) == peer.received.starts_with("HTTP/1.1 101 "));
    CHECK((opened_here == 1 || peer.received.empty() || peer.received.starts_with("HTTP/1.1 5")));
    opened += opened_here;
    refused += 1 - opened_here;
    peer.close();
    REQUIRE(server.settle());
  }
  CHECK(opened != 0);
  CHECK(refused != 0);
}

TEST_CASE("10,000 frames and FIN behind a handshake that waits are all answered (12, 91)") {
  const std::shared_ptr<net::tls::ServerContext> tls = plain_then_tls();
  WireServer server({}, {}, tls);
  std::vector<ws::UpgradeId> ids;
  std::vector<ws::CloseCode> ends;
  server.server.at("/later")
      .on_upgrade_later([&](ws::PendingUpgrade& pending) { ids.push_back(pending.id()); })
      .on_message([](ws::Connection& c, ws::Message m) { c.send(m); })
      .on_close([&](ws::Connection&, const ws::CloseInfo& info) { ends.push_back(info.code); });
  const Baseline before = server.baseline();
  std::string frames;
  std::string echoes;
  for (int i = 0; i < 10'000; ++i) {
    frames += client_frame(0x82, std::to_string(i));
    echoes += server_frame(0x82, std::to_string(i));
  }
  {
    WirePeer peer(server);
    REQUIRE(peer.send(upgrade_request("/later") + frames));
    peer.finish_sending();
    REQUIRE(server.until([&] { return ids.size() == 1; }));
    for (int i = 0; i < 10; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
    CHECK(peer.received.empty());
    CHECK(server.server.accept(ids[0]));
    REQUIRE(peer.until_end());
    CHECK(peer.received.starts_with("HTTP/1.1 101 "));
    const bool are_all_answered = peer.received.ends_with("\r\n\r\n" + echoes);
    CHECK(are_all_answered);
  }
  REQUIRE(server.settle());
  CHECK(ends == std::vector<ws::CloseCode>{ws::CloseCode::abnormal});
  CHECK(server.all_rejects() == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE("frames that come while the handshake waits are handled behind the 101 (91)") {
  const auto tls = plain_then_tls();
  for (const std::size_t size : {std::size_t{5}, std::size_t{200'000}}) {
    CAPTURE(size);
    WireServer server({}, {}, tls);
    std::vector<ws::UpgradeId> ids;
    bool open_within_accept = false;
    bool accepting = false;
    server.server.at("/later")
        .on_upgrade_later([&](ws::PendingUpgrade& pending) {
          CHECK(pending.request().header("X-Token") == "7");
          ids.push_back(pending.id());
        })
        .on_open([&](ws::Connection& c) {
          open_within_accept = accepting;
          CHECK(c.path() == "/later");
          CHECK(c.subprotocol() == "v2");
          CHECK(c.request().header("x-token") == "7");
        })
        .on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
    const Baseline before = server.baseline();
    {
      WirePeer peer(server);
      const std::string payload(size, 'x');
      REQUIRE(peer.send(
          upgrade_request("/later", "X-Token:   7\r\nSec-WebSocket-Protocol: v1 , v2\r\n") +
          client_frame(0x82, "early")));
      REQUIRE(server.until([&] { return ids.size() == 1; }));
      REQUIRE(peer.send(client_frame(0x82, payload)));
      for (int i = 0; i < 10; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
      CHECK(peer.received.empty());
      accepting = true;
      // The texts of an answer may be anyone's: they are its own.
      std::string subprotocol = "v2";
      CHECK(server.server.accept(
          ids[0], {.subprotocol = subprotocol, .fields = {{"Set-Cookie", std::string(40, 'c')}}}));
      subprotocol = "overwritten";
      accepting = false;
      REQUIRE(peer.until_contains("\r\n\r\n"));
      CHECK(peer.received.starts_with("HTTP/1.1 101 "));
      CHECK(peer.received.find("\r\nSec-WebSocket-Protocol: v2\r\n") != std::string::npos);
      CHECK(peer.received.find("\r\nSet-Cookie: cccc") != std::string::npos);
      REQUIRE(peer.until_contains(server_frame(0x82, payload)));
      CHECK(peer.received.ends_with(server_frame(0x82, "early") + server_frame(0x82, payload)));
      CHECK_FALSE(open_within_accept);
    }
    REQUIRE(server.settle());
    CHECK(server.baseline() == before);
  }
}

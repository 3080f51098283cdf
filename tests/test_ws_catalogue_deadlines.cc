// SPDX-License-Identifier: MIT
//
// The rows of the catalogue that end at a deadline (1, 11, 118, 139, 147, 157) or because the peer
// does not read (14), over real sockets, plain and over TLS, with deadlines of milliseconds. What
// happens at which moment tests/sim tells, by a virtual clock, but without TLS.

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;
using ws::Errc;

namespace {

constexpr net::Duration soon = net::Duration::milliseconds(20);

// One log line, one count, and all as it was before.
void check_books(WireServer& server, Errc error, int code, const Baseline& before) {
  REQUIRE(server.settle());
  CHECK(server.rejects(error) == 1);
  CHECK(server.all_rejects() == 1);
  REQUIRE(server.log.size() == 1);
  const ws::Rule rule = ws::rule(error);
  CHECK(server.log[0].starts_with("lvl=warn ev=reject layer=" + std::string(to_string(rule.layer)) +
                                  " reason=" + std::string(rule.label) + " peer=127.0.0.1:"));
  CHECK(server.log[0].ends_with(" code=" + std::to_string(code)));
  CHECK(server.baseline() == before);
}

struct Deadline {
  int number;
  std::string_view what;
  bool is_open;           // a WebSocket
  std::string first;      // sent at once
  std::string_view drip;  // sent again and again, until the end
  void (*shorten)(ws::Limits&);
  std::string answer;  // what the peer hears begins so
  Errc error;
  int code;
};

void check_deadline(const Deadline& row, std::shared_ptr<net::tls::ServerContext> tls) {
  CAPTURE(row.number);
  CAPTURE(row.what);
  ws::Limits limits;
  row.shorten(limits);
  WireServer server(limits, {}, std::move(tls));
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    if (row.is_open) REQUIRE(peer.upgrade());
    // Over TLS the deadlines of the head count from the end of its handshake.
    if (server.speaks_tls && !row.is_open) REQUIRE(peer.handshake());
    if (!row.first.empty()) REQUIRE(peer.send(row.first));
    int turns = 0;
    REQUIRE(server.until([&] {
      // A turn that takes it, and one that waits: or all of a head would be there in time.
      if (!row.drip.empty() && turns++ % 3 == 0) static_cast<void>(peer.send(row.drip));
      peer.receive();
      return server.all_rejects() != 0;
    }));
    REQUIRE(peer.until_contains(row.answer));
    CAPTURE(server.log.back());
    CHECK(peer.received.starts_with(row.answer));
    if (row.answer.empty()) CHECK(peer.received.empty());
  }
  check_books(server, row.error, row.code, before);
}

const std::string close_1008 = server_frame(0x88, close_body(1008));

const std::vector<Deadline> deadlines = {
    {1, "no byte", false, "", "", [](ws::Limits& limits) { limits.head_timeout = soon; }, "",
     Errc::idle_preface, 0},
    {11, "half a head", false, "GET /page HT", "",
     [](ws::Limits& limits) { limits.head_timeout = soon; }, "HTTP/1.1 408 ", Errc::head_timeout,
     408},
    {11, "a head in drops", false, "GET /page HTTP/1.1\r\nX: ", "x",
     [](ws::Limits& limits) { limits.head_timeout = soon; }, "HTTP/1.1 408 ", Errc::head_timeout,
     408},
    {118, "a payload in drops", true,
     client_frame(0x82, std::string(std::size_t{1} << 20, 'x')).substr(0, 14), "x",
     [](ws::Limits& limits) { limits.message_timeout = soon; }, close_1008, Errc::message_timeout,
     1008},
    {157, "an unfinished message, though pings keep coming", true, client_frame(0x01, "part"), "",
     [](ws::Limits& limits) { limits.message_timeout = soon; }, close_1008, Errc::message_timeout,
     1008},
    {147, "the peer's Close, and no FIN", true, client_frame(0x88, close_body(1000)), "",
     [](ws::Limits& limits) { limits.close_timeout = soon; }, server_frame(0x88, close_body(1000)),
     Errc::close_timeout, 0},
};

}  // namespace

TEST_CASE("peers that take their time are ended at the deadline (1, 11, 118, 147, 157)") {
  const auto tls = plain_then_tls();
  for (const Deadline& row : deadlines) check_deadline(row, tls);
}

TEST_CASE("a ping that is not answered is followed by a Close, and by a reset (139)") {
  ws::Limits limits;
  limits.ping_interval = soon;
  limits.pong_timeout = soon;
  limits.close_timeout = soon;
  WireServer server(limits, {}, plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    REQUIRE(server.until([&] {
      peer.receive();
      return !server.closed.empty();
    }));
    REQUIRE(peer.until_end());
    CHECK(peer.received.starts_with("\x89\x04"));
    CHECK(peer.received.substr(6) == server_frame(0x88, close_body(1011)));
  }
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].code == CloseCode::abnormal);
  CHECK(server.closed[0].error == Errc::ping_timeout);
  CHECK_FALSE(server.closed[0].clean);
  check_books(server, Errc::ping_timeout, 1011, before);
}

TEST_CASE("our Close that is never answered ends with a reset (147)") {
  ws::Limits limits;
  limits.close_timeout = soon;
  WireServer server(limits, {}, plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    server.server.for_each([](ws::Connection& c) { CHECK(c.close(CloseCode::going_away)); });
    REQUIRE(peer.until_end());
    CHECK(peer.received == server_frame(0x88, close_body(1001)));
    CHECK(peer.was_reset);
  }
  REQUIRE(server.settle());
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].code == CloseCode::abnormal);
  check_books(server, Errc::close_timeout, 0, before);
}

TEST_CASE("a peer that does not read is reset when it stalls for too long (14)") {
  ws::Limits limits;
  limits.stall_timeout = soon;
  limits.message_bytes_max = std::size_t{32} << 20;
  WireServer server(limits, {}, plain_then_tls());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server, 4096);
    REQUIRE(peer.upgrade());
    const std::string message(std::size_t{16} << 20, 'm');  // more than kernels buffer
    server.server.for_each(
        [&](ws::Connection& c) { CHECK(c.send_text(message) == ws::Sent::accepted); });
    REQUIRE(server.settle());
    REQUIRE(peer.until_end());
    CHECK(peer.was_reset);
  }
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].code == CloseCode::abnormal);
  CHECK(server.closed[0].error == Errc::write_stalled);
  check_books(server, Errc::write_stalled, 0, before);
}

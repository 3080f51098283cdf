// SPDX-License-Identifier: MIT
//
// Every way in which a connection ends, and what on_close is told of it: once, whoever ended it.

#include <doctest/doctest.h>

#include <csignal>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "net/socket.h"
#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;
using ws::ClosedBy;
using ws::Errc;

namespace {

constexpr net::Duration soon = net::Duration::milliseconds(20);

ws::Limits with(void (*change)(ws::Limits&)) {
  ws::Limits limits;
  change(limits);
  return limits;
}
// For peers that never answer; those that do have all the time there is.
ws::Limits impatient() {
  return with([](ws::Limits& limits) { limits.close_timeout = soon; });
}

struct Told {
  CloseCode code = CloseCode::abnormal;
  ClosedBy by = ClosedBy::network;
  bool clean = false;
  Errc error = Errc::none;
  std::string reason = {};
};

enum class Over : std::uint8_t { both, tls };

struct Way {
  const char* name;
  Told told;
  // What the peer does once it is connected, and what the server is made to do.
  std::function<void(WirePeer&)> peer;
  std::function<void(WireServer&)> server = nullptr;
  ws::Limits limits = {};
  Over over = Over::both;
  std::size_t listeners_closed = 0;
};

void says(WirePeer& peer, std::string_view bytes) {
  static_cast<void>(peer.send(bytes));
}

// TLS's own end, and the socket stays open.
void says_no_more(WirePeer& peer) {
  peer.tls()->close_notify();
  REQUIRE(peer.send_raw(peer.tls()->take_wire()));
}

// Whatever the server has done by then.
void ends(WirePeer& peer) {
  if (peer.tls() != nullptr) {
    peer.tls()->close_notify();
    static_cast<void>(peer.send_raw(peer.tls()->take_wire()));
  }
  static_cast<void>(net::socket::shutdown_write(peer.fd()));
}

std::function<void(WirePeer&)> sends(std::string bytes) {
  return [bytes = std::move(bytes)](WirePeer& peer) { says(peer, bytes); };
}
// The peer sends this, hears the Close, and answers it in its way.
std::function<void(WirePeer&)> answers(std::string answer, std::string bytes = {}) {
  return [answer = std::move(answer), bytes = std::move(bytes)](WirePeer& peer) {
    says(peer, bytes);
    REQUIRE(peer.until_contains("\x88"));
    says(peer, answer);
  };
}
std::function<void(WirePeer&)> goes(std::string bytes = {}) {
  return [bytes = std::move(bytes)](WirePeer& peer) {
    says(peer, bytes);
    REQUIRE(peer.until_contains("\x88"));
    peer.finish_sending();
  };
}
void is_silent(WirePeer&) {}

std::function<void(WireServer&)> with_connection(void (*act)(ws::Connection&)) {
  return [act](WireServer& server) { server.server.for_each(act); };
}
void close_it(ws::Connection& connection) {
  REQUIRE(connection.close(CloseCode::going_away, "enough"));
}

// OpenSSL's own way to the socket beside ours: the kernel's TLS goes with nothing else.
std::shared_ptr<net::tls::ServerContext> kernel_context() {
  std::signal(SIGPIPE, SIG_IGN);
  const auto made = net::tls::ServerContext::create({.self_signed = true, .kernel_tls = true});
  REQUIRE(made);
  return *made;
}

const std::vector<Way> ways = {
    {"the peer's Close with a code and a reason",
     {CloseCode{4000}, ClosedBy::peer, true, Errc::none, "tired"},
     sends(client_frame(0x88, close_body(4000, "tired")))},
    {"the peer's Close without a code",
     {CloseCode::no_status, ClosedBy::peer, true},
     sends(client_frame(0x88, ""))},
    {"FIN without a Close",
     {CloseCode::abnormal, ClosedBy::network, false, Errc::end_without_close},
     [](WirePeer& peer) { peer.finish_sending(); }},
    {"FIN within a frame",
     {CloseCode::abnormal, ClosedBy::network, false, Errc::end_without_close},
     [](WirePeer& peer) {
       says(peer, client_frame(0x81, "half a frame").substr(0, 9));
       peer.finish_sending();
     }},
    {"a FIN beneath TLS, without a close_notify: somebody may have cut the rest",
     {CloseCode::abnormal, ClosedBy::network, false, Errc::end_without_close},
     [](WirePeer& peer) { peer.finish_sending_raw(); },
     nullptr,
     {},
     Over::tls},
    {"a close_notify without a Close, and no FIN",
     {CloseCode::abnormal, ClosedBy::network, false, Errc::end_without_close},
     [](WirePeer& peer) { says_no_more(peer); },
     nullptr,
     {},
     Over::tls},
    {"our Close, answered by a FIN beneath TLS",
     {CloseCode::abnormal, ClosedBy::us, false, Errc::end_without_close},
     [](WirePeer& peer) {
       REQUIRE(peer.until_contains("\x88"));
       peer.finish_sending_raw();
     },
     with_connection(close_it),
     {},
     Over::tls},
    {"a reset", {CloseCode::abnormal, ClosedBy::network}, [](WirePeer& peer) { peer.reset(); }},
    {"our Close, answered: the code is the peer's",
     {CloseCode{4001}, ClosedBy::us, true, Errc::none, "as you like"},
     answers(client_frame(0x88, close_body(4001, "as you like"))),
     with_connection(close_it)},
    {"our Close, answered by FIN alone",
     {CloseCode::abnormal, ClosedBy::us, false, Errc::end_without_close},
     goes(),
     with_connection(close_it)},
    {"our Close, never answered",
     {CloseCode::abnormal, ClosedBy::us, false, Errc::close_timeout},
     is_silent,
     with_connection(close_it),
     impatient()},
    {"our Close, answered by a reset",
     {CloseCode::abnormal, ClosedBy::us},
     [](WirePeer& peer) {
       REQUIRE(peer.until_contains("\x88"));
       peer.reset();
     },
     with_connection(close_it)},
    {"abort()",
     {CloseCode::abnormal, ClosedBy::us},
     is_silent,
     with_connection([](ws::Connection& connection) { connection.abort(); })},
    {"stop()",
     {CloseCode::going_away, ClosedBy::us, true},
     answers(client_frame(0x88, close_body(1001))),
     [](WireServer& server) { server.server.stop(); },
     {},
     Over::both,
     1},
    {"a frame that breaks a rule, answered by FIN",
     {CloseCode::protocol_error, ClosedBy::us, false, Errc::frame_unmasked},
     goes(server_frame(0x81, "no mask"))},
    {"a frame that breaks a rule, answered by a Close alone: nothing more is read",
     {CloseCode::abnormal, ClosedBy::us, false, Errc::frame_unmasked},
     answers(client_frame(0x88, close_body(1002)), server_frame(0x81, "no mask")),
     nullptr,
     impatient()},
    {"text that is not UTF-8",
     {CloseCode::invalid_payload, ClosedBy::us, false, Errc::text_not_utf8},
     goes(client_frame(0x81, "\xff"))},
    {"a message beyond the limit",
     {CloseCode::message_too_big, ClosedBy::us, false, Errc::message_too_big},
     goes(client_frame(0x82, std::string(200, 'm'))),
     nullptr,
     with([](ws::Limits& limits) { limits.message_bytes_max = 100; })},
    {"a message that never ends",
     {CloseCode::policy_violation, ClosedBy::us, false, Errc::message_timeout},
     goes(client_frame(0x01, "to be continued")),
     nullptr,
     with([](ws::Limits& limits) { limits.message_timeout = soon; })},
    {"silence, for too long",
     {CloseCode::going_away, ClosedBy::us, false, Errc::idle_timeout},
     goes(),
     nullptr,
     with([](ws::Limits& limits) { limits.idle_timeout = soon; })},
    {"a life that is over",
     {CloseCode::going_away, ClosedBy::us, true},
     answers(client_frame(0x88, close_body(1001))),
     nullptr,
     with([](ws::Limits& limits) { limits.connection_lifetime_max = soon; })},
};

}  // namespace

namespace {

void check_ways(const std::shared_ptr<net::tls::ServerContext>& tls) {
  for (const Way& way : ways) {
    if (way.over == Over::tls && tls == nullptr) continue;
    CAPTURE(std::string(way.name));
    WireServer server(way.limits, {}, tls);
    Baseline wanted = server.baseline();
    wanted.descriptors -= 2 * way.listeners_closed;  // each has one in reserve
    wanted.watched -= way.listeners_closed;
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    if (way.server != nullptr) way.server(server);
    way.peer(peer);
    // Who answers ends when the server has; who does not would have to be waited for.
    const bool answers = way.limits.close_timeout != soon;
    bool finished = false;
    REQUIRE(server.until([&] {
      if (!server.closed.empty()) return true;
      if (peer.fd() >= 0) peer.receive();
      if (answers && peer.ended && !std::exchange(finished, true)) ends(peer);
      return false;
    }));
    peer.close();
    REQUIRE(server.settle());
    REQUIRE(server.closed.size() == 1);
    const WireServer::Closed& closed = server.closed.front();
    CHECK(closed.code == way.told.code);
    CHECK(closed.by == way.told.by);
    CHECK(closed.clean == way.told.clean);
    CHECK(closed.error == way.told.error);
    CHECK(closed.reason == way.told.reason);
    CHECK(server.baseline() == wanted);
  }
}

}  // namespace

TEST_CASE(
    "each way to end is told once, with its code, its reason, who, and whether it was clean") {
  check_ways(plain_then_tls());
}

TEST_CASE("each way to end is told alike where the kernel may encrypt") {
  check_ways(kernel_context());
}

// SPDX-License-Identifier: MIT
//
// Which of several patterns serves a request, and who is let in (catalogue 47, 66, 85).

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/refused.h"
#include "tests/support/wire.h"
#include "ws/credentials.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;
using ws::Method;
using ws::http::Exchange;

namespace {

// Answers with its own name and what stood in the place of the parameters.
ws::http::Route named(std::string_view name) {
  return [name](Exchange& exchange) {
    std::string text(name);
    for (const std::string_view parameter : {"id", "*"}) {
      if (const auto value = exchange.request().parameter(parameter)) {
        text.append(" ").append(parameter).append("=").append(*value);
      }
    }
    CHECK(exchange.respond(200, "text/plain", text));
  };
}

// The status and the body of the answer, or what Allow says.
std::string ask(WireServer& server, std::string_view method, std::string_view path,
                std::string_view more = {}) {
  WirePeer peer(server);
  REQUIRE(peer.send(std::string(method)
                        .append(" ")
                        .append(path)
                        .append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: ")
                        .append(more.empty() ? "close\r\n" : more)
                        .append("\r\n")));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  const std::string status = peer.received.substr(9, 3);
  if (status == "101") return status;
  REQUIRE(peer.until_end());
  const std::size_t allow = peer.received.find("\r\nAllow: ");
  if (allow != std::string::npos) {
    return status + " " +
           peer.received.substr(allow + 9, peer.received.find("\r\n", allow + 2) - allow - 9);
  }
  return status + " " + peer.received.substr(peer.received.find("\r\n\r\n") + 4);
}

constexpr std::string_view upgrade_fields =
    "Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

}  // namespace

TEST_CASE("of the patterns that fit, the best one that has the method is asked") {
  WireServer server;
  server.server.on(Method::post, "/rooms/new", named("make"))
      .on(Method::get, "/rooms/:id", named("room"))
      .on(Method::put, "/rooms/:id", named("put"))
      .on(Method::get, "/*", named("rest"))
      .on(Method::delete_, "/*", named("delete"));
  CHECK(ask(server, "POST", "/rooms/new") == "200 make");
  CHECK(ask(server, "GET", "/rooms/new") == "200 room id=new");
  CHECK(ask(server, "HEAD", "/rooms/new") == "200 ");
  CHECK(ask(server, "PUT", "/rooms/new") == "200 put id=new");
  CHECK(ask(server, "DELETE", "/rooms/new") == "200 delete *=rooms/new");
  CHECK(ask(server, "GET", "/rooms/7") == "200 room id=7");
  CHECK(ask(server, "GET", "/elsewhere") == "200 rest *=elsewhere");
  // What none of them has names what all of them have.
  const std::string all = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
  CHECK(ask(server, "PATCH", "/rooms/new") == "405 " + all);
  CHECK(ask(server, "OPTIONS", "/rooms/new") == "204 " + all);
  CHECK(ask(server, "CONNECT", "a:80").starts_with("405 "));  // 66
  CHECK(ask(server, "POST", "/rooms/7") == "405 GET, HEAD, PUT, DELETE, OPTIONS");
  CHECK(ask(server, "POST", "/elsewhere") == "405 GET, HEAD, DELETE, OPTIONS");
}

TEST_CASE("a WebSocket's path is its own for GET, and other methods look further") {
  WireServer server;
  server.server.at("/chat").on_message([](ws::Connection&, ws::Message) {});
  server.server.on(Method::get, "/*", named("rest")).on(Method::post, "/*", named("post"));
  CHECK(ask(server, "GET", "/chat", upgrade_fields) == "101");
  CHECK(ask(server, "GET", "/chat").starts_with("426 "));
  CHECK(ask(server, "POST", "/chat") == "200 post *=chat");
  CHECK(ask(server, "POST", "/chat", upgrade_fields).starts_with("405 GET"));  // 47
  CHECK(ask(server, "GET", "/other", upgrade_fields) == "200 rest *=other");
  CHECK(ask(server, "PUT", "/chat") == "405 GET, HEAD, POST, OPTIONS");
}

TEST_CASE("patterns that differ in names alone are refused, and the first one goes on") {
  WireServer server;
  server.server.on(Method::get, "/rooms/:id", named("first"));
  server.server.on(Method::post, "/rooms/:name", named("second"));
  CHECK(server.log.back().find("ev=bad_pattern") != std::string::npos);
  CHECK(ask(server, "GET", "/rooms/7") == "200 first id=7");
  CHECK(ask(server, "POST", "/rooms/7") == "405 GET, HEAD, OPTIONS");
}

TEST_CASE(
    "who shows no credentials or wrong ones is asked for them, who has no right is not (85)") {
  WireServer server;
  const std::string let_in = *ws::basic_authorization({"ada", "secret"});
  const std::string without_right = *ws::basic_authorization({"bob", "secret"});
  server.server.at("/private").on_upgrade([&](const ws::Request& request) -> ws::Decision {
    const std::string_view shown = request.header("Authorization").value_or("");
    if (ws::shows_authorization(shown, let_in)) return ws::Accept{};
    if (ws::shows_authorization(shown, without_right)) return ws::Reject{};
    ws::Reject who;
    who.status = 401;
    who.fields = {{"WWW-Authenticate", "Basic realm=\"here\""}};
    return who;
  });
  const auto showing = [](std::string_view value) {
    return upgrade_request("/private", "Authorization: " + std::string(value) + "\r\n");
  };
  constexpr std::string_view challenge = "\r\nWWW-Authenticate: Basic realm=\"here\"\r\n";
  check_refused(server, {85, upgrade_request("/private"), 401, Errc::upgrade_refused, challenge});
  for (const std::string& wrong :
       {std::string("Basic"), std::string("Basic YWRhOg=="), std::string("Bearer") + &let_in[5],
        let_in + "A", let_in.substr(0, let_in.size() - 1), "Basic" + let_in, "x" + let_in.substr(1),
        *ws::basic_authorization({"Ada", "secret"})}) {
    check_refused(server, {85, showing(wrong), 401, Errc::upgrade_refused, challenge});
  }
  check_refused(server, {85, showing(without_right), 403, Errc::upgrade_refused});
  WirePeer peer(server);
  REQUIRE(peer.send(showing("bASIC" + let_in.substr(5))));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  CHECK(peer.received.starts_with("HTTP/1.1 101 "));
}

TEST_CASE("credentials are what was wanted to the last bit, or they are not") {
  const std::string wanted = "Bearer abcdefgh";
  CHECK(ws::shows_authorization(wanted, wanted));
  CHECK(ws::shows_authorization("bearer abcdefgh", wanted));
  CHECK_FALSE(ws::shows_authorization("", wanted));
  CHECK_FALSE(ws::shows_authorization("", ""));
  CHECK_FALSE(ws::shows_authorization(wanted, ""));
  CHECK_FALSE(ws::shows_authorization(wanted + wanted, wanted));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK_FALSE(ws::shows_authorization(wanted.substr(0, i), wanted));
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string wrong = wanted;
      wrong[i] = static_cast<char>(wrong[i] ^ 1 << bit);
      const bool is_case = i < 6 && bit == 5;
      CHECK(ws::shows_authorization(wrong, wanted) == is_case);
    }
  }
}

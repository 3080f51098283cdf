// SPDX-License-Identifier: MIT
//
// Plain HTTP beside the WebSockets: routes, HEAD, keep-alive, pipelines, refusals, slow readers.
// Answers that come later are in test_ws_http_later.cc, malformed heads in test_ws_catalogue_http.

#include "ws/http.h"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <stdexcept>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/wire.h"
#include "ws/core/http_head.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

std::string request(std::string_view line, std::string_view more = {}) {
  return std::string(line).append("\r\nHost: a\r\n").append(more).append("\r\n");
}
std::string get(std::string_view path, std::string_view more = {}) {
  return request("GET " + std::string(path) + " HTTP/1.1", more);
}

std::string ok(std::string_view body, std::string_view more = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(body);
}
constexpr std::string_view close_line = "Connection: close\r\n";

// Sends `bytes`, wants exactly `answer` and then the end, and everything as it was before.
void check_answered_and_closed(WireServer& server, std::string_view bytes,
                               std::string_view answer) {
  CAPTURE(bytes);
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.send(bytes));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CHECK(peer.received == answer);
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

std::size_t occurrences(std::string_view text, std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string_view::npos;
       at = text.find(piece, at + piece.size())) {
    ++count;
  }
  return count;
}

// A page of more bytes than the kernel holds, and a peer that takes little of it at a time.
constexpr std::size_t large_bytes = 12'000'000;
constexpr int small_receive_buffer = 4096;

void add_large_page(WireServer& server, const std::string& page) {
  server.server.get("/large", [&page](ws::http::Exchange& exchange) {
    CHECK(exchange.respond(200, "text/plain", page));
  });
}

}  // namespace

TEST_CASE("a route sees the request, and its answer arrives with the fields it gave") {
  WireServer server;
  server.server.get("/seen", [](ws::http::Exchange& exchange) {
    const ws::Request& asked = exchange.request();
    CHECK(asked.method() == "GET");
    CHECK(asked.target() == "/seen?x=%20&y");
    CHECK(asked.path() == "/seen");
    CHECK(asked.query() == "x=%20&y");
    CHECK(asked.header("x-A") == "one");
    CHECK_FALSE(asked.header("X-B"));
    CHECK(asked.cookie("k") == "v");
    CHECK(asked.peer().ip() == "127.0.0.1");
    CHECK(asked.head().host.host == "a");
    const ws::FieldView fields[] = {{"Set-Cookie", "k=w"}, {"Cache-Control", "no-store"}};
    CHECK(exchange.respond(201, "text/html", "<p>", fields));
    // Answered is answered.
    CHECK(exchange.respond(500, "text/plain", "twice"));
  });
  WirePeer peer(server);
  REQUIRE(peer.send(get("/seen?x=%20&y", "X-A: one\r\nCookie: k=v\r\n")));
  REQUIRE(peer.until_contains("<p>"));
  CHECK(peer.received ==
        "HTTP/1.1 201 Created\r\nContent-Type: text/html\r\nContent-Length: 3\r\n"
        "Set-Cookie: k=w\r\nCache-Control: no-store\r\n\r\n<p>");
  CHECK(server.server.metrics().http_requests == 1);
  CHECK(server.all_rejects() == 0);
}

TEST_CASE("HEAD gets the head of the page and nothing more") {
  WireServer server;
  WirePeer peer(server);
  REQUIRE(peer.send(request("HEAD /page HTTP/1.1") + get("/page")));
  REQUIRE(peer.until_contains("a page\n"));
  CHECK(peer.received ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\n" +
            ok("a page\n"));
  // An error has no body either, but its length.
  peer.received.clear();
  REQUIRE(peer.send(request("HEAD /mute HTTP/1.1")));
  REQUIRE(peer.until_end());
  CHECK(peer.received.starts_with("HTTP/1.1 426 "));
  CHECK(peer.received.ends_with("\r\n\r\n"));
  CHECK(peer.received.find("\r\nContent-Length: 0\r\n") == std::string::npos);
}

TEST_CASE("requests in one segment are answered in order") {
  WireServer server;
  server.server.get("/n", [](ws::http::Exchange& exchange) {
    CHECK(exchange.respond(200, "text/plain", exchange.request().query()));
  });
  WirePeer peer(server);
  std::string requests;
  std::string answers;
  // More than one turn serves.
  for (int i = 0; i < 1000; ++i) {
    requests += get("/n?" + std::to_string(i));
    answers += ok(std::to_string(i));
  }
  REQUIRE(peer.send(requests));
  REQUIRE(peer.until_received(answers.size()));
  CHECK((peer.received == answers));
  CHECK(server.server.metrics().http_requests == 1000);
  CHECK(server.server.metrics().accepted == 1);
}

TEST_CASE("requests cut anywhere are answered all the same") {
  WireServer server;
  const std::string requests = get("/page") + get("/page", "X-A: b\r\n") + get("/page");
  for (std::size_t cut = 1; cut < requests.size(); cut += 7) {
    CAPTURE(cut);
    WirePeer peer(server);
    REQUIRE(peer.send(requests.substr(0, cut)));
    REQUIRE(server.until([&] { return server.server.http_connection_count() == 1; }));
    REQUIRE(peer.until_received(ok("a page\n").size() * (cut < get("/page").size() ? 0 : 1)));
    REQUIRE(peer.send(requests.substr(cut)));
    REQUIRE(peer.until_received(3 * ok("a page\n").size()));
    CHECK(peer.received == ok("a page\n") + ok("a page\n") + ok("a page\n"));
    peer.close();
    REQUIRE(server.settle());
  }
}

TEST_CASE("the budget of a turn lets others in between") {
  ws::Limits limits;
  limits.requests_per_turn_max = 2;
  WireServer server(limits);
  std::vector<char> order;
  for (const std::string_view path : {"/a", "/b"}) {
    server.server.get(path, [&order](ws::http::Exchange& exchange) {
      order.push_back(exchange.request().path()[1]);
      CHECK(exchange.respond(204, {}, {}));
    });
  }
  WirePeer one(server);
  WirePeer other(server);
  REQUIRE(server.until([&] { return server.server.http_connection_count() == 2; }));
  std::string many_a;
  std::string many_b;
  for (int i = 0; i < 6; ++i) {
    many_a += get("/a");
    many_b += get("/b");
  }
  REQUIRE(::send(one.fd(), many_a.data(), many_a.size(), 0) == static_cast<ssize_t>(many_a.size()));
  REQUIRE(::send(other.fd(), many_b.data(), many_b.size(), 0) ==
          static_cast<ssize_t>(many_b.size()));
  REQUIRE(server.until([&] { return order.size() == 12; }));
  int run = 0;
  int longest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    run = i != 0 && order[i] == order[i - 1] ? run + 1 : 1;
    longest = std::max(longest, run);
  }
  // A budget's worth each, back to back where one turn ends and the next begins.
  CHECK(longest <= 4);
}

TEST_CASE("a budget of none is no limit") {
  ws::Limits limits;
  limits.requests_per_turn_max = 0;
  WireServer server(limits);
  WirePeer peer(server);
  REQUIRE(peer.send(get("/page") + get("/page") + get("/page")));
  REQUIRE(peer.until_received(3 * ok("a page\n").size()));
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection behind the answer") {
  WireServer server;
  const std::string answer = ok("a page\n", close_line);
  check_answered_and_closed(server, request("GET /page HTTP/1.0"), answer);
  check_answered_and_closed(server, get("/page", "Connection: close\r\n"), answer);
  check_answered_and_closed(server, get("/page", "Connection: x, Close\r\n"), answer);
  // What comes behind is not read as HTTP.
  check_answered_and_closed(server, request("GET /page HTTP/1.0") + get("/page"), answer);
  check_answered_and_closed(server, get("/page") + get("/page", "Connection: close\r\n") + "\x01",
                            ok("a page\n") + answer);
}

TEST_CASE("paths that serve nothing, and methods that routes do not have (404, 405, 426)") {
  WireServer server;
  net::Loop& loop = server.loop;
  ws::Server bare(loop);  // without a service of all paths
  bare.get("/only", [](ws::http::Exchange& exchange) {
    CHECK(exchange.respond(200, "text/plain", "here"));
  });
  bare.at("/socket").on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  const auto bound = bare.listen({.host = "127.0.0.1"});
  REQUIRE(bound);
  server.address = *bound;

  struct Row {
    std::string request;
    std::string_view status_line;
    std::string_view line;
    Errc error;
  };
  const Row rows[] = {
      {get("/"), "HTTP/1.1 404 Not Found\r\n", close_line, Errc::http_not_found},
      {get("/only/"), "HTTP/1.1 404 ", close_line, Errc::http_not_found},
      {request("POST /nowhere HTTP/1.1"), "HTTP/1.1 404 ", close_line, Errc::http_not_found},
      {request("POST /only HTTP/1.1"), "HTTP/1.1 405 ", "Allow: GET, HEAD, OPTIONS\r\n",
       Errc::http_method_not_allowed},
      {request("DELETE /socket HTTP/1.1"), "HTTP/1.1 405 ", "Allow: GET, OPTIONS\r\n",
       Errc::http_method_not_allowed},
      {get("/socket"), "HTTP/1.1 426 Upgrade Required\r\n", "Upgrade: websocket\r\n",
       Errc::http_upgrade_required},
  };
  for (const Row& row : rows) {
    CAPTURE(row.request);
    const std::size_t index = static_cast<std::size_t>(row.error);
    const std::uint64_t before = bare.metrics().rejects[index];
    WirePeer peer(server);
    REQUIRE(peer.send(row.request + get("/only")));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CHECK(peer.received.starts_with(row.status_line));
    CHECK(peer.received.find(row.line) != std::string::npos);
    CHECK(occurrences(peer.received, "HTTP/1.1 ") == 1);
    CHECK(bare.metrics().rejects[index] == before + 1);
  }
  CHECK(bare.metrics().http_requests == 0);
}

TEST_CASE("routes by method and with parameters, and what OPTIONS says of them") {
  WireServer server;
  const auto say = [](std::string_view word) {
    return [word](ws::http::Exchange& exchange) {
      std::string text(word);
      for (const std::string_view name : {"room", "*"}) {
        if (const auto value = exchange.request().parameter(name)) text.append(" ").append(*value);
      }
      CHECK(exchange.respond(200, "text/plain", text));
    };
  };
  server.server.get("/rooms/:room", say("get"))
      .put("/rooms/:room", say("put"))
      .del("/rooms/:room", say("del"))
      .post("/rooms", say("post"))
      .on(ws::Method::patch, "/rooms/:room", say("patch"))
      .on(ws::Method::options, "/rooms", say("options"))
      .get("/files/*", say("file"))
      .get("bad pattern", say("never"));
  CHECK(server.log == std::vector<std::string>{"lvl=error ev=bad_pattern"});
  struct Row {
    std::string_view line;
    std::string_view answer_ends;
  };
  const Row rows[] = {
      {"GET /rooms/a%20b?c=d HTTP/1.1", "\r\n\r\nget a%20b"},
      {"PUT /rooms/1 HTTP/1.1", "\r\n\r\nput 1"},
      {"DELETE /rooms/1 HTTP/1.1", "\r\n\r\ndel 1"},
      {"PATCH /rooms/1 HTTP/1.1", "\r\n\r\npatch 1"},
      {"POST /rooms HTTP/1.1", "\r\n\r\npost"},
      {"OPTIONS /rooms HTTP/1.1", "\r\n\r\noptions"},
      {"GET http://example.com/files/a/b HTTP/1.1", "\r\n\r\nfile a/b"},
      {"OPTIONS /rooms/1 HTTP/1.1", "\r\nAllow: GET, HEAD, PUT, PATCH, DELETE, OPTIONS\r\n\r\n"},
      {"OPTIONS * HTTP/1.1", "\r\nAllow: GET, OPTIONS\r\n\r\n"},
      {"HEAD /rooms/1 HTTP/1.1", "\r\nContent-Length: 5\r\n\r\n"},
  };
  // All on one connection.
  WirePeer peer(server);
  for (const Row& row : rows) {
    CAPTURE(row.line);
    peer.received.clear();
    REQUIRE(peer.send(request(row.line)));
    REQUIRE(peer.until_contains(row.answer_ends));
    CHECK(peer.received.ends_with(row.answer_ends));
  }
}

TEST_CASE("a service may stand under a pattern") {
  WireServer server;
  server.server.at("/rooms/:room/live").on_upgrade([](const ws::Request& request) -> ws::Decision {
    if (request.parameter("room") == "7") return ws::Accept{};
    return ws::Reject{.status = 403, .reason = "not this room"};
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/rooms/7/live"));
  WirePeer other(server);
  REQUIRE(other.send(upgrade_request("/rooms/8/live")));
  REQUIRE(other.until_end());
  CHECK(other.received.ends_with("\r\n\r\nnot this room"));
}

TEST_CASE("a path may have a route and a service") {
  WireServer server;
  server.server.get("/both", [](ws::http::Exchange& exchange) {
    CHECK(exchange.respond(200, "text/plain", "page"));
  });
  server.server.at("/both").on_message(
      [](ws::Connection& connection, ws::Message) { connection.send_text("socket"); });
  {
    WirePeer peer(server);
    REQUIRE(peer.send(get("/both")));
    CHECK(peer.until_contains("page"));
  }
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/both"));
  REQUIRE(peer.send(client_frame(0x81, "?")));
  CHECK(peer.until_contains("socket"));
}

TEST_CASE("a route that throws or forgets to answer costs its request a 500") {
  WireServer server;
  server.server.get("/throws", [](ws::http::Exchange&) { throw std::runtime_error("a bug"); })
      .get("/forgets", [](ws::http::Exchange&) {})
      .get("/throws_later",
           [](ws::http::Exchange& exchange) {
             static_cast<void>(exchange.later());
             throw std::runtime_error("before the id was kept");
           })
      .get("/throws_after", [](ws::http::Exchange& exchange) {
        CHECK(exchange.respond(200, "text/plain", "fine"));
        throw std::runtime_error("after the answer");
      });
  for (const std::string_view path : {"/throws", "/forgets", "/throws_later"}) {
    CAPTURE(path);
    const Baseline before = server.baseline();
    {
      WirePeer peer(server);
      REQUIRE(peer.send(get(path) + get("/page")));
      REQUIRE(peer.until_end());
      CHECK(peer.ended);
      CHECK(peer.received.starts_with("HTTP/1.1 500 "));
      CHECK(peer.received.find(close_line) != std::string::npos);
      CHECK(occurrences(peer.received, "HTTP/1.1 ") == 1);
    }
    REQUIRE(server.settle());
    CHECK(server.baseline() == before);
  }
  CHECK(server.log.size() == 2);
  CHECK(server.log.back() == "lvl=error ev=route_threw");

  // What was answered before stays answered, and the connection goes on.
  WirePeer peer(server);
  REQUIRE(peer.send(get("/throws_after") + get("/page")));
  REQUIRE(peer.until_contains("a page\n"));
  CHECK(peer.received == ok("fine") + ok("a page\n"));
}

TEST_CASE("a field that could not be sent is an error of the route's, who may answer again") {
  WireServer server;
  Status forged;
  server.server.get("/forged", [&](ws::http::Exchange& exchange) {
    const ws::FieldView fields[] = {{"X-A", "1\r\nSet-Cookie: evil"}};
    forged = exchange.respond(200, "text/plain", "x", fields);
    if (exchange.request().query() == "again") {
      CHECK(exchange.respond(200, "text/plain", "clean"));
    }
  });
  WirePeer peer(server);
  REQUIRE(peer.send(get("/forged?again") + get("/forged")));
  REQUIRE(peer.until_end());
  REQUIRE_FALSE(forged);
  CHECK(forged.error() == make_error_code(Errc::argument));
  CHECK(peer.received.starts_with(ok("clean") + "HTTP/1.1 500 "));
  CHECK(peer.received.find("evil") == std::string::npos);
}

TEST_CASE("a large page arrives whole at a slow reader, kept alive or not, half-closed or not") {
  const std::string page(large_bytes, 'p');
  for (const std::string_view more : {"", "Connection: close\r\n"}) {
    for (const bool half_closed : {false, true}) {
      CAPTURE(more);
      CAPTURE(half_closed);
      WireServer server;
      add_large_page(server, page);
      const Baseline before = server.baseline();
      {
        WirePeer peer(server, small_receive_buffer);
        REQUIRE(peer.send(get("/large", more)));
        REQUIRE(server.until([&] { return server.server.metrics().http_requests == 1; }));
        if (half_closed) peer.finish_sending();
        // The server has seen all of it before the first byte is read.
        for (int i = 0; i < 5; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
        const std::string answer = ok(page, more);
        REQUIRE(peer.until_received(answer.size()));
        CHECK((peer.received == answer));
        if (half_closed || !more.empty()) {
          REQUIRE(peer.until_end());
          CHECK(peer.ended);
        }
      }
      REQUIRE(server.settle());
      CHECK(server.baseline() == before);
    }
  }
}

TEST_CASE("a peer that asks on and reads nothing is not served more than may wait for it") {
  const std::string page(1'000'000, 'p');
  WireServer server;
  add_large_page(server, page);
  WirePeer peer(server, small_receive_buffer);
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += get("/large");
  peer.may_read = [] { return false; };
  REQUIRE(peer.send(requests));
  for (int i = 0; i < 50; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
  // What the kernel takes (a few megabytes), and one page more.
  CHECK(server.server.metrics().http_requests < 25);
  CHECK(server.loop.pool().taken_bytes() < 4'000'000);
  // All are answered as soon as the peer reads.
  REQUIRE(peer.until_received(50 * ok(page).size()));
  CHECK(server.server.metrics().http_requests == 50);
}

TEST_CASE("after a refusal so much is read and no more") {
  ws::Limits limits;
  limits.linger_bytes_max = 20'000;
  WireServer server(limits);
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.send(request("POST /page HTTP/1.1", "Content-Length: 19000\r\n") +
                      std::string(19'000, 'x')));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CHECK(peer.received.starts_with("HTTP/1.1 405 "));
  }
  REQUIRE(server.settle());
  {
    WirePeer peer(server);
    peer.send(request("POST /page HTTP/1.1", "Content-Length: 9000000\r\n") +
              std::string(9'000'000, 'x'));
    REQUIRE(peer.until_end());
    CHECK(peer.was_reset);
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("a refused peer that leaves is forgotten at once") {
  WireServer server;
  const Baseline before = server.baseline();
  WirePeer peer(server);
  REQUIRE(peer.send(request("POST /page HTTP/1.1")));
  REQUIRE(peer.until_end());
  CHECK(server.server.http_connection_count() == 1);
  peer.close();
  REQUIRE(server.settle());
  CHECK(server.loop.timers().armed_count() == before.timers);
  CHECK(server.baseline() == before);
}

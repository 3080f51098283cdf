// SPDX-License-Identifier: MIT
//
// Request bodies over a real socket: whole and streamed, on connections that go on, and those of
// section C of the catalogue of bad inputs. Deadlines are in tests/sim.

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/refused.h"
#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;
using ws::http::Exchange;

namespace {

std::string post(std::string_view target, std::string_view fields, std::string_view body = {}) {
  return std::string("POST ")
      .append(target)
      .append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n")
      .append(fields)
      .append("\r\n")
      .append(body);
}
std::string sized(std::string_view target, std::string_view body, std::string_view more = {}) {
  return post(target, "Content-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more),
              body);
}
std::string chunked(std::string_view target, std::string_view chunks, std::string_view more = {}) {
  return post(target, "Transfer-Encoding: chunked\r\n" + std::string(more), chunks);
}

// "/whole" answers with what it was sent, "/pieces" with the same, heard in pieces.
// Over plain sockets and, in a second run of the case, over TLS.
struct BodyServer : WireServer {
  explicit BodyServer(const ws::Limits& limits = {}) : WireServer(limits, {}, plain_then_tls()) {
    const auto echo = [](Exchange& exchange) {
      CHECK(exchange.respond(200, "text/plain", as_text(exchange.body())));
    };
    server.post("/whole", echo).put("/whole", echo).post("/small", echo, {.body_bytes_max = 5});
    server.get("/whole", echo);
    server.post("/pieces",
                [this](Exchange& exchange) {
                  heard.clear();
                  exchange.on_body([this](Exchange& now, Bytes piece, bool final) {
                    heard.append(as_text(piece));
                    ++calls;
                    if (final) CHECK(now.respond(200, "text/plain", heard));
                  });
                },
                {.body_bytes_max = 1 << 22, .streamed = true});
  }
  std::string heard;
  int calls = 0;
};

std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string ok_last(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body);
}

}  // namespace

TEST_CASE("bodies are delivered whole, and the pipeline goes on behind them") {
  BodyServer server;
  std::string requests;
  std::string answers;
  for (const std::string_view target : {"/whole", "/pieces"}) {
    requests += sized(target, "hello") +
                chunked(target, "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n") + sized(target, "") +
                get("/page");
    answers += ok("hello") + ok("abcde") + ok("") + ok("a page\n");
  }
  // A GET may have a body, too, which means nothing (RFC 9110 §9.3.1) and is in nobody's way.
  requests += get("/whole", "Content-Length: 3\r\n") + "xyz" + get("/page");
  answers += ok("xyz") + ok("a page\n");
  const Baseline before = server.baseline();
  for (const bool byte_by_byte : {false, true}) {
    CAPTURE(byte_by_byte);
    WirePeer peer(server);
    if (!byte_by_byte) REQUIRE(peer.send(requests));
    for (const char byte : std::string_view(requests).substr(byte_by_byte ? 0 : requests.size())) {
      REQUIRE(peer.send({&byte, 1}));
      REQUIRE(server.until([] { return true; }));
      static_cast<void>(server.loop.run_once({}));
    }
    REQUIRE(peer.until_received(answers.size()));
    CHECK(peer.received == answers);
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
  CHECK(server.log.empty());
}

TEST_CASE("a body that came with its request is heard, wherever the budget of a turn ends") {
  for (const std::uint32_t budget : {1U, 2U}) {
    CAPTURE(budget);
    ws::Limits limits;
    limits.requests_per_turn_max = budget;
    BodyServer server(limits);
    const std::string large(100'000, 'l');
    const std::string requests = get("/page") + sized("/pieces", "hello") + get("/page") +
                                 sized("/pieces", large) + sized("/pieces", "the last");
    const std::string answers =
        ok("a page\n") + ok("hello") + ok("a page\n") + ok(large) + ok_last("the last");
    WirePeer peer(server);
    REQUIRE(peer.send(requests));
    peer.finish_sending();
    REQUIRE(peer.until_end());
    // FIN may be seen behind the last answer only.
    const std::string kept =
        answers.substr(0, answers.find("Connection: close\r\n")) + "\r\nthe last";
    const bool same = peer.received == answers || peer.received == kept;
    CHECK(same);
  }
}

TEST_CASE("who hears a body may let another one hear the rest") {
  BodyServer server;
  std::string heard;
  server.server.post(
      "/relay",
      [&heard](Exchange& exchange) {
        exchange.on_body([&heard, own = std::string(100, 'o')](Exchange& now, Bytes piece, bool) {
          now.on_body([&heard](Exchange& last, Bytes more, bool final) {
            heard += "|" + std::string(as_text(more));
            if (final) CHECK(last.respond(200, "text/plain", heard));
          });
          heard = std::string(as_text(piece)) + own;
        });
      },
      {.streamed = true});
  WirePeer peer(server);
  REQUIRE(peer.send(chunked("/relay", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")));
  const std::string answer = ok("abc" + std::string(100, 'o') + "|de|");
  REQUIRE(peer.until_received(answer.size()));
  CHECK(peer.received == answer);
}

TEST_CASE("a body of the largest size is taken, one byte more is not (413)") {
  BodyServer server;
  const std::string largest(1'000'000, 'b');
  {
    WirePeer peer(server);
    REQUIRE(peer.send(sized("/whole", largest)));
    REQUIRE(peer.until_received(ok(largest).size()));
    CHECK(peer.received == ok(largest));
  }
  REQUIRE(server.settle());
  check_refused(server,
                {0, post("/whole", "Content-Length: 1000001\r\n"), 413, Errc::http_body_too_big});
  check_refused(server, {0, chunked("/whole", "F4241\r\n"), 413, Errc::http_body_too_big});
  check_refused(server, {0, sized("/small", "123456"), 413, Errc::http_body_too_big});
  check_refused(server, {0, chunked("/small", "5\r\n12345\r\n1\r\n6\r\n0\r\n\r\n"), 413,
                         Errc::http_body_too_big});
}

TEST_CASE("a streamed body is not held in memory") {
  BodyServer server;
  const std::size_t bytes = 3 << 20;
  std::size_t taken_max = 0;
  server.server.post("/count",
                     [&, count = std::size_t{0}](Exchange& exchange) mutable {
                       count = 0;
                       exchange.on_body([&](Exchange& now, Bytes piece, bool final) {
                         count += piece.size();
                         taken_max = std::max(taken_max, server.loop.pool().taken_bytes());
                         if (final) CHECK(now.respond(200, "text/plain", std::to_string(count)));
                       });
                     },
                     {.body_bytes_max = bytes, .streamed = true});
  WirePeer peer(server);
  REQUIRE(peer.send(sized("/count", std::string(bytes, 'c')) + get("/page")));
  REQUIRE(peer.until_contains("a page"));
  CHECK(peer.received.starts_with(ok(std::to_string(bytes))));
  CHECK(taken_max < 64 << 10);
}

TEST_CASE("framing by which requests are smuggled (C 51-57)") {
  BodyServer server;
  const std::string chunk = "0\r\n\r\n";
  for (const Refused& row : std::vector<Refused>{
           {51, sized("/whole", "hello", "Transfer-Encoding: chunked\r\n"), 400,
            Errc::http_framing},
           {51, chunked("/whole", chunk, "Content-Length: 5\r\n"), 400, Errc::http_framing},
           {52, sized("/whole", "hello", "Content-Length: 5\r\n"), 400, Errc::http_framing},
           {52, sized("/whole", "hello", "Content-Length: 6\r\n"), 400, Errc::http_framing},
           {52, post("/whole", "Content-Length: 5, 5\r\n", "hello"), 400, Errc::http_framing},
           {53, post("/whole", "Content-Length: +5\r\n", "hello"), 400, Errc::http_framing},
           {53, post("/whole", "Content-Length: -1\r\n"), 400, Errc::http_framing},
           {53, post("/whole", "Content-Length: 0x5\r\n", "hello"), 400, Errc::http_framing},
           {53, post("/whole", "Content-Length:  5 6\r\n", "hello"), 400, Errc::http_framing},
           {53, post("/whole", "Content-Length: 9223372036854775808\r\n"), 400, Errc::http_framing},
           {53, post("/whole", "Content-Length: 18446744073709551616\r\n"), 400,
            Errc::http_framing},
           {54, post("/whole", "Transfer-Encoding: xchunked\r\n", chunk), 501,
            Errc::http_transfer_coding},
           {54, post("/whole", "Transfer-Encoding: chunked, identity\r\n", chunk), 400,
            Errc::http_framing},
           {54, post("/whole", "Transfer-Encoding: identity\r\n", chunk), 400, Errc::http_framing},
           {54, chunked("/whole", chunk, "Transfer-Encoding: chunked\r\n"), 400,
            Errc::http_framing},
           {55, chunked("/whole", "00000000000000001\r\n"), 400, Errc::http_framing},
           {55, chunked("/whole", std::string(60'000, '0')), 400, Errc::http_framing},
           {55, chunked("/whole", "-1\r\n"), 400, Errc::http_framing},
           {55, chunked("/whole", "0x5\r\n"), 400, Errc::http_framing},
           {55, chunked("/whole", "\r\n"), 400, Errc::http_framing},
           {56, chunked("/whole", "5\r\nhelloX"), 400, Errc::http_framing},
           {56, chunked("/whole", "5;" + std::string(8192, 'e')), 400, Errc::http_framing},
           {57, chunked("/whole", "0\r\nX: " + std::string(16384, 't')), 431,
            Errc::http_head_too_long},
           {58, sized("/whole", "hello", "Expect: x\r\n"), 417, Errc::http_expectation},
           {58, sized("/whole", "hello", "Expect: 100-continue, x\r\n"), 417,
            Errc::http_expectation},
           // The rules of framing go before those of the path, and hold for every method.
           {51, sized("/nowhere", "hello", "Transfer-Encoding: chunked\r\n"), 400,
            Errc::http_framing},
           {52, get("/page", "Content-Length: 5, 5\r\n") + "hello", 400, Errc::http_framing},
           // What is refused for its path has its body thrown away, not read as a request.
           {59, sized("/nowhere", get("/page")), 405, Errc::http_method_not_allowed},
           {59, sized("/echo", "hello"), 405, Errc::http_method_not_allowed},
       }) {
    check_refused(server, row);
  }
  // 57: what trailers say of Host and Content-Length is nothing.
  WirePeer peer(server);
  REQUIRE(peer.send(chunked("/whole", "1\r\nx\r\n0\r\nHost: evil\r\nContent-Length: 99\r\n\r\n") +
                    get("/page")));
  REQUIRE(peer.until_contains("a page"));
  CHECK(peer.received == ok("x") + ok("a page\n"));
}

TEST_CASE("a size of 10^5 digits and an extension of a megabyte are refused (C 55, 56)") {
  // Who is refused sends all of it: for the answer to arrive it has to be taken and thrown away.
  BodyServer server({.linger_bytes_max = std::size_t{2} << 20});
  check_refused(server,
                {55, chunked("/whole", std::string(100'000, '0')), 400, Errc::http_framing});
  check_refused(server, {56, chunked("/whole", "5;" + std::string(std::size_t{1} << 20, 'e')), 400,
                         Errc::http_framing});
}

TEST_CASE("who expects 100 hears it before it sends the body (C 58)") {
  BodyServer server;
  constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  for (const std::string_view target : {"/whole", "/pieces"}) {
    CAPTURE(target);
    WirePeer peer(server);
    const std::string request = sized(target, "hello", "Expect: 100-Continue\r\n");
    REQUIRE(peer.send(request.substr(0, request.size() - 5)));
    REQUIRE(peer.until_received(go_on.size()));
    CHECK(peer.received == go_on);
    peer.received.clear();
    REQUIRE(peer.send("hello" + get("/page")));
    REQUIRE(peer.until_contains("a page"));
    CHECK(peer.received == ok("hello") + ok("a page\n"));
    // Who sends at once does not wait for it, and is not told.
    peer.received.clear();
    REQUIRE(peer.send(request));
    REQUIRE(peer.until_contains("hello"));
    CHECK(peer.received == ok("hello"));
  }
  // One that is refused anyway need not send it.
  REQUIRE(server.settle());
  check_refused(server, {58, post("/whole", "Content-Length: 1000001\r\nExpect: 100-continue\r\n"),
                         413, Errc::http_body_too_big});
}

TEST_CASE("an answer before the body was read is the last of its connection") {
  BodyServer server;
  server.server.post(
      "/early", [](Exchange& exchange) { CHECK(exchange.respond(200, "text/plain", "early")); },
      {.streamed = true});
  server.server.post("/midway",
                     [](Exchange& exchange) {
                       exchange.on_body([](Exchange& now, Bytes, bool) {
                         CHECK(now.respond(200, "text/plain", "midway"));
                       });
                     },
                     {.streamed = true});
  const Baseline before = server.baseline();
  for (const std::string_view word : {"early", "midway"}) {
    CAPTURE(word);
    WirePeer peer(server);
    REQUIRE(peer.send(chunked("/" + std::string(word), "5\r\nhello\r\n")));
    REQUIRE(peer.until_contains(word));
    REQUIRE(peer.send("0\r\n\r\n" + get("/page")));
    REQUIRE(peer.until_end());
    CHECK(peer.received.find("Connection: close") != std::string::npos);
    CHECK(peer.received.ends_with(word));
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("answers that come later keep the body until then") {
  BodyServer server;
  ws::http::ExchangeId waiting;
  int gone = 0;
  server.server.post("/later", [&](Exchange& exchange) {
    exchange.on_gone([&] { ++gone; });
    waiting = exchange.later();
  });
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.send(sized("/later", "kept") + get("/page")));
    REQUIRE(server.until([&] { return server.server.exchange(waiting) != nullptr; }));
    Exchange& exchange = *server.server.exchange(waiting);
    CHECK(as_text(exchange.body()) == "kept");
    CHECK(exchange.respond(200, "text/plain", as_text(exchange.body())));
    REQUIRE(peer.until_contains("a page"));
    CHECK(peer.received == ok("kept") + ok("a page\n"));
    // And a peer that goes meanwhile.
    REQUIRE(peer.send(sized("/later", "lost")));
    REQUIRE(server.until([&] { return server.server.exchange(waiting) != nullptr; }));
    peer.reset();
    REQUIRE(server.until([&] { return gone == 1; }));
  }
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("a body that ends before its time is refused, and its route told or never called") {
  BodyServer server;
  int gone = 0;
  bool answers = false;
  server.server.post("/streamed",
                     [&](Exchange& exchange) {
                       exchange.on_gone([&] {
                         ++gone;
                         Exchange* const mine = &exchange;
                         if (answers) CHECK(mine->respond(200, "text/plain", "enough"));
                       });
                       exchange.on_body([](Exchange&, Bytes, bool final) { CHECK_FALSE(final); });
                     },
                     {.streamed = true});
  const Baseline before = server.baseline();
  for (const std::string_view target : {"/whole", "/streamed"}) {
    for (const std::string& request :
         {post(target, "Content-Length: 5\r\n", "hell"), post(target, "Content-Length: 5\r\n"),
          chunked(target, ""), chunked(target, "5\r\nhell"), chunked(target, "4\r\nhell\r\n"),
          chunked(target, "4\r\nhell\r\n0\r\n")}) {
      CAPTURE(request);
      const std::uint64_t counted = server.rejects(Errc::http_body_incomplete);
      server.log.clear();
      {
        WirePeer peer(server);
        REQUIRE(peer.send(request));
        peer.finish_sending();
        REQUIRE(peer.until_end());
        CHECK(peer.ended);
        CHECK(peer.received.starts_with("HTTP/1.1 400 "));
      }
      CHECK(server.rejects(Errc::http_body_incomplete) == counted + 1);
      REQUIRE(server.log.size() == 1);
      CHECK(server.log[0].find("layer=http reason=body_incomplete ") != std::string::npos);
    }
  }
  CHECK(gone == 6);
  CHECK(server.calls == 0);
  // Who hears that the rest will not come may make do with what is there.
  answers = true;
  WirePeer peer(server);
  REQUIRE(peer.send(post("/streamed", "Content-Length: 5\r\n", "hell")));
  peer.finish_sending();
  REQUIRE(peer.until_end());
  CHECK(peer.received == ok_last("enough"));
  peer.close();
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE("routes with a body that throw or forget to answer (500)") {
  BodyServer server;
  server.server.post("/throws", [](Exchange&) { throw std::runtime_error("a bug"); })
      .post("/forgets", [](Exchange&) {})
      .post("/throws_midway",
            [](Exchange& exchange) {
              exchange.on_body([](Exchange&, Bytes, bool) { throw std::runtime_error("a bug"); });
            },
            {.streamed = true})
      .post("/forgets_at_the_end",
            [](Exchange& exchange) { exchange.on_body([](Exchange&, Bytes, bool) {}); },
            {.streamed = true})
      .post("/deaf", [](Exchange&) {}, {.streamed = true});
  for (const std::string_view path :
       {"/throws", "/forgets", "/throws_midway", "/forgets_at_the_end", "/deaf"}) {
    CAPTURE(path);
    WirePeer peer(server);
    REQUIRE(peer.send(sized(path, "hello") + get("/page")));
    REQUIRE(peer.until_end());
    CHECK(peer.received.starts_with("HTTP/1.1 500 "));
    CHECK(peer.received.find("a page") == std::string::npos);
  }
  CHECK(server.settle());
}

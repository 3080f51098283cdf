// SPDX-License-Identifier: MIT
//
// Plain HTTP and time: answers that take long to leave, and long to come.

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "net/clock.h"
#include "tests/sim/world.h"
#include "ws/client.h"
#include "ws/core/http_date.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

std::string get(std::string_view path, std::string_view more = {}) {
  std::string request = "GET ";
  return request.append(path).append(" HTTP/1.1\r\nHost: a\r\n").append(more).append("\r\n");
}

class TextSource final : public ws::http::BodySource {
 public:
  explicit TextSource(std::string_view text) : rest_(as_bytes(text)) {}
  Result<std::size_t> read(MutableBytes into) override {
    const std::size_t taken = std::min(into.size(), rest_.size());
    std::copy_n(rest_.begin(), taken, into.begin());
    rest_ = rest_.subspan(taken);
    return taken;
  }

 private:
  Bytes rest_;
};

// Answers "/large" with a page that fills a peer's inbox many times.
struct Pages {
  explicit Pages(World& w) : world(w), echo(w) {
    echo.server.get("/large", [this](ws::http::Exchange& exchange) {
      CHECK(exchange.respond(200, "text/plain", page));
    });
    echo.server.get("/pieces", [this](ws::http::Exchange& exchange) {
      CHECK(exchange.respond_from(200, "text/plain", page.size(),
                                  std::make_unique<TextSource>(page)));
    });
  }
  Peer ask(std::string_view more, std::string_view path = "/large") {
    Peer peer = Peer::connect(echo.address);
    peer.set_capacity(4096);
    peer.send(get(path, more));
    world.settle();
    return peer;
  }

  World& world;
  std::string page = std::string(100'000, 'p');
  EchoServer echo;
};

}  // namespace

TEST_CASE("a page that takes a minute to leave arrives whole, kept alive or not") {
  for (const std::string_view more : {"", "Connection: close\r\n"}) {
    CAPTURE(more);
    World world;
    Pages pages(world);
    const Baseline before = world.baseline();
    {
      Peer peer = pages.ask(more);
      for (int i = 0; i < 40; ++i) {
        static_cast<void>(peer.received());
        world.run_for(3_s);
      }
      CHECK(peer.received().ends_with("\r\n\r\n" + pages.page));
      CHECK(peer.saw_fin() == !more.empty());
      CHECK_FALSE(peer.saw_reset());
    }
    world.settle();
    CHECK(world.baseline() == before);
    CHECK(pages.echo.server.http_connection_count() == 0);
  }
}

TEST_CASE("a peer that takes nothing of its page is left") {
  for (const std::string_view more : {"", "Connection: close\r\n"}) {
    CAPTURE(more);
    World world;
    Pages pages(world);
    const Baseline before = world.baseline();
    Peer peer = pages.ask(more);
    CHECK(pages.echo.server.http_connection_count() == 1);
    world.run_for(70_s);
    CHECK(pages.echo.server.http_connection_count() == 0);
    CHECK(world.baseline() == before);
  }
}

TEST_CASE("a peer that takes its page slowly is waited for, one that stops taking is left") {
  for (const bool is_slow : {true, false}) {
    CAPTURE(is_slow);
    World world;
    Pages pages(world);
    const Baseline before = world.baseline();
    {
      Peer peer = pages.ask({}, "/pieces");
      // Four thousand bytes each 25 seconds are enough, and bounded only by the page.
      for (int i = 0; is_slow && i < 30; ++i) {
        static_cast<void>(peer.received());
        world.run_for(25_s);
      }
      CHECK(pages.echo.server.http_connection_count() == (is_slow ? 0 : 1));
      world.run_for(29_s);
      CHECK(pages.echo.rejects(ws::Errc::write_stalled) == 0);
      world.run_for(2_s);
      CHECK(pages.echo.rejects(ws::Errc::write_stalled) == (is_slow ? 0 : 1));
      CHECK(peer.saw_reset() == !is_slow);
      if (is_slow) CHECK(peer.received().ends_with("\r\n\r\n" + pages.page));
    }
    world.settle();
    CHECK(world.baseline() == before);
  }
}

TEST_CASE("a body that does not come in time is refused, however busy its peer (408)") {
  struct Row {
    std::string_view framing;
    std::string_view piece;
  };
  for (const Row row :
       {Row{"Content-Length: 1000", "x"}, Row{"Transfer-Encoding: chunked", "1\r\nx\r\n"}}) {
    for (const std::string_view path : {"/whole", "/streamed"}) {
      CAPTURE(path);
      World world;
      EchoServer echo(world);
      int called = 0;
      int gone = 0;
      echo.server.post("/whole", [&](ws::http::Exchange&) { ++called; });
      echo.server.post("/streamed",
                       [&](ws::http::Exchange& exchange) {
                         exchange.on_gone([&] { ++gone; });
                         exchange.on_body([&](ws::http::Exchange&, Bytes, bool) { ++called; });
                       },
                       {.streamed = true});
      const Baseline before = world.baseline();
      Peer peer = Peer::connect(echo.address);
      peer.send("POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" +
                std::string(row.framing) + "\r\n\r\n");
      for (int second = 0; second < 29; ++second) {
        peer.send(row.piece);
        world.run_for(1_s);
      }
      CHECK(peer.received().empty());
      CHECK(echo.rejects(ws::Errc::http_body_timeout) == 0);
      world.run_for(2_s);
      CHECK(peer.received().starts_with("HTTP/1.1 408 "));
      CHECK(echo.rejects(ws::Errc::http_body_timeout) == 1);
      CHECK(echo.all_rejects() == 1);
      CHECK(echo.log.back().find("reason=body_timeout") != std::string::npos);
      CHECK(called == (path == "/streamed" ? 29 : 0));
      CHECK(gone == (path == "/streamed" ? 1 : 0));
      world.run_for(6_s);
      CHECK(peer.saw_fin());
      CHECK(world.baseline() == before);
    }
  }
}

TEST_CASE("answers say what time it is, and the time goes on") {
  World world;
  EchoServer echo(world);
  Peer peer = Peer::connect(echo.address);
  std::int64_t said = 0;
  for (const std::string_view path : {"/page", "/page", "/nothing"}) {
    peer.send(get(path, path == "/nothing" ? "Upgrade: x\r\n" : ""));
    world.settle();
    const std::string answer = peer.take();
    const std::size_t at = answer.find("\r\nDate: ");
    REQUIRE(at != std::string::npos);
    const std::int64_t now = net::clock_wall_milliseconds() / 1000;
    CHECK(ws::parse_http_date(answer.substr(at + 8, 29), now) == now);
    CHECK(said < now);
    said = now;
    world.run_for(2_s);
  }
}

TEST_CASE("a server that stops waits for an answer as long as for a Close, and then says so") {
  World world;
  EchoServer echo(world);
  int gone = 0;
  bool stopped = false;
  echo.server.get("/wait", [&](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.later());
    exchange.on_gone([&] { ++gone; });
  });
  Peer peer = Peer::connect(echo.address);
  peer.send(get("/wait"));
  world.settle();
  world.run_for(100_s);  // on its own it has all the time of the world
  CHECK(gone == 0);
  echo.server.stop(ws::CloseCode::going_away, [&] { stopped = true; });
  world.run_for(4_s);
  CHECK_FALSE(stopped);
  world.run_for(2_s);
  CHECK(stopped);
  CHECK(gone == 1);
  CHECK(echo.server.http_connection_count() == 0);
}

TEST_CASE("how long turns and handshakes take is counted by size") {
  World world;
  EchoServer echo(world);
  echo.server.get("/slow", [&](ws::http::Exchange& exchange) {
    world.network.advance(30_ms);
    CHECK(exchange.respond(200, "text/plain", "late"));
  });
  const auto bucket_of = [](net::Duration time) {
    net::TimeHistogram one;
    one.record(time);
    for (std::size_t i = 0;; ++i) {
      if (one.count(i) != 0) return i;
    }
  };
  CHECK(bucket_of({}) == 0);
  CHECK(bucket_of(100_us) == 0);
  CHECK(bucket_of({100'001}) == 1);
  CHECK(bucket_of(10_s) == net::TimeHistogram::bounds.size() - 1);
  CHECK(bucket_of(11_s) == net::TimeHistogram::bounds.size());

  Peer peer = Peer::connect(echo.address);
  peer.send(get("/slow"));
  world.settle();
  const net::TimeHistogram& lag = world.loop.lag();
  CHECK(lag.count(bucket_of(30_ms)) == 1);
  CHECK(lag.sum().to_milliseconds() == 30);
  CHECK(lag.count(0) > 0);

  // The first one from accept on, a later one from its first byte.
  const std::string request = upgrade_request();
  Peer slow = Peer::connect(echo.address);
  world.run_for(1_s);
  slow.send(request.substr(0, 20));
  world.run_for(2_s);
  slow.send(request.substr(20));
  world.run_for(4_s);
  peer.send(request);
  world.settle();
  const net::TimeHistogram& handshakes = echo.server.metrics().handshake_time;
  CHECK(handshakes.count(bucket_of(3_s)) == 1);
  CHECK(handshakes.count(0) == 1);
  CHECK(handshakes.sum().to_milliseconds() == 3000);
  CHECK(echo.server.census().open == 2);
  CHECK(echo.server.census().http == 0);
}

TEST_CASE("the ends of connections are counted by code and by who ended them") {
  CHECK(ws::close_class(ws::CloseCode::normal) == 0);
  CHECK(ws::close_class(ws::CloseCode::tls_handshake) == 15);
  CHECK(ws::close_class(static_cast<ws::CloseCode>(1016)) == 16);
  CHECK(ws::close_class(static_cast<ws::CloseCode>(999)) == 16);
  CHECK(ws::close_class(static_cast<ws::CloseCode>(3000)) == 17);
  CHECK(ws::close_class(static_cast<ws::CloseCode>(4999)) == 18);
  CHECK(ws::close_class(static_cast<ws::CloseCode>(5000)) == 16);
  World world;
  EchoServer echo(world);
  const ws::Metrics& metrics = echo.server.metrics();
  Peer peer = echo.open_peer();
  peer.send(client_frame(0x88, "\x0f\xa1"));  // 4001
  world.run_for(10_s);
  CHECK(metrics.closes[18][static_cast<std::size_t>(ws::ClosedBy::peer)] == 1);
  echo.open_peer().close();
  world.run_for(10_s);
  CHECK(metrics.closes[6][static_cast<std::size_t>(ws::ClosedBy::network)] == 1);
  CHECK(metrics.closed == 2);
}

TEST_CASE("the time to connect begins with connect(), however long ago the loop has run") {
  World world;
  EchoServer echo(world);
  world.settle();
  world.network.advance(11_s);
  std::string told;
  ws::Client client(world.loop);
  client.on_open([&](ws::Connection&) { told += "open"; })
      .on_close([&](ws::Connection&, ws::CloseInfo) { told += " close"; })
      .on_failed([&](std::error_code) { told += "failed"; });
  const std::string url = "ws://" + echo.address.to_string() + "/";
  REQUIRE(client.connect({.url = url}));
  world.run_for(1_s);
  CHECK(told == "open");
  client.abort();
  world.settle();
}

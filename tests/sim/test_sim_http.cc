// SPDX-License-Identifier: MIT
//
// Plain HTTP and time: answers that take long to leave, and long to come.

#include <doctest/doctest.h>

#include <string>

#include "tests/sim/world.h"
#include "ws/client.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

std::string get(std::string_view path, std::string_view more = {}) {
  std::string request = "GET ";
  return request.append(path).append(" HTTP/1.1\r\nHost: a\r\n").append(more).append("\r\n");
}

// Answers "/large" with a page that fills a peer's inbox many times.
struct Pages {
  explicit Pages(World& w) : world(w), echo(w) {
    echo.server.get("/large", [this](ws::http::Exchange& exchange) {
      CHECK(exchange.respond(200, "text/plain", page));
    });
  }
  Peer ask(std::string_view more) {
    Peer peer = Peer::connect(echo.address);
    peer.set_capacity(4096);
    peer.send(get("/large", more));
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

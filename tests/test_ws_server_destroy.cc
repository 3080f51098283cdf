// SPDX-License-Identifier: MIT
//
// A server that is destroyed from within each of its own callbacks (F33 of the catalogue): the
// callback goes on as if nothing had happened, and a turn later everything is gone.

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/wire.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::test;

namespace {

// Many of them are more than any kernel holds.
const std::string large(20'000, 'x');

// A server with a handler for everything. The one that is named destroys the server, and then uses
// it once more, as whoever called the handler is going to.
class Doomed {
 public:
  Doomed(WireServer& outer, std::string_view where) : where_(where) {
    ws::Limits limits;
    limits.queue_bytes_max = 64 << 10;
    limits.overflow = ws::Overflow::drop;
    ws::ServerOptions options;
    options.log = [this](ws::LogLevel, std::string_view) { reach("log"); };
    server = std::make_unique<ws::Server>(outer.loop, limits, std::move(options));
    raw_ = server.get();
    serve_connections();
    serve_handshakes_and_pages();
    const auto bound = server->listen({.host = "127.0.0.1"});
    REQUIRE(bound);
    outer.address = *bound;
  }

  void reach(std::string_view here) {
    if (here != where_ || !server) return;
    ws::Server::destroy_later(std::move(server));
    after_ = raw_->connection_count() + raw_->http_connection_count();
    reached = true;
  }

  std::unique_ptr<ws::Server> server;
  bool reached = false;
  int opened = 0;
  int closed = 0;
  int gone = 0;
  int waiting = 0;

 private:
  void serve_connections() {
    server->on_open([this](ws::Connection& c) {
      ++opened;
      CHECK(c.subscribe("all"));
      reach("open");
      c.send_text("welcome");
    });
    server->on_message([this](ws::Connection& c, ws::Message message) {
      if (message.text() == "publish") static_cast<void>(raw_->publish("all", message));
      if (message.text() == "flood") {
        for (int i = 0; i < 1000; ++i) c.send_text(large);
      }
      if (message.text() == "ping") static_cast<void>(c.ping());
      reach("message");
      c.send(message);
    });
    server->on_pong([this](ws::Connection& c, Bytes) {
      reach("pong");
      c.send_text("pong");
    });
    server->on_drained([this](ws::Connection& c) {
      reach("drained");
      c.send_text("drained");
    });
    server->on_dropped([this](ws::Connection&, ws::Opcode, Bytes) { reach("dropped"); });
    server->on_close([this](ws::Connection& c, ws::CloseInfo) {
      ++closed;
      reach("close");
      c.send_text("too late");
    });
    server->at("/chunks").on_chunk([this](ws::Connection& c, ws::Chunk) {
      reach("chunk");
      c.send_text("chunk");
    });
  }

  void serve_handshakes_and_pages() {
    server->at("/asked").on_upgrade([this](const ws::Request& request) -> ws::Decision {
      reach("upgrade");
      if (request.path() == "/never") return ws::Reject{};
      return ws::Accept{};
    });
    server->at("/later").on_upgrade_later([this](ws::PendingUpgrade& upgrade) {
      ++waiting;
      upgrade.on_gone([this] {
        ++gone;
        reach("upgrade gone");
      });
      reach("upgrade later");
      static_cast<void>(upgrade.id());
    });
    server->get("/page", [this](ws::http::Exchange& exchange) {
      reach("route");
      CHECK(exchange.respond(200, "text/plain", "a page"));
    });
    server->get("/wait", [this](ws::http::Exchange& exchange) {
      ++waiting;
      static_cast<void>(exchange.later());
      exchange.on_gone([this] {
        ++gone;
        reach("request gone");
      });
    });
    server->post("/body",
                 [this](ws::http::Exchange& exchange) {
                   exchange.on_body([this](ws::http::Exchange& inner, Bytes, bool final) {
                     reach("body");
                     if (final) CHECK(inner.respond(204, {}, {}));
                   });
                 },
                 {.streamed = true});
  }

  std::string_view where_;
  ws::Server* raw_ = nullptr;
  std::size_t after_ = 0;
};

// What a peer does so that the handler is called.
struct Way {
  std::string_view where;
  std::function<void(WirePeer&)> provoke;
};

void say(WirePeer& peer, std::string_view text) {
  static_cast<void>(peer.send(client_frame(0x81, text)));
}

std::vector<Way> all_ways() {
  const auto upgraded = [](std::string_view path, std::string_view text) {
    return [=](WirePeer& peer) {
      if (peer.upgrade(path) && !text.empty()) say(peer, text);
    };
  };
  const auto asks = [](std::string_view bytes) {
    return [=](WirePeer& peer) { static_cast<void>(peer.send(bytes)); };
  };
  const auto leaves = [](std::string bytes) {
    return [=](WirePeer& peer) {
      static_cast<void>(peer.send(bytes));
      peer.finish_sending();
    };
  };
  return {
      {"open", [](WirePeer& peer) { static_cast<void>(peer.send(upgrade_request("/"))); }},
      {"message", upgraded("/", "hello")},
      {"chunk", upgraded("/chunks", "hello")},
      {"drained", upgraded("/", "flood")},
      {"dropped", upgraded("/", "flood")},
      {"pong",
       [](WirePeer& peer) {
         if (!peer.upgrade("/")) return;
         say(peer, "ping");
         static_cast<void>(peer.send(client_frame(0x8A, "")));
       }},
      {"close",
       [](WirePeer& peer) {
         if (peer.upgrade("/")) peer.reset();
       }},
      {"upgrade", [](WirePeer& peer) { static_cast<void>(peer.send(upgrade_request("/asked"))); }},
      {"upgrade later",
       [](WirePeer& peer) { static_cast<void>(peer.send(upgrade_request("/later"))); }},
      {"upgrade gone",
       [](WirePeer& peer) {
         // The page says that the request behind it was read, too.
         const std::string page = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
         if (!peer.send(page + upgrade_request("/later"))) return;
         if (peer.until_contains("a page")) peer.reset();
       }},
      {"route", asks("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")},
      {"request gone", leaves("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")},
      {"body", asks("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nthe body!")},
      {"log", asks("no HTTP at all\r\n\r\n")},
  };
}

}  // namespace

TEST_CASE("a server may be destroyed in every one of its callbacks (F33)") {
  for (const Way& way : all_ways()) {
    CAPTURE(way.where);
    WireServer outer;
    const Baseline before = outer.baseline();
    const net::Address own_address = outer.address;
    {
      Doomed doomed(outer, way.where);
      WirePeer witness(outer);
      WirePeer peer(outer);
      REQUIRE(witness.send(upgrade_request("/")));
      REQUIRE(outer.until([&] { return doomed.opened == 1; }));
      if (doomed.server) way.provoke(peer);
      const bool reads = way.where == "drained" || way.where == "pong";
      REQUIRE(outer.until([&] {
        if (reads) peer.receive();
        return doomed.reached;
      }));
      // The turn after the one of the callback.
      for (int i = 0; i < 3; ++i) REQUIRE(outer.loop.run_once(net::Duration{}));
      CHECK(doomed.closed == doomed.opened);
      REQUIRE(witness.until_end());
      if (peer.fd() >= 0) REQUIRE(peer.until_end());
    }
    outer.address = own_address;
    CHECK(outer.baseline() == before);
  }
}

TEST_CASE("a server that is destroyed while much waits tells each of it, once (F33)") {
  WireServer outer;
  Doomed doomed(outer, "message");
  WirePeer asks(outer);
  WirePeer wants(outer);
  WirePeer many(outer);
  REQUIRE(asks.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(wants.send(upgrade_request("/later")));
  REQUIRE(outer.until([&] { return doomed.waiting == 2; }));
  // What stands behind the message that ends it all is not handled any more.
  REQUIRE(many.send(upgrade_request("/") + client_frame(0x81, "publish") +
                    client_frame(0x81, "flood")));
  REQUIRE(outer.until([&] { return doomed.reached; }));
  for (int i = 0; i < 3; ++i) REQUIRE(outer.loop.run_once(net::Duration{}));
  CHECK(doomed.gone == 2);
  CHECK(doomed.opened == 1);
  CHECK(doomed.closed == 1);
  for (WirePeer* peer : {&asks, &wants, &many}) REQUIRE(peer->until_end());
}

// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "net/base/check.h"
#include "net/tls.h"
#include "tests/sim/torture/visit.h"
#include "ws/metrics.h"

namespace hilo::sim::torture {
namespace {

using namespace hilo::net::literals;

ws::ServerOptions server_options() {
  ws::ServerOptions options;
  options.deflate.enabled = true;
  options.log = [](ws::LogLevel, std::string_view) {};
  return options;
}

// Made once for all stages: keys cost time.
std::shared_ptr<const net::tls::ServerContext> tls_server() {
  static const auto made = net::tls::ServerContext::create({.self_signed = true});
  HILO_CHECK(made);
  return *made;
}

class Pieces final : public ws::http::BodySource {
 public:
  Result<std::size_t> read(MutableBytes into) override {
    std::fill(into.begin(), into.end(), std::uint8_t{'x'});
    return into.size();
  }
};

void serve_pages(ws::Server& server) {
  server.get("/page", [](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, "text/plain", "a page\n"));
  });
  server.post("/body", [](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, "text/plain", as_text(exchange.body())));
  });
  server.get("/later", [&server](ws::http::Exchange& exchange) {
    const ws::http::ExchangeId id = exchange.later();
    server.loop().call_after(1_s, [&server, id] {
      ws::http::Exchange* const waiting = server.exchange(id);
      if (waiting != nullptr) static_cast<void>(waiting->respond(200, "text/plain", "later\n"));
    });
  });
  server.get("/pieces", [](ws::http::Exchange& exchange) {
    static_cast<void>(
        exchange.respond_from(200, "text/plain", 100'000, std::make_unique<Pieces>()));
  });
}

}  // namespace

Stage::Stage() : server(world.loop, {}, server_options()), engine(server), io(server) {
  world.network.names["server.test"] = {
      {*net::Address::from_ip("::1", 9001), *net::Address::from_ip("127.0.0.1", 9001)}, 10_ms};
  server.at("/echo")
      .on_open([this](ws::Connection&) { ++opened_; })
      .on_message([](ws::Connection& connection, ws::Message message) {
        connection.send(message, {.compress = connection.compresses()});
      })
      .on_close([this](ws::Connection&, ws::CloseInfo) { ++closed_; });
  serve_pages(server);
  engine.on_open([this](engineio::Socket&) { ++engines_opened_; })
      .on_message([](engineio::Socket& socket, engineio::Message message) {
        static_cast<void>(message.binary ? socket.send_binary(message.payload)
                                         : socket.send_text(as_text(message.payload)));
      })
      .on_close([this](engineio::Socket&, engineio::CloseReason) { ++engines_closed_; });
  io.on_connection([this](socketio::Socket socket) {
    socket.on("disconnect", [this](std::string_view) { ++sockets_closed_; });
    ++sockets_opened_;
    socket.on("count", [](std::int64_t event, std::string_view, socketio::Ack ack) { ack(event); });
    socket.on("bytes", [](socketio::Binary bytes, socketio::Ack ack) { ack(bytes); });
    socket.join("everybody");
    static_cast<void>(socket.emit("news", "welcome"));
  });
  io.of("/side").on_connection([](socketio::Socket socket) {
    socket.on("tree", [](const socketio::Arguments& arguments) {
      arguments.ack->answer(arguments.copy());
    });
  });
  const Result<net::Address> bound = server.listen({.host = "127.0.0.1", .port = 9001});
  HILO_CHECK(bound);
  address = *bound;
  HILO_CHECK(server.listen({.host = "127.0.0.1", .port = 9002, .tls = tls_server()}));
}

Stage::~Stage() = default;

std::string Stage::complaint() const {
  const auto differ = [](const char* what, int opened, int closed) {
    if (opened == closed) return std::string{};
    return std::string(what) + ": " + std::to_string(opened) + " opened, " +
           std::to_string(closed) + " closed; ";
  };
  return differ("connections", opened_, closed_) +
         differ("engine.io sockets", engines_opened_, engines_closed_) +
         differ("socket.io sockets", sockets_opened_, sockets_closed_);
}

std::uint64_t Stage::rejects() const {
  const auto& all = server.metrics().rejects;
  return std::accumulate(all.begin(), all.end(), std::uint64_t{0});
}

}  // namespace hilo::sim::torture

// SPDX-License-Identifier: MIT
//
// Who is shown what passes on the connections of servers and clients.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "net/observed_transport.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::test;

namespace {

struct Seen {
  std::string read;
  std::string written;
  int gone = 0;
  std::vector<net::Duration> deadlines;
  int passed = 0;
  std::vector<std::string> overflows;
};

class Recorder final : public net::WireObserver {
 public:
  explicit Recorder(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
  void on_read(const net::Io&, MutableBytes bytes) noexcept override {
    seen_->read += as_text(bytes);
  }
  void on_write(const net::Io& io, std::span<const Bytes> slices) noexcept override {
    std::size_t left = io.kind == net::Io::Kind::done ? io.bytes : 0;
    for (const Bytes slice : slices) {
      seen_->written += as_text(slice.first(std::min(left, slice.size())));
      left -= std::min(left, slice.size());
    }
  }
  void on_deadline(net::Duration from_now) noexcept override {
    seen_->deadlines.push_back(from_now);
  }
  void on_deadline_passed() noexcept override { ++seen_->passed; }
  void on_overflow(std::size_t message, std::size_t waiting,
                   std::string_view consequence) noexcept override {
    seen_->overflows.push_back(std::to_string(message) + " behind " + std::to_string(waiting) +
                               ": " + std::string(consequence));
  }
  void on_gone() noexcept override { ++seen_->gone; }

 private:
  std::shared_ptr<Seen> seen_;
};

class Recorders final : public net::WireObservers {
 public:
  std::shared_ptr<net::WireObserver> make() override {
    return std::make_shared<Recorder>(all.emplace_back(std::make_shared<Seen>()));
  }
  std::vector<std::shared_ptr<Seen>> all;
};

}  // namespace

TEST_CASE("a server shows a connection that asks for it, from that request on") {
  const auto tls = plain_then_tls();
  const auto seen = std::make_shared<Seen>();
  ws::ServerOptions options;
  options.observe_request = [&](const ws::Request& request,
                                net::WireObserver*) -> std::shared_ptr<net::WireObserver> {
    if (request.query() != "look") return nullptr;
    return std::make_shared<Recorder>(seen);
  };
  WireServer server({}, std::move(options), tls);
  WirePeer unseen(server);
  REQUIRE(unseen.upgrade("/echo"));

  WirePeer peer(server);
  REQUIRE(peer.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  CHECK(seen->read.empty());
  peer.received.clear();
  const std::string request = upgrade_request("/echo?look");
  REQUIRE(peer.send(request));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  const std::string frame = client_frame(0x81, "hola");
  REQUIRE(peer.send(frame));
  REQUIRE(peer.until_contains("hola"));
  CHECK(seen->read == request + frame);
  CHECK(seen->written == peer.received);
  CHECK(seen->gone == 0);
  peer.reset();
  REQUIRE(server.until([&] { return seen->gone == 1; }));
}

TEST_CASE("a server shows all connections from their first byte, those that go wrong too") {
  std::vector<std::shared_ptr<Seen>> all;
  ws::ServerOptions options;
  options.observe_accepted = [&](const net::PeerAddress&) {
    return std::make_shared<Recorder>(all.emplace_back(std::make_shared<Seen>()));
  };
  WireServer server({}, std::move(options));
  WirePeer peer(server);
  REQUIRE(peer.send("nonsense\r\n\r\n"));
  REQUIRE(peer.until_end());
  REQUIRE(all.size() == 1);
  CHECK(all[0]->read == "nonsense\r\n\r\n");
  CHECK(all[0]->written == peer.received);
  CHECK(all[0]->written.starts_with("HTTP/1.1 400 "));
}

TEST_CASE("deadlines are shown when they are set and when they pass") {
  const auto seen = std::make_shared<Seen>();
  ws::ServerOptions options;
  options.observe_accepted = [&](const net::PeerAddress&) {
    return std::make_shared<Recorder>(seen);
  };
  ws::Limits limits;
  limits.ping_interval = net::Duration::milliseconds(30);
  WireServer server(limits, std::move(options));
  WirePeer peer(server);
  REQUIRE(peer.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  REQUIRE(!seen->deadlines.empty());
  CHECK(seen->deadlines.back() == limits.keep_alive_timeout);
  CHECK(seen->passed == 0);
  REQUIRE(peer.send(upgrade_request("/echo")));
  REQUIRE(peer.until_contains("\x89"));  // the ping
  CHECK(seen->passed >= 1);
  // It counts from the ping, in whole milliseconds that have begun.
  CHECK(seen->deadlines.back() <= limits.pong_timeout + net::Duration::milliseconds(1));
}

TEST_CASE("what does not fit into a queue is shown, with what becomes of it") {
  for (const auto& [policy, words] : {std::pair{ws::Overflow::refuse, "it is refused"},
                                      std::pair{ws::Overflow::drop, "it is dropped"},
                                      std::pair{ws::Overflow::close, "the connection is reset"}}) {
    const std::string consequence = words;
    CAPTURE(consequence);
    const auto seen = std::make_shared<Seen>();
    ws::ServerOptions options;
    options.observe_accepted = [&](const net::PeerAddress&) {
      return std::make_shared<Recorder>(seen);
    };
    ws::Limits limits;
    limits.queue_bytes_max = 100'000;
    limits.overflow = policy;
    WireServer server(limits, std::move(options));
    server.server.at("/flood").on_open(
        [](ws::Connection& c) { c.send_text(std::string(100'001, 'x')); });
    WirePeer peer(server);
    peer.upgrade("/flood");
    REQUIRE(server.until([&] { return !seen->overflows.empty(); }));
    CHECK(seen->overflows[0] == "100001 behind 0: " + std::string(consequence));
  }
}

TEST_CASE("an observer that cannot be made is nobody's trouble") {
  ws::ServerOptions options;
  options.observe_accepted = [](const net::PeerAddress&) -> std::shared_ptr<net::WireObserver> {
    throw std::bad_alloc();
  };
  options.observe_request = [](const ws::Request&,
                               net::WireObserver*) -> std::shared_ptr<net::WireObserver> {
    throw std::bad_alloc();
  };
  WireServer server({}, std::move(options));
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
}

TEST_CASE("a client shows each of its connections") {
  WireServer server;
  const auto recorders = std::make_shared<Recorders>();
  ws::Client client(server.loop);
  bool echoed = false;
  client.on_open([](ws::Connection& c) { c.send_text("hola"); })
      .on_message([&](ws::Connection& c, ws::Message) {
        echoed = true;
        c.abort();
      });
  const std::string url = "ws://" + server.address.to_string() + "/echo";
  for (int i = 0; i < 2; ++i) {
    echoed = false;
    REQUIRE(client.connect({.url = url, .observers = recorders}));
    REQUIRE(server.until([&] { return echoed && client.connection() == nullptr; }));
    REQUIRE(recorders->all.size() == static_cast<std::size_t>(i) + 1);
    const Seen& seen = *recorders->all.back();
    CHECK(seen.written.starts_with("GET /echo HTTP/1.1\r\n"));
    CHECK(seen.read.starts_with("HTTP/1.1 101 "));
    CHECK(seen.read.ends_with(server_frame(0x81, "hola")));
    CHECK(seen.gone == 1);
  }
}

// SPDX-License-Identifier: MIT
//
// What goes when: namespaces that clients had made, answers that nobody will give, and what an
// application keeps beyond a socket, a Server or a Manager. (Clients: test_socketio_baseline.cc.)

#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/socketio_client.h"
#include "tests/support/socketio_wire.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

// Namespaces as clients want them, by a list that the test may look into.
struct OnDemand : SocketioServer {
  explicit OnDemand(Options options = {}) : SocketioServer(std::move(options)) {
    io.of([](std::string_view name, const Json&) { return name.starts_with("/room-"); },
          [this](Namespace& nsp) {
            ++made;
            nsp.on_connection([this](Socket socket) { last = socket; });
          });
  }
  int made = 0;
  std::optional<Socket> last;
};

std::string note_of(std::error_code error) {
  return error ? error.message() : "answered";
}

}  // namespace

TEST_CASE("a namespace that a client had made goes with its last socket, and its place is free") {
  OnDemand server({.dynamic_namespaces_max = 1});
  const Baseline before = server.baseline();
  for (int i = 0; i < 50; ++i) {
    const std::string name = "/room-" + std::to_string(i);
    SocketioPeer one(server);
    SocketioPeer two(server);
    CHECK(one.connect("40" + name + ",") != "none");
    CHECK(two.connect("40" + name + ",") != "none");
    one.say("41" + name + ",");
    // 248: the client lives, though nobody knows that name any more.
    two.say("41" + name + ",");
    REQUIRE(server.until([&] { return !server.last->connected(); }));
    server.turns();
    one.say("42" + name + ",[\"too late\"]");
    CHECK(one.connect("40/room-again,") != "none");
    one.say("41/room-again,");
    REQUIRE(server.until([&] { return !server.last->connected(); }));
    server.turns();
  }
  CHECK(server.made == 100);
  REQUIRE(server.io_settles());
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

TEST_CASE("who names a namespace keeps it, and who was refused keeps none") {
  OnDemand server({.dynamic_namespaces_max = 1});
  SocketioPeer peer(server);
  peer.connect("40/room-1,");
  Namespace& kept = server.io.of("/room-1");
  kept.use([](Socket, Next next) { next("closed"); });
  peer.say("41/room-1,");
  REQUIRE(server.until([&] { return kept.socket_count() == 0; }));
  server.turns();
  CHECK(&server.io.of("/room-1") == &kept);
  peer.say("40/room-1,");
  CHECK(peer.hear() == "44/room-1,{\"message\":\"closed\"}");
  CHECK(peer.connect("40/room-2,") != "none");
}

TEST_CASE("a namespace whose making throws is not there, and neither is its client") {
  SocketioServer server({.dynamic_namespaces_max = 1});
  bool throws = true;
  server.io.of([](std::string_view, const Json&) { return true; },
               [&](Namespace&) {
                 if (throws) throw std::runtime_error("before its middleware");
               });
  SocketioPeer peer(server);
  for (int i = 0; i < 2; ++i) {
    peer.say("40/half,");
    CHECK(peer.hear() == "44/half,{\"message\":\"Invalid namespace\"}");
  }
  CHECK(server.log.at(0) == "lvl=error ev=sio_namespace_threw");
  throws = false;
  CHECK(peer.connect("40/half,") != "none");
}

TEST_CASE("what a handler holds may use its socket as it dies") {
  struct Guard {
    Guard(Socket of, Events& into) : socket(std::move(of)), told(&into) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
      told->push_back(socket.connected() ? "there" : "gone");
      socket.off("tick");
      socket.on("more", [] {});
      socket.data() = 1;
    }
    Socket socket;
    Events* told;
  };
  SocketioServer server;
  Events told;
  int ticks = 0;
  server.io.on_connection([&](Socket socket) {
    socket.once("once", [guard = std::make_unique<Guard>(socket, told)] {});
    for (int i = 0; i < 3; ++i) socket.on("tick", [&] { ++ticks; });
    socket.on("off",
              [guard = std::make_unique<Guard>(socket, told), socket] { socket.off("off"); });
    socket.on("stays", [guard = std::make_unique<Guard>(socket, told)] {});
  });
  {
    SocketioPeer peer(server);
    peer.connect();
    for (const char* event : {"tick", "once", "tick", "off", "stays"}) {
      peer.say("42[\"" + std::string(event) + "\"]");
    }
    REQUIRE(server.until([&] { return told.size() == 2; }));
  }
  REQUIRE(server.io_settles());
  CHECK(ticks == 3);
  CHECK(told == Events{"there", "there", "gone"});
}

TEST_CASE("a client may be ended while its namespace is made, or its middleware runs") {
  for (const int revision : {4, 3}) {
    for (const bool in_middleware : {false, true}) {
      CAPTURE(revision);
      CAPTURE(in_middleware);
      Options options;
      options.engine.revision3 = true;
      SocketioServer server(std::move(options));
      int connections = 0;
      server.io.of([](std::string_view, const Json&) { return true; },
                   [&](Namespace& nsp) {
                     if (!in_middleware) server.io.engine().close_all();
                     nsp.use([&](Socket, Next next) {
                       if (in_middleware) server.io.engine().close_all();
                       next();
                     });
                     nsp.on_connection([&](Socket) { ++connections; });
                   });
      SocketioPeer peer(server, revision);
      if (revision == 3) {
        CHECK(peer.hear() == "40");
      } else {
        peer.connect();
      }
      peer.say("40/any,");
      CHECK(peer.hear().empty());
      REQUIRE(server.io_settles());
      CHECK(connections == 0);
    }
  }
}

TEST_CASE("a namespace of a client that may come back waits for it, and not for ever") {
  OnDemand server({.dynamic_namespaces_max = 1,
                   .recovery = {.enabled = true, .max_disconnection_duration = milliseconds(20)}});
  {
    SocketioPeer peer(server);
    peer.connect("40/room-1,");
    peer.reset();
    REQUIRE(server.io_settles());
  }
  SocketioPeer other(server);
  REQUIRE(server.until([&] {
    other.say("40/room-2,");
    return other.hear().starts_with("40");
  }));
}

TEST_CASE("the timer of a question to many goes with the last answer") {
  SocketioServer server;
  SocketioPeer a(server);
  SocketioPeer b(server);
  a.connect();
  b.connect();
  const std::size_t timers = server.baseline().timers;
  Events told;
  const auto note = [&](std::error_code error) { told.push_back(note_of(error)); };
  server.io.broadcast().timeout(net::Duration::seconds(60)).emit("vote", note);
  CHECK(server.baseline().timers == timers + 1);
  a.say("430[1]");
  b.say("430[2]");
  REQUIRE(server.until([&] { return !told.empty(); }));
  CHECK(server.baseline().timers == timers);
  CHECK(told == Events{"answered"});
}

TEST_CASE("an answer to what did not leave is not waited for") {
  SocketioServer server({.acks_max = 3});
  std::optional<Socket> last;
  server.io.on_connection([&](Socket socket) { last = socket; });
  SocketioPeer peer(server);
  peer.connect();
  const std::string large(60'000, 'x');
  Events told;
  const auto note = [&](std::error_code error) { told.push_back(note_of(error)); };
  for (std::size_t i = 0; i < 10; ++i) {
    while (last->volatile_().emit("x", large)) {
    }
    CHECK_FALSE(last->volatile_().emit("x", large, note));
    CHECK(told.size() == i);
    REQUIRE(server.until([&] { return told.size() == i + 1; }));
    CHECK(told.back() == "socket has been disconnected");
  }
  CHECK(last->connected());
}

TEST_CASE("and neither is a client's") {
  SocketioServer server;
  ManagerOptions options = quick();
  options.acks_max = 3;
  TestClient client(server, std::move(options));
  const ClientSocket socket = client.socket();
  REQUIRE(client.until("/ connect"));
  const std::string large(60'000, 'x');
  Events told;
  const auto note = [&](std::error_code error) { told.push_back(note_of(error)); };
  for (std::size_t i = 0; i < 10; ++i) {
    while (socket.volatile_().emit("x", large)) {
    }
    CHECK_FALSE(socket.volatile_().emit("x", large, note));
    CHECK(told.size() == i);
    REQUIRE(server.until([&] { return told.size() == i + 1; }));
    CHECK(told.back() == "socket has been disconnected");
  }
  CHECK(socket.connected());
}

TEST_CASE("nor that of an event which has waited and is too large to leave") {
  SocketioServer server;
  ManagerOptions options = quick();
  options.engine.websocket.limits.queue_bytes_max = 1000;
  options.engine.websocket.limits.overflow = ws::Overflow::refuse;
  TestClient client(server, std::move(options));
  const ClientSocket socket = client.socket();
  Events told;
  CHECK(socket.emit("x", std::string(5000, 'x'),
                    [&](std::error_code error) { told.push_back(note_of(error)); }));
  REQUIRE(server.until([&] { return !told.empty(); }));
  CHECK(told == Events{"socket has been disconnected"});
  CHECK(socket.connected());
}

TEST_CASE("who hears what goes out and throws costs that client, and nobody else") {
  SocketioServer server;
  std::vector<Socket> sockets;
  server.io.on_connection([&](Socket socket) {
    if (sockets.empty()) {
      socket.on_any_outgoing([](std::string_view event, const Json&) {
        if (event == "bad") throw std::runtime_error("no");
      });
    }
    sockets.push_back(socket);
  });
  SocketioPeer first(server);
  first.connect();
  SocketioPeer second(server);
  second.connect();
  CHECK(server.io.emit("bad") == 1);
  CHECK(second.hear() == "42[\"bad\"]");
  CHECK(first.was_closed());
  CHECK_FALSE(sockets[0].emit("bad"));
  CHECK(sockets[1].connected());
  CHECK(server.io_rejects(Errc::handler_threw) == 1);
}

TEST_CASE("what an application keeps may outlive the server: it does nothing then") {
  struct Kept {
    std::optional<Next> next;
    std::optional<Ack> ack;
    std::optional<Socket> socket;
    std::optional<Broadcast> all;
  };
  const auto kept = std::make_shared<Kept>();
  {
    SocketioServer server;
    server.io.of("/slow").use([kept](Socket, Next next) { kept->next.emplace(std::move(next)); });
    server.io.on_connection([kept](Socket socket) {
      kept->socket = socket;
      kept->all = socket.to("room");
      // What a handler holds goes while the namespaces do.
      const auto held = std::make_shared<std::optional<Next>>();
      socket.nsp().server().of("/held").use(
          [held](Socket, Next next) { held->emplace(std::move(next)); });
      socket.on("ask", [kept, held](Ack ack) { kept->ack = std::move(ack); });
    });
    SocketioPeer peer(server);
    peer.connect();
    peer.say("40/slow,");
    peer.say("40/held,");
    peer.say("420[\"ask\"]");
    REQUIRE(server.until([&] { return kept->next && kept->ack; }));
    server.turns();
  }
  (*kept->next)("", nullptr);
  CHECK_FALSE(*kept->ack);
  (*kept->ack)("late");
  CHECK_FALSE(kept->socket->connected());
  CHECK_FALSE(kept->socket->emit("late"));
  CHECK(kept->socket->to("room").emit("late") == 0);
  kept->all->sockets_join("x");
  kept->all->sockets_leave("x");
  kept->all->disconnect_sockets();
  CHECK(kept->all->emit("late") == 0);
}

TEST_CASE("what a client's application keeps may outlive the Manager") {
  SocketioServer server;
  server.io.on_connection([](Socket socket) { socket.emit("ask", [](std::error_code, int) {}); });
  server.io.of("/later");
  std::optional<GiveAuth> give;
  std::optional<Ack> ack;
  {
    TestClient client(server);
    client.socket().on("ask", [&](Ack asked) { ack = std::move(asked); });
    client.socket("/later", {.ask_auth = [&](GiveAuth asked) { give.emplace(std::move(asked)); }});
    REQUIRE(server.until([&] { return give && ack; }));
  }
  (*give)({{"token", 1}});
  CHECK_FALSE(*ack);
  (*ack)(1);
}

TEST_CASE("what a Manager was told to connect with is its own, for every connection") {
  SocketioServer server;
  Events queries;
  server.io.on_connection([&](Socket socket) {
    const std::string_view query = socket.request()->query();
    queries.emplace_back(query.substr(query.find("token")));
    socket.emit("welcome");
  });
  std::optional<Socket> last;
  ManagerOptions options = quick();
  std::optional<TestClient> client;
  {
    const std::string path = std::string("/socket.io") + "/";
    const std::string query = std::string("token=") + std::string(64, 'x');
    const std::string origin = "http://" + server.address.to_string();
    options.connect.path = path;
    options.connect.query = query;
    options.connect.websocket.origin = origin;
    client.emplace(server, std::move(options));
  }
  client->socket();
  REQUIRE(client->until("/ connect"));
  server.io.engine().for_each([](engineio::Socket& each) { each.close(); });
  REQUIRE(server.until([&] { return queries.size() == 2; }));
  CHECK(queries[0] == queries[1]);
}

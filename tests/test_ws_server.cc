// SPDX-License-Identifier: MIT
//
// Server over real sockets: where it listens, who serves a path, who may upgrade, who is there.
// How it stops is in test_ws_server_stop.cc.

#include "ws/server.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <iterator>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "net/socket.h"
#include "tests/support/skip.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/core/http_fields.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

// A folder of its own for Unix sockets.
struct Folder {
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() {
    for (const std::string& file : files) ::unlink(file.c_str());
    ::rmdir(path.c_str());
  }
  std::string file(std::string_view name) {
    return files.emplace_back(path + "/" + std::string(name));
  }
  std::string path = "/tmp/hilo_test_XXXXXX";
  std::vector<std::string> files;
};

void check_echo(WireServer& server) {
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  REQUIRE(peer.send(client_frame(0x81, "hello")));
  REQUIRE(peer.until_contains("hello"));
}

std::string first_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

// 0: unknown.
std::size_t threads_of_this_process() {
  std::error_code error;
  const std::filesystem::directory_iterator tasks("/proc/self/task", error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// The whole answer to an upgrade request that was refused.
std::string refusal(WireServer& server, std::string_view request) {
  WirePeer peer(server);
  REQUIRE(peer.send(request));
  REQUIRE(peer.until_end());
  return peer.received;
}

}  // namespace

// Embedders count on it: only looking a name up starts a thread (net/resolver.h).
TEST_CASE("no thread starts for a loop, a server and a client of an address") {
  const std::size_t before = threads_of_this_process();
  if (before == 0) HILO_SKIP("threads are counted in /proc/self/task");
  WireServer server;
  check_echo(server);
  ws::Client client(server.loop);
  bool has_opened = false;
  client.on_open([&](ws::Connection&) { has_opened = true; });
  REQUIRE(client.connect({.url = "ws://127.0.0.1:" + std::to_string(server.address.port()) + "/"}));
  CHECK(server.until([&] { return has_opened; }));
  CHECK(threads_of_this_process() == before);
}

TEST_CASE("a server accepts as many in a turn as its limits say") {
  ws::Limits limits;
  limits.accepts_per_turn_max = 3;
  WireServer server(limits);
  std::deque<WirePeer> peers;
  for (int i = 0; i < 8; ++i) peers.emplace_back(server);
  for (const std::size_t expected : {3U, 6U, 8U, 8U}) {
    REQUIRE(server.loop.run_once({}));
    CHECK(server.server.http_connection_count() == expected);
  }
}

TEST_CASE("one server listens on IPv4, on IPv6 and on a Unix socket at once") {
  WireServer server;
  Folder folder;
  const std::string path = folder.file("socket");
  const auto unix_bound = server.server.listen({.unix_path = path});
  REQUIRE(unix_bound);
  CHECK(unix_bound->to_string() == "unix:" + path);
  const auto second = server.server.listen({.host = "localhost"});
  REQUIRE(second);
  CHECK(second->ip() == "127.0.0.1");
  CHECK(second->port() != 0);
  CHECK(second->port() != server.address.port());

  check_echo(server);
  for (const net::Address& address : {*second, *unix_bound}) {
    server.address = address;
    CAPTURE(address.to_string());
    check_echo(server);
  }
  REQUIRE(server.settle());
  CHECK(server.server.metrics().accepted == 3);
}

TEST_CASE("an IPv6 address is IPv6 alone, and an empty host is both") {
  WireServer server;
  const auto v6 = server.server.listen({.host = "::1"});
  if (!v6) HILO_SKIP("no IPv6 here");
  const auto all = server.server.listen({.host = ""});
  REQUIRE(all);
  server.address = *v6;
  check_echo(server);
  for (const std::string_view ip : {"127.0.0.1", "::1"}) {
    CAPTURE(ip);
    server.address = *net::Address::from_ip(ip, all->port());
    check_echo(server);
  }
}

TEST_CASE("what cannot be listened on is an error, and nothing is left of it") {
  WireServer server;
  const Baseline before = server.baseline();
  const auto in_use = server.server.listen({.host = "127.0.0.1", .port = server.address.port()});
  REQUIRE_FALSE(in_use);
  CHECK(in_use.error() == std::errc::address_in_use);
  CHECK(server.server.listen({.host = "example.com"}).error() == std::errc::invalid_argument);
  CHECK(server.server.listen({.host = "192.0.2.1"}).error() == std::errc::address_not_available);
  CHECK_FALSE(server.server.listen({.unix_path = std::string(200, 'x')}));
  CHECK_FALSE(server.server.listen({.unix_path = "/nonexistent/folder/socket"}));
  CHECK(server.baseline() == before);
  check_echo(server);
}

TEST_CASE("the service of a path goes before that of all paths") {
  WireServer server;
  std::string opened;
  server.server.at("/chat").on_open(
      [&](ws::Connection& c) { opened = "chat " + std::string(c.path()); });
  server.server.on_open([&](ws::Connection& c) { opened = "any " + std::string(c.path()); });
  CHECK(&server.server.at("/chat") == &server.server.at("/chat"));
  struct Row {
    std::string_view path;
    std::string_view opened;
  };
  for (const Row& row :
       {Row{"/chat", "chat /chat"}, Row{"/chat/", "any /chat/"}, Row{"/Chat", "any /Chat"},
        Row{"/", "any /"}, Row{"/chat?q", "chat /chat"}}) {
    CAPTURE(row.path);
    WirePeer peer(server);
    REQUIRE(peer.upgrade(row.path));
    CHECK(opened == row.opened);
  }
}

TEST_CASE("on_upgrade chooses a subprotocol and adds fields") {
  WireServer server;
  std::string subprotocol;
  server.server.at("/choose")
      .on_upgrade([](const ws::Request& request) -> ws::Decision {
        CHECK(request.path() == "/choose");
        CHECK(request.header("X-Token") == "7");
        auto offered = request.subprotocols();
        CHECK(offered.next() == "v1");
        CHECK(offered.next() == "v2");
        CHECK_FALSE(offered.next());
        return ws::Accept{.subprotocol = "v2", .fields = {{"Set-Cookie", "a=b"}}};
      })
      .on_open([&](ws::Connection& c) { subprotocol = c.subprotocol(); });
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request(
      "/choose", "X-Token: 7\r\nSec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v2\r\n")));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  CHECK(peer.received.starts_with("HTTP/1.1 101 "));
  CHECK(peer.received.find("Sec-WebSocket-Protocol: v2\r\n") != std::string::npos);
  CHECK(peer.received.find("Set-Cookie: a=b\r\n") != std::string::npos);
  CHECK(subprotocol == "v2");
}

TEST_CASE("without on_upgrade the client's first choice of ours is taken") {
  ws::ServerOptions options;
  options.subprotocols = {"v1", "v2"};
  WireServer server({}, std::move(options));
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request("/echo", "Sec-WebSocket-Protocol: v3, v2, v1\r\n")));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  CHECK(peer.received.find("Sec-WebSocket-Protocol: v2\r\n") != std::string::npos);
}

TEST_CASE("on_upgrade may say no, with a status and a reason") {
  WireServer server;
  server.server.at("/no").on_upgrade([](const ws::Request& request) -> ws::Decision {
    if (request.query() == "401") return ws::Reject{.status = 401, .reason = "who are you\n"};
    return ws::Reject{};
  });
  const Baseline before = server.baseline();
  CHECK(refusal(server, upgrade_request("/no?401")) ==
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 12\r\nConnection: close\r\n\r\nwho are you\n");
  CHECK(first_line(refusal(server, upgrade_request("/no"))) == "HTTP/1.1 403 Forbidden");
  // Frames behind a refused head are nobody's (C 60).
  const std::string answer =
      refusal(server, upgrade_request("/no") + upgrade_request() + client_frame(0x81, "x"));
  CHECK(answer.find("HTTP/1.1 101") == std::string::npos);
  REQUIRE(server.settle());
  CHECK(server.rejects(Errc::upgrade_refused) == 3);
  CHECK(server.opened == 0);
  CHECK(server.server.metrics().upgrades == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE("an on_upgrade that fails, or accepts what cannot be sent, costs a 500") {
  WireServer server;
  server.server.at("/fails").on_upgrade([](const ws::Request& request) -> ws::Decision {
    const std::string_view how = request.query();
    if (how == "throw") throw std::runtime_error("a bug");
    if (how == "forged") return ws::Accept{.fields = {{"X-A", "1\r\nX-B: 2"}}};
    if (how == "own") return ws::Accept{.fields = {{"Sec-WebSocket-Accept", "x"}}};
    if (how == "token") return ws::Accept{.subprotocol = "not a token"};
    return ws::Accept{.subprotocol = "not-offered"};
  });
  const Baseline before = server.baseline();
  std::uint64_t failures = 0;
  for (const std::string_view how : {"throw", "forged", "own", "token", "not-offered"}) {
    CAPTURE(how);
    const std::string answer = refusal(
        server,
        upgrade_request("/fails?" + std::string(how), "Sec-WebSocket-Protocol: offered\r\n"));
    CHECK(first_line(answer) == "HTTP/1.1 500 Internal Server Error");
    CHECK(server.rejects(Errc::handler_threw) == ++failures);
  }
  REQUIRE(server.settle());
  CHECK(server.opened == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE("a subprotocol as long as a head may be is kept as it is") {
  WireServer server;
  static const std::string name(8000, 'p');
  std::string kept;
  server.server.at("/long")
      .on_upgrade(
          [](const ws::Request&) -> ws::Decision { return ws::Accept{.subprotocol = name}; })
      .on_open([&](ws::Connection& c) { kept = c.subprotocol(); });
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request("/long", "Sec-WebSocket-Protocol: " + name + "\r\n")));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  CHECK(kept == name);
}

TEST_CASE("many connections are counted, visited and found, and go when told to") {
  WireServer server;
  const Baseline before = server.baseline();
  {
    std::vector<std::unique_ptr<WirePeer>> peers;
    std::set<std::uint64_t> ids;
    server.server.at("/one").on_open([&](ws::Connection& c) { ids.insert(c.id().value); });
    for (int i = 0; i < 150; ++i) {
      peers.push_back(std::make_unique<WirePeer>(server));
      REQUIRE(peers.back()->upgrade("/one"));
    }
    CHECK(ids.size() == 150);
    CHECK(server.server.connection_count() == 150);
    CHECK(server.server.http_connection_count() == 0);
    std::set<std::uint64_t> visited;
    server.server.for_each([&](ws::Connection& c) {
      visited.insert(c.id().value);
      CHECK(server.server.find(c.id()) == &c);
    });
    CHECK(visited == ids);

    // Every second one leaves, in the midst of the visit.
    int visit = 0;
    server.server.for_each([&](ws::Connection& c) {
      if (++visit % 2 == 0) CHECK(c.close(static_cast<ws::CloseCode>(4000)));
    });
    int open = 0;
    server.server.for_each([&](ws::Connection&) { ++open; });
    CHECK(open == 75);
    CHECK(server.server.connection_count() == 150);
    int told = 0;
    for (const auto& peer : peers) {
      REQUIRE(server.loop.run_once(net::Duration{}));
      peer->receive();
      if (peer->received != server_frame(0x88, close_body(4000))) continue;
      ++told;
      REQUIRE(peer->send(client_frame(0x88, close_body(4000))));
    }
    CHECK(told == 75);
    peers.resize(150);
    for (const auto& peer : peers) {
      if (!peer->received.empty()) peer->close();
    }
    REQUIRE(server.until([&] { return server.server.connection_count() == 75; }));
    // abort() within a visit, too.
    server.server.for_each([](ws::Connection& c) { c.abort(); });
    server.server.for_each([](ws::Connection&) { FAIL("nobody is open"); });
    REQUIRE(server.until([&] { return server.server.connection_count() == 0; }));
  }
  REQUIRE(server.settle());
  CHECK(server.server.metrics().closed == 150);
  CHECK(server.baseline() == before);
}

TEST_CASE("a visit may send to everybody, from anywhere in the turn") {
  WireServer server;
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(std::make_unique<WirePeer>(server));
    REQUIRE(peers.back()->upgrade());
  }
  server.loop.post([&] {
    server.server.for_each(
        [](ws::Connection& c) { CHECK(c.send_text("news") == ws::Sent::accepted); });
  });
  for (const auto& peer : peers) CHECK(peer->until_contains(server_frame(0x81, "news")));
  CHECK(server.server.metrics().messages_sent == 20);
  CHECK(server.server.metrics().payload_bytes_sent == 80);
}

TEST_CASE("an adopted socket is served as if it had been accepted") {
  WireServer server;
  auto [mine, theirs] = connected_sockets(Kind::socketpair);
  server.server.adopt(std::move(theirs), net::Address{});
  const std::string request = upgrade_request();
  REQUIRE(::send(mine.value(), request.data(), request.size(), 0) ==
          static_cast<ssize_t>(request.size()));
  REQUIRE(server.until([&] { return server.opened == 1; }));
  CHECK(server.server.metrics().accepted == 1);
  mine.reset();
  REQUIRE(server.settle());
  REQUIRE(server.closed.size() == 1);
}

TEST_CASE("ids carry the index of their loop, and mean nothing to the server of another") {
  ws::ServerOptions options;
  options.loop_index = 7;
  WireServer seventh({}, std::move(options));
  WireServer other;
  const auto open = [](WireServer& server, std::unique_ptr<WirePeer>& peer) {
    ws::ConnectionId id;
    peer = std::make_unique<WirePeer>(server);
    REQUIRE(peer->upgrade());
    server.server.for_each([&](ws::Connection& c) { id = c.id(); });
    return id;
  };
  std::unique_ptr<WirePeer> peers[2];
  const ws::ConnectionId ours = open(seventh, peers[0]);
  const ws::ConnectionId theirs = open(other, peers[1]);
  CHECK(ours.loop_index() == 7);
  CHECK(theirs.loop_index() == 0);
  CHECK(ours.handle() == theirs.handle());
  CHECK(ours != theirs);
  CHECK(seventh.server.find(ours) != nullptr);
  CHECK(seventh.server.find(theirs) == nullptr);
  CHECK(other.server.find(ours) == nullptr);
  CHECK(other.server.find({}) == nullptr);
}

TEST_CASE("the head of a request is kept only if asked for") {
  ws::ServerOptions options;
  options.keep_request_fields = false;
  WireServer server({}, std::move(options));
  bool has_field = true;
  std::string query;
  server.server.at("/bare").on_message([&](ws::Connection& c, ws::Message) {
    has_field = c.request().header("Host").has_value();
    query = c.request().query();
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/bare?q"));
  REQUIRE(peer.send(client_frame(0x81, "?")));
  REQUIRE(server.until([&] { return !query.empty(); }));
  CHECK_FALSE(has_field);
  CHECK(query == "q");
}

namespace {

// A server with a loop and a thread of its own.
class ThreadedServer {
 public:
  ThreadedServer(std::uint8_t index, std::uint16_t port, std::atomic<int>& echoes)
      : server_(loop_, {}, ws::ServerOptions{.loop_index = index}) {
    server_.on_message([&echoes](ws::Connection& connection, ws::Message message) {
      echoes.fetch_add(1);
      connection.send(message);
    });
    const auto bound = server_.listen({.host = "127.0.0.1", .port = port, .reuse_port = true});
    REQUIRE(bound);
    address = *bound;
    thread_ = std::thread([this] { ran = static_cast<bool>(loop_.run()); });
  }
  ~ThreadedServer() {
    loop_.post([this] { server_.stop(ws::CloseCode::going_away, [this] { loop_.stop(); }); });
    thread_.join();
  }

  net::Address address;
  std::atomic<bool> ran{false};

 private:
  net::Loop loop_;
  ws::Server server_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("two servers on two threads share a port") {
  std::atomic<int> echoes_of_one{0};
  std::atomic<int> echoes_of_other{0};
  ThreadedServer one(1, 0, echoes_of_one);
  ThreadedServer other(2, one.address.port(), echoes_of_other);
  CHECK(other.address == one.address);
  // The peers' side turns a loop that has nothing to do but to wait.
  WireServer peers_side;
  peers_side.address = one.address;
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 32; ++i) {
    peers.push_back(std::make_unique<WirePeer>(peers_side));
    REQUIRE(peers.back()->upgrade());
    REQUIRE(peers.back()->send(client_frame(0x81, "to " + std::to_string(i))));
  }
  for (int i = 0; i < 32; ++i) {
    CHECK(peers[static_cast<std::size_t>(i)]->until_contains("to " + std::to_string(i)));
  }
  CHECK(echoes_of_one + echoes_of_other == 32);
  // The kernel deals them out by a hash: that one gets all of them happens once in 2^31 runs.
  CHECK(echoes_of_one > 0);
  CHECK(echoes_of_other > 0);
}

// SPDX-License-Identifier: MIT
//
// Connections that move from one server to another, whose loop runs in a thread of its own: what
// was said before, what comes behind, who counts them, and what happens when one of the two goes.

#include "ws/transfer.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/wire.h"
#include "ws/admission.h"
#include "ws/dock.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::http::Exchange;

namespace {

// A server in a thread of its own. What its routes answer says so.
class Elsewhere {
 public:
  explicit Elsewhere(const ws::Limits& limits = {}, ws::ServerOptions options = {})
      : server(std::make_unique<ws::Server>(loop, limits, std::move(options))) {
    server->get("/there", [this](Exchange& x) {
      const std::string body = std::string(x.request().query()) + (is_here() ? "!" : "?");
      CHECK(x.respond(200, "text/plain", body));
    });
    server->post("/there",
                 [](Exchange& x) { CHECK(x.respond(200, "text/plain", as_text(x.body()))); });
    server->at("/there").on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
    destination = server->destination();
  }
  ~Elsewhere() {
    stop();
    server.reset();
  }
  void run() {
    thread = std::thread([this] {
      thread_id = std::this_thread::get_id();
      static_cast<void>(loop.run());
    });
  }
  void stop() {
    if (!thread.joinable()) return;
    loop.stop();
    thread.join();
  }
  // What `question` finds there, asked in its thread.
  template <class Question>
  auto ask(Question question) {
    std::promise<decltype(question())> answer;
    loop.post([&] { answer.set_value(question()); });
    return answer.get_future().get();
  }
  std::size_t connections() {
    return ask([this] { return server->connection_count() + server->http_connection_count(); });
  }
  bool is_here() const { return std::this_thread::get_id() == thread_id; }

  net::Loop loop;
  std::unique_ptr<ws::Server> server;
  ws::Destination destination;
  std::thread thread;
  std::thread::id thread_id;  // set by itself
};

// Where the peers come in: "/there" is served elsewhere, and "/page" only here.
struct Front : WireServer {
  explicit Front(Elsewhere& to, std::shared_ptr<net::tls::ServerContext> tls = nullptr,
                 const ws::Limits& limits = {}, ws::ServerOptions options = {})
      : WireServer(limits, std::move(options), std::move(tls)) {
    server.transfer("/there", to.destination);
    to.server->transfer("/page", server.destination());
  }
};

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

// The bodies of the answers in `received`, one after the other.
std::string bodies(std::string_view received) {
  std::string all;
  while (!received.empty()) {
    const std::size_t length = received.find("Content-Length: ");
    const std::size_t end = received.find("\r\n\r\n");
    if (length == received.npos || end == received.npos) return all + "[broken]";
    const std::size_t bytes = std::stoul(std::string(received.substr(length + 16, 8)));
    all.append(received.substr(end + 4, bytes)).append("|");
    received.remove_prefix(std::min(received.size(), end + 4 + bytes));
  }
  return all;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a request for what is elsewhere is answered there, and those behind it in their order") {
  const auto tls = plain_then_tls();
  Elsewhere there;
  Front front(there, tls);
  there.run();
  WirePeer peer(front);
  // Away, on there, back, away again; all in one piece.
  REQUIRE(
      peer.send(get("/page") + get("/there?1") + get("/there?2") + get("/page") + get("/there?3")));
  REQUIRE(front.until([&] {
    peer.receive();
    return peer.received.find("3!") != std::string::npos;
  }));
  CHECK(count(peer.received, "HTTP/1.1 200 ") == 5);
  CHECK(bodies(peer.received) == "a page\n|1!|2!|a page\n|3!|");
  CHECK(front.server.http_connection_count() == 0);
  CHECK(there.connections() == 1);
  CHECK(front.server.metrics().accepted == 1);
  CHECK(front.server.metrics().transfers == 1);
  CHECK(there.ask([&] { return there.server->metrics().accepted; }) == 0);
  CHECK(there.ask([&] { return there.server->metrics().transfers; }) == 2);
  // It lives there now.
  peer.received.clear();
  REQUIRE(peer.send(get("/there?4")));
  REQUIRE(peer.until_contains("4!"));
  peer.close();
  REQUIRE(front.until([&] { return there.connections() == 0; }));
}

TEST_CASE("a handshake moves with the frames behind it") {
  const auto tls = plain_then_tls();
  Elsewhere there;
  Front front(there, tls);
  there.run();
  WirePeer peer(front);
  std::string all = upgrade_request("/there");
  std::string answers;
  for (int i = 0; i < 1000; ++i) {
    all += client_frame(0x81, std::to_string(i));
    answers += server_frame(0x81, std::to_string(i));
  }
  REQUIRE(peer.send(all));
  REQUIRE(peer.until_contains(server_frame(0x81, "999")));
  CHECK(peer.received.starts_with("HTTP/1.1 101 "));
  CHECK(peer.received.ends_with(answers));
  REQUIRE(peer.send(client_frame(0x88, close_body(1000))));
  REQUIRE(peer.until_end());
  peer.close();
  REQUIRE(front.until([&] { return there.connections() == 0; }));
}

TEST_CASE("a body that comes behind its head finds the way, and so does who waits for 100") {
  const auto tls = plain_then_tls();
  Elsewhere there;
  Front front(there, tls);
  there.run();
  WirePeer peer(front);
  const std::string head = "POST /there HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n";
  REQUIRE(peer.send(head + "\r\nab"));
  REQUIRE(front.until([&] { return there.connections() == 1; }));
  REQUIRE(peer.send("cdef" + get("/page") + head + "Expect: 100-continue\r\n\r\n"));
  REQUIRE(peer.until_contains("HTTP/1.1 100 "));
  CHECK(peer.received.find("abcdef") != std::string::npos);
  REQUIRE(peer.send("ghijkl"));
  REQUIRE(peer.until_contains("ghijkl"));
}

TEST_CASE("what was answered before leaves whole before its connection does") {
  const auto tls = plain_then_tls();
  Elsewhere there;
  Front front(there, tls);
  const std::string large(3'000'000, 'x');
  front.server.get("/large", [&](Exchange& x) { CHECK(x.respond(200, "text/plain", large)); });
  there.run();
  WirePeer peer(front, 4096);
  REQUIRE(peer.send(get("/page") + get("/large") + get("/there?behind")));
  // Nobody reads: it is still here.
  for (int i = 0; i < 20; ++i) CHECK(front.loop.run_once({0}));
  CHECK(front.server.http_connection_count() == 1);
  REQUIRE(peer.until_contains("behind!"));
  CHECK(peer.received.find(large) != std::string::npos);
  CHECK(there.connections() == 1);
}

TEST_CASE("who does not read what was answered before is given up as ever (stall_timeout)") {
  Elsewhere there;
  ws::Limits limits;
  limits.stall_timeout = net::Duration::milliseconds(20);
  Front front(there, nullptr, limits);
  const std::string large(8'000'000, 'x');
  front.server.get("/large", [&](Exchange& x) { CHECK(x.respond(200, "text/plain", large)); });
  there.run();
  WirePeer peer(front, 4096);
  REQUIRE(peer.send(get("/large") + get("/there")));
  REQUIRE(front.until([&] { return front.rejects(ws::Errc::write_stalled) == 1; }));
  REQUIRE(front.settle());
  CHECK(there.connections() == 0);
}

TEST_CASE("who came is counted once, wherever it lives") {
  ws::Limits limits;
  limits.connections_max = 2;
  std::shared_ptr<ws::Admission> admission;
  const bool shared = [] {
    bool yes = true;
    SUBCASE("together") {}
    SUBCASE("each server for itself") {
      yes = false;
    }
    return yes;
  }();
  if (shared) admission = std::make_shared<ws::Admission>(limits);
  Elsewhere there(limits, {.admission = admission});
  Front front(there, nullptr, limits, {.admission = admission});
  there.run();
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(std::make_unique<WirePeer>(front));
    REQUIRE(peers.back()->send(get("/there?in")));
    REQUIRE(peers.back()->until_contains("in!"));
  }
  WirePeer third(front);
  REQUIRE(third.send(get("/there?in")));
  REQUIRE(third.until_end());
  // Nobody is in front any more, so that one was let in and turned away behind.
  CHECK(third.received.starts_with("HTTP/1.1 503 ") == shared);
  const std::uint64_t full = there.ask([&] {
    return there.server->metrics().rejects[static_cast<std::size_t>(ws::Errc::connections_full)];
  });
  CHECK(full == (shared ? 0 : 1));
  peers.clear();
  REQUIRE(front.until([&] { return there.connections() == 0; }));
  if (shared) CHECK(admission->open_count() == 0);
}

TEST_CASE("servers that point at each other do not pass a request on for ever") {
  Elsewhere there;
  Front front(there);
  front.server.transfer("/nowhere", there.destination);
  there.server->transfer("/nowhere", front.server.destination());
  there.run();
  WirePeer peer(front);
  REQUIRE(peer.send(get("/there?1") + get("/nowhere")));
  REQUIRE(peer.until_end());
  CHECK(peer.received.find("1!") != std::string::npos);
  CHECK(peer.received.find("HTTP/1.1 500 ") != std::string::npos);
  CHECK(front.server.metrics().transfers == 1);
}

TEST_CASE("where a request goes may depend on what it asks, and on nothing: then it stays") {
  Elsewhere there;
  Front front(there);
  front.server.transfer_by("/by", [&](const ws::Request& request) -> ws::Destination {
    if (request.query() == "throw") throw 1;
    return request.query() == "there" ? there.destination : front.server.destination();
  });
  front.server.get("/by", [](Exchange& x) { CHECK(x.respond(200, "text/plain", "stayed")); });
  there.server->get("/by", [](Exchange& x) { CHECK(x.respond(200, "text/plain", "went")); });
  there.run();
  WirePeer peer(front);
  REQUIRE(peer.send(get("/by?throw") + get("/by?here") + get("/by?there")));
  REQUIRE(peer.until_contains("went"));
  CHECK(bodies(peer.received) == "stayed|stayed|went|");
}

TEST_CASE("where nothing is served, the request may still decide where it goes") {
  Elsewhere there;
  there.server->at("/game/:id").on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  there.server->get("/game/:id", [](Exchange& x) { CHECK(x.respond(200, "text/plain", "went")); });
  there.server->post("/game/:id", [](Exchange& x) { CHECK(x.respond(200, "text/plain", "sent")); });
  Front front(there);
  std::vector<std::string> asked;
  front.server.transfer_by("/game/:id", [&](const ws::Request& request) -> ws::Destination {
    asked.emplace_back(request.parameter("id").value_or("none"));
    return asked.back() == "here" ? nullptr : there.destination;
  });
  front.server.transfer_by("/game/*", [](const ws::Request&) -> ws::Destination { return {}; });
  front.server.get("/*", [](Exchange& x) { CHECK(x.respond(200, "text/plain", "stayed")); });
  there.run();
  WirePeer peer(front);
  const std::string post = "POST /game/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
  REQUIRE(peer.send(get("/game/here") + get("/game/1") + post));
  REQUIRE(peer.until_contains("sent"));
  CHECK(bodies(peer.received) == "stayed|went|sent|");
  CHECK(asked == std::vector<std::string>{"here", "1"});
  WirePeer socket(front);
  REQUIRE(socket.upgrade("/game/3"));
  REQUIRE(socket.send(client_frame(0x81, "hello")));
  CHECK(socket.until_contains(server_frame(0x81, "hello")));
  WirePeer nobody(front);
  REQUIRE(nobody.send("POST /game/here HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
  CHECK(nobody.until_contains("HTTP/1.1 405 "));
}

TEST_CASE("whom a proxy speaks for is known where the connection goes, and counted there") {
  const auto admission = std::make_shared<ws::Admission>(ws::Limits{});
  Elsewhere there({}, {.admission = admission});
  there.server->get("/who",
                    [](Exchange& x) { CHECK(x.respond(200, "text/plain", x.peer().to_string())); });
  Front front(there, nullptr, {}, {.admission = admission});
  front.server.transfer("/who", there.destination);
  const auto bound =
      front.server.listen(ws::ListenOptions{.host = "127.0.0.1", .proxy_protocol = true});
  REQUIRE(bound);
  front.address = *bound;
  there.run();
  WirePeer peer(front);
  REQUIRE(peer.send("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n" + get("/who")));
  REQUIRE(peer.until_contains("192.0.2.7:4711"));
  CHECK(admission->open_count() == 1);
  CHECK(admission->remembered_count() == 1);
  peer.close();
  REQUIRE(front.until([&] { return admission->open_count() == 0; }));
}

TEST_CASE("a server that is gone is a 503; one that goes meanwhile closes those on their way") {
  const auto tls = plain_then_tls();
  auto there = std::make_unique<Elsewhere>();
  Front front(*there, tls);
  const Baseline before = front.baseline();
  {
    // Its loop does not run: it never arrives.
    WirePeer lost(front);
    REQUIRE(lost.send(get("/there")));
    REQUIRE(front.until([&] { return there->destination->awaits_any(); }));
    there.reset();
    REQUIRE(lost.until_end());
    CHECK(lost.received.empty());

    WirePeer late(front);
    REQUIRE(late.send(get("/there")));
    REQUIRE(late.until_end());
    CHECK(late.received.starts_with("HTTP/1.1 503 "));
    CHECK(front.rejects(ws::Errc::draining) == 1);
  }
  REQUIRE(front.settle());
  CHECK(front.baseline().connections == before.connections);
  CHECK(front.baseline().watched == before.watched);
  CHECK(front.baseline().timers == before.timers);
  CHECK(front.baseline().pool_bytes == before.pool_bytes);
}

TEST_CASE("a server that drains waits for who is on the way, and serves it for the last time") {
  Elsewhere there;
  Front front(there);
  WirePeer peer(front);
  REQUIRE(peer.send(get("/there?last") + get("/there?more")));
  REQUIRE(front.until([&] { return there.destination->awaits_any(); }));
  std::promise<void> drained;
  there.server->drain({}, [&] { drained.set_value(); });
  there.run();
  REQUIRE(peer.until_end());
  CHECK(bodies(peer.received) == "last!|");
  CHECK(peer.received.find("Connection: close") != std::string::npos);
  peer.close();
  drained.get_future().wait();
  CHECK(there.connections() == 0);
}

TEST_CASE("many come and go in every way while others move; all is given back") {
  const auto tls = plain_then_tls();
  constexpr int all = 500;  // twice: over TLS, too
  constexpr int at_once = 20;
  const auto admission = std::make_shared<ws::Admission>(ws::Limits{});
  std::mt19937 random{4};
  std::size_t descriptors = 0;
  {
    Elsewhere there({}, {.admission = admission});
    Front front(there, tls, {}, {.admission = admission});
    there.run();
    CHECK(there.connections() == 0);
    descriptors = open_descriptors();
    const std::string end = server_frame(0x81, "9");
    int served = 0;
    for (int i = 0; i < all; i += at_once) {
      std::vector<std::unique_ptr<WirePeer>> peers;
      for (int each = 0; each < at_once; ++each) {
        peers.push_back(std::make_unique<WirePeer>(front));
        WirePeer& peer = *peers.back();
        std::string bytes;
        if (random() % 2 != 0) bytes += get("/page") + get("/there?x") + get("/page");
        bytes += upgrade_request("/there");
        for (char n = '0'; n <= '9'; ++n) bytes += client_frame(0x81, {&n, 1});
        REQUIRE(peer.send(bytes));
        if (random() % 4 == 0) random() % 2 != 0 ? peer.reset() : peer.close();
      }
      for (auto& peer : peers) {
        if (peer->fd() < 0) continue;
        REQUIRE(peer->until_contains(end));
        std::string echoes;
        for (char n = '0'; n <= '9'; ++n) echoes += server_frame(0x81, {&n, 1});
        CHECK(peer->received.ends_with(echoes));
        ++served;
      }
    }
    CHECK(served > all / 2);
    REQUIRE(front.settle());
    REQUIRE(front.until([&] { return there.connections() == 0; }));
    CHECK(admission->open_count() == 0);
    CHECK(there.ask([&] { return there.loop.pool().taken_bytes(); }) == 0);
    CHECK(there.ask([&] { return there.loop.timers().armed_count(); }) == 0);
    CHECK(front.loop.pool().taken_bytes() == 0);
    CHECK(open_descriptors() == descriptors);
  }
}

TEST_CASE("however the bytes come in pieces, what is answered is the same") {
  // Both servers on one loop: what happens depends on nothing but the pieces.
  WireServer front;
  ws::Server there(front.loop, {}, {.date = false});
  there.get("/there", [](Exchange& x) { CHECK(x.respond(200, "t/a", x.request().query())); });
  there.post("/there", [](Exchange& x) { CHECK(x.respond(200, "t/b", as_text(x.body()))); });
  there.at("/there").on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  there.transfer("/page", front.server.destination());
  front.server.transfer("/there", there.destination());
  const std::string all = get("/there?1") + get("/page") + get("/page") +
                          "POST /there HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n" +
                          get("/page") + get("/there?2") + upgrade_request("/there") +
                          client_frame(0x01, "one ") + client_frame(0x80, "message") +
                          client_frame(0x88, close_body(1000));
  const std::string frames =
      server_frame(0x81, "one message") + server_frame(0x88, close_body(1000));
  std::mt19937 random{7};
  std::string whole;
  for (int round = 0; round < 60; ++round) {
    WirePeer peer(front);
    std::string_view rest = all;
    while (!rest.empty()) {
      const std::size_t piece = round == 0 ? rest.size() : 1 + random() % (round < 20 ? 3 : 400);
      REQUIRE(peer.send(rest.substr(0, piece)));
      rest.remove_prefix(std::min(piece, rest.size()));
      for (std::uint32_t turns = random() % 4; turns != 0; --turns) {
        REQUIRE(front.loop.run_once({0}));
      }
    }
    REQUIRE(peer.until_end());
    if (round == 0) whole = peer.received;
    CHECK(peer.received == whole);
  }
  CHECK(whole.ends_with(frames));
  CHECK(count(whole, "HTTP/1.1 200 ") == 6);
  REQUIRE(
      front.until([&] { return there.connection_count() + there.http_connection_count() == 0; }));
  CHECK(front.loop.pool().taken_bytes() == 0);
}

TEST_CASE("a connection that was answered elsewhere did not keep silent there") {
  std::vector<std::string> lines;  // written and read in the thread of that server
  ws::ServerOptions options;
  options.log = [&lines](ws::LogLevel, std::string_view line) { lines.emplace_back(line); };
  Elsewhere there({}, std::move(options));
  Front front(there);
  there.run();
  {
    WirePeer peer(front);
    REQUIRE(peer.send(get("/there")));
    REQUIRE(peer.until_contains("\r\n\r\n"));
  }
  REQUIRE(front.until([&] { return there.connections() == 0; }));
  CHECK(there.ask([&] { return lines; }).empty());
}

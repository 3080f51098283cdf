// SPDX-License-Identifier: MIT
//
// Client: arguments, every way in and out, and messages, against our server and a raw one. What a
// server may answer is in test_ws_client_answers.cc, deadlines are in tests/sim.

#include "ws/client.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/raw_server.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

// A client on a loop of somebody's, and what it was told.
struct Caller {
  explicit Caller(net::Loop& loop, const ws::Limits& limits = {}) {
    client = std::make_unique<ws::Client>(loop, limits);
    client->on_open([this](ws::Connection&) { told.push_back("open"); })
        .on_message([this](ws::Connection&, ws::Message m) { messages.emplace_back(m.text()); })
        .on_close([this](ws::Connection&, ws::CloseInfo info) {
          told.push_back("close");
          closed_by = info.by;
          code = info.code;
          clean = info.clean;
          if (then) std::exchange(then, nullptr)();
        })
        .on_failed([this](std::error_code why) {
          told.push_back("failed");
          error = why;
          if (then) std::exchange(then, nullptr)();
        });
  }
  int count(std::string_view what) const {
    int n = 0;
    for (const std::string& one : told) n += one == what ? 1 : 0;
    return n;
  }

  std::vector<std::string> told;
  std::vector<std::string> messages;
  std::error_code error;
  ws::ClosedBy closed_by{};
  ws::CloseCode code{};
  bool clean = false;
  std::function<void()> then;  // once, at the next end
  std::unique_ptr<ws::Client> client;
};

std::string url_of(const net::Address& address, std::string_view rest = "/echo") {
  return "ws://" + address.to_string() + std::string(rest);
}

// The stages of a connection's life at which something can be done to it.
enum class Stage { fresh, resolving, connecting, asking, open, closing };
constexpr Stage all_stages[] = {Stage::fresh,  Stage::resolving, Stage::connecting,
                                Stage::asking, Stage::open,      Stage::closing};

// Takes the client to that stage.
void bring(Caller& caller, net::Loop& loop, RawServer& server, Stage stage) {
  if (stage == Stage::fresh) return;
  std::string url = server.url();
  if (stage == Stage::resolving) {
    url = "ws://localhost:" + std::to_string(server.address.port()) + "/";
  }
  REQUIRE(caller.client->connect({.url = url}));
  if (stage == Stage::resolving || stage == Stage::connecting) {
    // A name is looked up elsewhere; an address is dialled in the first turn.
    if (stage == Stage::connecting) REQUIRE(loop.run_once(net::Duration{}));
    return;
  }
  REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
  if (stage == Stage::asking) return;
  server.send(server.good_answer());
  REQUIRE(turn_until(loop, [&] { return caller.count("open") == 1; }));
  if (stage == Stage::closing) REQUIRE(caller.client->connection()->close());
}

}  // namespace

TEST_CASE("arguments that are wrong are told at once, and nothing is started (E 105)") {
  net::Loop loop;
  RawServer server;
  Caller caller(loop);
  const std::string good = server.url();
  const auto refused = [&](const ws::ConnectOptions& options) {
    const Status status = caller.client->connect(options);
    REQUIRE_FALSE(status);
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
    CHECK(loop.pool().taken_bytes() == 0);
    return status.error();
  };
  CHECK(refused({}) == make_error_code(Errc::url_scheme));
  CHECK(refused({.url = "ftp://127.0.0.1/"}) == make_error_code(Errc::url_scheme));
  CHECK(refused({.url = "ws://"}) == make_error_code(Errc::url_host));
  CHECK(refused({.url = "ws://127.0.0.1:0/"}) == make_error_code(Errc::url_port));
  CHECK(refused({.url = "ws://127.0.0.1/a b"}) == make_error_code(Errc::url_target));
  CHECK(refused({.url = "ws://127.0.0.1/\r\nX: y"}) == make_error_code(Errc::url_target));
  CHECK(refused({.url = "ws://127.0.0.1\r\n/"}) == make_error_code(Errc::url_target));
  CHECK(refused({.url = "ws://127.0.0.1/#f"}) == make_error_code(Errc::url_fragment));
  const auto argument = make_error_code(Errc::argument);
  CHECK(refused({.url = good, .subprotocols = {"a b"}}) == argument);
  CHECK(refused({.url = good, .subprotocols = {"a\r\nX: y"}}) == argument);
  CHECK(refused({.url = good, .subprotocols = {"a", "a"}}) == argument);
  CHECK(refused({.url = good, .origin = "http://a\r\nX: y"}) == argument);
  CHECK(refused({.url = good, .fields = {{"X", "1\r\nY: 2"}}}) == argument);
  CHECK(refused({.url = good, .fields = {{"X:", "1"}}}) == argument);
  CHECK(refused({.url = good, .fields = {{"Sec-WebSocket-Key", "x"}}}) == argument);
  CHECK(refused({.url = good, .fields = {{"Host", "x"}}}) == argument);
  CHECK(refused({.url = good, .fields = {{"Content-Length", "5"}}}) == argument);
  settle(loop);
  server.poll();
  CHECK(server.accepted == 0);
  CHECK(caller.told.empty());
  // After all that it is as good as new.
  bring(caller, loop, server, Stage::open);
}

TEST_CASE("messages of a megabyte go both ways, and every frame has its own key") {
  WireServer server;
  Caller caller(server.loop);
  REQUIRE(caller.client->connect({.url = url_of(server.address)}));
  REQUIRE(
      server.until([&] { return caller.client->connection() != nullptr && server.opened == 1; }));
  ws::Connection& connection = *caller.client->connection();
  CHECK(connection.role() == ws::Role::client);
  CHECK(connection.is_open());
  CHECK(connection.peer().port() == server.address.port());
  const std::string large = pattern(1 << 20);
  CHECK(connection.send_binary(as_bytes(large)) == ws::Sent::accepted);
  CHECK(connection.send_text("small") == ws::Sent::accepted);
  CHECK(connection.send_text("") == ws::Sent::accepted);
  REQUIRE(server.until([&] { return caller.messages.size() == 3; }));
  CHECK((server.messages[0].second == large));
  CHECK((caller.messages[0] == large));
  CHECK(caller.messages[1] == "small");
  CHECK(caller.messages[2].empty());
  CHECK(caller.client->metrics().messages_sent == 3);
  CHECK(caller.client->metrics().messages_received == 3);
  CHECK(connection.close(ws::CloseCode::normal, "done"));
  CHECK(connection.send_text("late") == ws::Sent::closed);
  REQUIRE(server.until([&] { return caller.count("close") == 1; }));
  CHECK(caller.clean);
  CHECK(caller.code == ws::CloseCode::normal);
  CHECK(caller.closed_by == ws::ClosedBy::us);
  REQUIRE(server.settle());
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].clean);
  CHECK(caller.client->connection() == nullptr);
}

TEST_CASE("a server that closes is answered, and ends clean") {
  WireServer server;
  server.server.at("/bye").on_message([](ws::Connection& c, ws::Message) {
    CHECK(c.close(static_cast<ws::CloseCode>(4001), "bye"));
  });
  Caller caller(server.loop);
  REQUIRE(caller.client->connect({.url = url_of(server.address, "/bye")}));
  REQUIRE(server.until([&] { return caller.count("open") == 1; }));
  CHECK(caller.client->connection()->send_text("?") == ws::Sent::accepted);
  REQUIRE(server.until([&] { return caller.count("close") == 1; }));
  CHECK(caller.clean);
  CHECK(caller.code == static_cast<ws::CloseCode>(4001));
  CHECK(caller.closed_by == ws::ClosedBy::peer);
}

TEST_CASE("a Unix socket is a server like any other") {
  WireServer server;
  std::string folder = "/tmp/hilo_test_XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/socket";
  REQUIRE(server.server.listen({.unix_path = path}));
  std::string seen;
  server.server.at("/chat").on_open([&](ws::Connection& c) {
    seen = std::string(c.path()) + "?" + std::string(c.request().query());
    c.send_text("welcome");
  });
  Caller caller(server.loop);
  REQUIRE(caller.client->connect({.url = "ws+unix://" + path + ":/chat?x=1"}));
  CHECK(caller.told.empty());
  REQUIRE(server.until([&] { return !caller.messages.empty(); }));
  CHECK(seen == "/chat?x=1");
  // Nobody there, and a path that no socket could have.
  Caller lost(server.loop);
  REQUIRE(lost.client->connect({.url = "ws+unix://" + folder + "/nobody:/"}));
  REQUIRE(server.until([&] { return lost.count("failed") == 1; }));
  CHECK(lost.error == std::errc::no_such_file_or_directory);
  REQUIRE(lost.client->connect({.url = "ws+unix:///" + std::string(200, 'x') + ":/"}));
  CHECK(lost.count("failed") == 1);  // never from within the call
  REQUIRE(server.until([&] { return lost.count("failed") == 2; }));
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
}

TEST_CASE("a path longer than any head of ours is kept whole") {
  net::Loop loop;
  RawServer server;
  Caller caller(loop);
  const std::string path = "/" + std::string(70'000, 'p');
  REQUIRE(caller.client->connect({.url = server.url(path + "?q")}));
  REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
  server.send(server.good_answer());
  REQUIRE(turn_until(loop, [&] { return caller.count("open") == 1; }));
  CHECK((caller.client->connection()->path() == path));
  CHECK(caller.client->connection()->request().query() == "q");
}

TEST_CASE("a second connect() is refused while the first one lives") {
  for (const Stage stage : all_stages) {
    if (stage == Stage::fresh) continue;
    CAPTURE(static_cast<int>(stage));
    net::Loop loop;
    RawServer server;
    Caller caller(loop);
    bring(caller, loop, server, stage);
    CHECK(caller.client->connect({.url = server.url()}).error() == std::errc::already_connected);
  }
}

TEST_CASE("abort ends each stage, once, and the client may connect again from there") {
  for (const Stage stage : all_stages) {
    CAPTURE(static_cast<int>(stage));
    net::Loop loop;
    RawServer server;
    Caller caller(loop);
    bring(caller, loop, server, stage);
    const std::size_t told = caller.told.size();
    caller.client->abort();
    caller.client->abort();
    CHECK(caller.told.size() == told);  // never from within the call
    if (stage == Stage::fresh) {
      settle(loop);
      CHECK(caller.told.empty());
      continue;
    }
    bool again = false;
    caller.then = [&] {
      again = true;
      REQUIRE(caller.client->connect({.url = server.url()}));
      CHECK(caller.client->connect({.url = server.url()}).error() == std::errc::already_connected);
    };
    REQUIRE(turn_until(loop, [&] { return again; }));
    if (stage == Stage::open || stage == Stage::closing) {
      CHECK(caller.count("close") == 1);
      CHECK(caller.closed_by == ws::ClosedBy::us);
      CHECK(caller.code == ws::CloseCode::abnormal);
    } else {
      CHECK(caller.told == std::vector<std::string>{"failed"});
      CHECK(caller.error == std::errc::operation_canceled);
    }
    const int opened = caller.count("open");
    // The first call may still have arrived; the request of the second one is what counts.
    REQUIRE(turn_until(loop, [&] {
      if (server.take_request()) server.send(server.good_answer());
      return caller.count("open") == opened + 1;
    }));
    CHECK(caller.client->connection()->is_open());
    CHECK(caller.count("failed") + caller.count("close") == 1);
  }
}

TEST_CASE("connect() right behind abort() is another connection") {
  WireServer server;
  Caller caller(server.loop);
  const std::string url = url_of(server.address);
  REQUIRE(caller.client->connect({.url = url}));
  REQUIRE(server.until([&] { return caller.count("open") == 1; }));
  caller.client->abort();
  REQUIRE(caller.client->connect({.url = url}));
  REQUIRE(server.until([&] { return caller.count("open") == 2; }));
  CHECK(caller.told == std::vector<std::string>{"open", "close", "open"});
  CHECK(caller.client->connection()->send_text("fine") == ws::Sent::accepted);
  REQUIRE(server.until([&] { return !caller.messages.empty(); }));
}

TEST_CASE("a client may go at every stage; only on_close is called, where it is owed") {
  for (const Stage stage : all_stages) {
    for (const bool aborted : {false, true}) {
      CAPTURE(static_cast<int>(stage));
      CAPTURE(aborted);
      net::Loop loop;
      RawServer server;
      Caller caller(loop);
      bring(caller, loop, server, stage);
      if (aborted) caller.client->abort();
      const bool owed = stage == Stage::open || stage == Stage::closing;
      caller.client.reset();
      CHECK(caller.count("close") == (owed ? 1 : 0));
      CHECK(caller.count("failed") == 0);
      CHECK(loop.watched_count() == 0);
      CHECK(loop.pool().taken_bytes() == 0);
      settle(loop);
      CHECK(caller.count("failed") == 0);
      CHECK(loop.timers().armed_count() <= (stage == Stage::resolving ? 1 : 0));
    }
  }
}

TEST_CASE("on_close of a client that goes may connect again, which comes to nothing") {
  net::Loop loop;
  RawServer server;
  auto caller = std::make_unique<Caller>(loop);
  bring(*caller, loop, server, Stage::open);
  bool asked = false;
  ws::Client* client = caller->client.get();
  caller->then = [&] {
    asked = true;
    static_cast<void>(client->connect({.url = server.url()}));
  };
  caller->client.reset();
  CHECK(asked);
  CHECK(loop.timers().armed_count() == 0);
  CHECK(loop.watched_count() == 0);
  settle(loop);
  CHECK(caller->told == std::vector<std::string>{"open", "close"});
}

TEST_CASE("nobody there: on_failed, from the loop, as often as one tries") {
  net::Loop loop;
  net::Address nobody;
  {
    RawServer server;
    nobody = server.address;
  }
  Caller caller(loop);
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(caller.client->connect({.url = url_of(nobody)}));
    CHECK(caller.count("failed") == i - 1);
    REQUIRE(turn_until(loop, [&] { return caller.count("failed") == i; }));
    CHECK(caller.error == std::errc::connection_refused);
    CHECK(caller.client->response() == nullptr);
  }
  CHECK(loop.watched_count() == 0);
  CHECK(loop.timers().armed_count() == 0);
}

TEST_CASE("handlers of a client that throw harm only their connection") {
  net::Loop loop;
  RawServer server;
  Caller caller(loop);
  caller.then = [] { throw 1; };
  bring(caller, loop, server, Stage::asking);
  server.reset();
  REQUIRE(turn_until(loop, [&] { return caller.count("failed") == 1; }));
  caller.client->on_message([](ws::Connection&, ws::Message) { throw 1; });
  bring(caller, loop, server, Stage::open);
  server.send(server_frame(0x81, "x"));
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    return server.ended;
  }));
  const std::vector<ClientFrame> frames = take_client_frames(server.received);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].payload == close_body(1011));
  server.hang_up();
  REQUIRE(turn_until(loop, [&] { return caller.count("close") == 1; }));
}

TEST_CASE("a limit of none on the time to connect is no limit") {
  ws::Limits limits;
  limits.connect_timeout = net::Duration{};
  WireServer server;
  Caller caller(server.loop, limits);
  REQUIRE(caller.client->connect({.url = url_of(server.address)}));
  REQUIRE(server.until([&] { return !caller.told.empty(); }));
  CHECK(caller.told == std::vector<std::string>{"open"});
}

TEST_CASE("a client's frames are masked, each with a key of its own") {
  net::Loop loop;
  RawServer server;
  Caller caller(loop);
  bring(caller, loop, server, Stage::open);
  for (int i = 0; i < 50; ++i) {
    CHECK(caller.client->connection()->send_text("the same text") == ws::Sent::accepted);
  }
  std::vector<ClientFrame> frames;
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    for (ClientFrame& frame : take_client_frames(server.received)) frames.push_back(frame);
    return frames.size() == 50;
  }));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CHECK(frames[i].first == 0x81);
    CHECK(frames[i].payload == "the same text");
    for (std::size_t j = 0; j < i; ++j) CHECK(frames[i].key != frames[j].key);
  }
  // A Pong and the answer to a Close are frames like the others.
  server.send(server_frame(0x89, "ping") + server_frame(0x88, close_body(1000)));
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    for (ClientFrame& frame : take_client_frames(server.received)) frames.push_back(frame);
    return frames.size() == 52;
  }));
  CHECK(frames[50].first == 0x8A);
  CHECK(frames[50].payload == "ping");
  CHECK(frames[51].first == 0x88);
  CHECK(frames[51].payload == close_body(1000));
}

TEST_CASE("keep-alive pings count up, and their pongs are not told; one's own are") {
  ws::Limits limits;
  limits.ping_interval = net::Duration::milliseconds(5);
  net::Loop loop;
  RawServer server;
  Caller caller(loop, limits);
  std::vector<std::string> pongs;
  caller.client->on_pong(
      [&](ws::Connection&, Bytes payload) { pongs.emplace_back(as_text(payload)); });
  bring(caller, loop, server, Stage::open);
  std::vector<std::string> pings;
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    for (const ClientFrame& frame : take_client_frames(server.received)) {
      CHECK(frame.first == 0x89);
      pings.push_back(frame.payload);
      server.send(server_frame(0x8A, frame.payload));
    }
    return pings.size() >= 3;
  }));
  CHECK(pings[0] == std::string("\0\0\0\1", 4));
  CHECK(pings[1] == std::string("\0\0\0\2", 4));
  CHECK(pings[2] == std::string("\0\0\0\3", 4));
  CHECK(pongs.empty());
  CHECK(caller.client->connection()->ping(as_bytes("mine")));
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    for (const ClientFrame& frame : take_client_frames(server.received)) {
      server.send(server_frame(0x8A, frame.payload));
    }
    return !pongs.empty();
  }));
  CHECK(pongs == std::vector<std::string>{"mine"});
}

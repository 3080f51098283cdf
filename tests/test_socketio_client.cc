// SPDX-License-Identifier: MIT
//
// The client against the real server on the same loop. What it makes of servers that misbehave:
// test_socketio_client_servers.cc.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/socketio_client.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

TEST_CASE("events go both ways, with values of every kind, by every transport") {
  engineio::Transports transports = engineio::Transports::websocket;
  SUBCASE("websocket") {}
  SUBCASE("polling") {
    transports = engineio::Transports::polling;
  }
  SUBCASE("upgrade") {
    transports = engineio::Transports::polling_first;
  }
  ManagerOptions options = quick();
  options.connect.transports = transports;
  SocketioServer server;
  server.io.on_connection([](Socket socket) {
    socket.on("echo", [socket](const Arguments& a) { socket.emit_values("back", a.copy()); });
    socket.on("sum", [](int a, int b, Ack ack) { ack(a + b, "done"); });
    socket.emit("ask", 20, [socket](std::error_code error, int answer) {
      socket.emit("told", !error, answer);
    });
  });
  TestClient client(server, std::move(options));
  const ClientSocket socket = client.socket();
  CHECK_FALSE(socket.connected());
  CHECK(socket.active());
  socket.on("ask", [](int number, Ack ack) { ack(number + 1); });
  socket.on("told", [&](bool ok, int answer) {
    client.note("told " + std::to_string(static_cast<int>(ok)) + " " + std::to_string(answer));
  });
  socket.once("back", [&](std::string_view text, const Json& nested, Binary binary) {
    client.note("back " + std::string(text) + " " + std::to_string(nested["a"][0].is_binary()) +
                " " + std::string(as_text(binary.bytes)));
  });
  REQUIRE(client.until("told 1 21"));
  CHECK(client.events.front() == "/ connect");
  CHECK(socket.connected());
  CHECK(socket.id() == server.io.of("/").find(socket.id()).id());
  CHECK_FALSE(socket.id().empty());
  const Json nested = {{"a", Json::array({Json::binary({1, 2}), nullptr})}};
  CHECK(socket.emit("echo", "h\u00e9llo \U0001F600", nested, Binary{as_bytes("abc")}));
  REQUIRE(client.until("back h\u00e9llo \U0001F600 1 abc"));
  std::optional<int> sum;
  CHECK(socket.emit("sum", 1, 2, [&](std::error_code error, int result, std::string_view text) {
    CHECK_FALSE(error);
    CHECK(text == "done");
    sum = result;
  }));
  REQUIRE(server.until([&] { return sum.has_value(); }));
  CHECK(sum == 3);
  // Names that mean something else are nobody's to emit.
  CHECK_FALSE(socket.emit("connect"));
  CHECK_FALSE(socket.emit("disconnect", 1));
  socket.disconnect();
  CHECK_FALSE(socket.connected());
  CHECK(socket.id().empty());
  CHECK(client.events.back() != "/ disconnect: io client disconnect");
  REQUIRE(client.until("/ disconnect: io client disconnect"));
  REQUIRE(server.io_settles());
  CHECK_FALSE(client.manager.is_open());
  CHECK(client.manager.metrics().connected == client.manager.metrics().disconnected);
}

TEST_CASE("namespaces share one connection, and go one by one") {
  SocketioServer server;
  std::vector<std::string> ends;
  for (const char* name : {"/", "/news"}) {
    server.io.of(name).on_connection([&ends, name](Socket socket) {
      socket.emit("hello", name);
      socket.on("disconnect", [&ends, name](std::string_view reason) {
        ends.push_back(name + (" " + std::string(reason)));
      });
    });
  }
  const Baseline before = server.baseline();
  {
    TestClient client(server);
    const ClientSocket main = client.socket();
    const ClientSocket news = client.socket("news");
    CHECK(client.manager.socket("/news") == news);
    CHECK(news.nsp() == "/news");
    main.on("hello", [&](std::string_view name) { client.note("main " + std::string(name)); });
    news.on("hello", [&](std::string_view name) { client.note("news " + std::string(name)); });
    REQUIRE(client.until("news /news"));
    CHECK(client.heard("main /"));
    CHECK(server.io.client_count() == 1);
    main.disconnect();
    REQUIRE(server.until([&] { return ends.size() == 1; }));
    CHECK(ends[0] == "/ client namespace disconnect");
    CHECK(news.connected());
    // It may come again over the same connection.
    main.connect();
    REQUIRE(server.until([&] { return main.connected(); }));
    CHECK(server.io.client_count() == 1);
    main.disconnect();
    news.disconnect();
    REQUIRE(server.io_settles());
    CHECK_FALSE(client.manager.is_open());
  }
  CHECK(server.until([&] { return server.baseline() == before; }));
}

TEST_CASE("who is refused hears why, stays away, and may come again with another auth") {
  SocketioServer server;
  int asked = 0;
  server.io.use([&](Socket socket, Next next) {
    ++asked;
    if (socket.auth().value("token", 0) == 3) return next();
    next("not you", {{"code", 7}});
  });
  TestClient client(server);
  int token = 0;
  std::optional<GiveAuth> later;
  ClientSocketOptions options;
  options.ask_auth = [&](GiveAuth give) {
    if (++token != 3) return give({{"token", token}});
    later.emplace(std::move(give));
  };
  const ClientSocket socket = client.socket("/", std::move(options));
  socket.on("connect_error", [&](std::string_view message, const Json& data) {
    CHECK(message == "not you");
    CHECK(data["code"] == 7);
    if (token == 1) socket.connect();
  });
  REQUIRE(
      server.until([&] { return token == 2 && client.count("/ connect_error: not you") == 2; }));
  CHECK_FALSE(socket.active());
  REQUIRE(server.io_settles());
  CHECK(asked == 2);
  CHECK_FALSE(client.manager.is_open());
  socket.connect();
  REQUIRE(server.until([&] { return later.has_value(); }));
  (*later)({{"token", 3}});
  (*later)({{"token", 4}});
  REQUIRE(client.until("/ connect"));
  // A namespace that is not there.
  const ClientSocket none = client.socket("/none");
  REQUIRE(client.until("/none connect_error: Invalid namespace"));
  CHECK(socket.connected());
  CHECK_FALSE(none.active());
}

TEST_CASE("a server that disconnects is left alone; one that is lost is come back to") {
  SocketioServer server;
  std::optional<Socket> last;
  server.io.on_connection([&](Socket socket) { last = socket; });
  TestClient client(server);
  client.note_manager();
  const ClientSocket socket = client.socket();
  REQUIRE(client.until("/ connect"));
  const std::string id(socket.id());
  server.server.for_each([](ws::Connection& c) { c.abort(); });
  REQUIRE(server.until([&] { return client.count("/ connect") == 2; }));
  CHECK(socket.id() != id);
  CHECK(client.events == Events{"open", "/ connect", "/ disconnect: transport close",
                                "close: transport close", "reconnect_attempt 1", "open",
                                "reconnect 1", "/ connect"});
  client.events.clear();
  SUBCASE("from a namespace") {
    last->disconnect();
  }
  SUBCASE("and closes") {
    last->disconnect(true);
  }
  REQUIRE(client.until("close: forced close"));
  CHECK(client.events == Events{"/ disconnect: io server disconnect", "close: forced close"});
  CHECK_FALSE(socket.active());
  REQUIRE(server.io_settles());
  CHECK(client.events.size() == 2);
  socket.connect();
  REQUIRE(client.until("/ connect"));
  CHECK(client.count("/ connect") == 1);
}

TEST_CASE("who is sent away comes back at once when it is told, over a connection that stays") {
  SocketioServer server;
  int connections = 0;
  server.io.on_connection([&](Socket socket) {
    if (++connections == 1) socket.disconnect(true);
  });
  ManagerOptions options = quick();
  options.reconnection.delay = options.reconnection.delay_max = net::Duration::seconds(3600);
  TestClient client(server, std::move(options));
  client.note_manager();
  const ClientSocket socket = client.socket();
  socket.on("disconnect", [&] { socket.connect(); });
  socket.on("disconnect", [&] { socket.connect(); });
  REQUIRE(server.until([&] { return connections == 2 && socket.connected(); }));
  CHECK(client.events == Events{"open", "/ connect", "/ disconnect: io server disconnect",
                                "close: forced close", "open", "/ connect"});
  CHECK(server.io.client_count() == 1);
}

TEST_CASE("disconnect() and connect() while it waits for the next attempt try at once") {
  SocketioServer server;
  int connections = 0;
  server.io.on_connection([&](Socket socket) {
    if (++connections == 1) socket.engine()->close();
  });
  ManagerOptions options = quick();
  options.reconnection.delay = options.reconnection.delay_max = net::Duration::seconds(3600);
  TestClient client(server, std::move(options));
  const ClientSocket socket = client.socket();
  REQUIRE(client.until("/ disconnect: transport close"));
  server.turns();
  // By itself that is what it does already.
  socket.connect();
  server.turns();
  CHECK(connections == 1);
  socket.disconnect();
  socket.connect();
  REQUIRE(server.until([&] { return connections == 2 && socket.connected(); }));
}

TEST_CASE("what is emitted offline waits, in order and up to a limit; volatile does not") {
  SocketioServer server;
  Events told;
  server.io.on_connection([&](Socket socket) {
    socket.on("say", [&](int number, Ack ack) {
      told.push_back(std::to_string(number));
      ack(number);
    });
  });
  ManagerOptions options = quick();
  options.waiting_events_max = 3;
  TestClient client(server, std::move(options));
  const ClientSocket socket = client.socket("/", {.connect = false});
  socket.on_any_outgoing([&](std::string_view event, const Json& values) {
    client.note("out " + std::string(event) + " " + values.dump());
  });
  CHECK(socket.emit("say", 1));
  CHECK_FALSE(socket.volatile_().emit("say", 2));
  CHECK(socket.emit("say", 3, [&](std::error_code error, int n) {
    client.note("answer " + std::to_string(n) + " " + error.message());
  }));
  CHECK(socket.timeout(milliseconds(1)).emit("say", 4, [&](std::error_code error) {
    client.note(error.message());
  }));
  CHECK(socket.waiting_events() == 3);
  CHECK_FALSE(socket.emit("say", 5, [&](std::error_code error) { client.note(error.message()); }));
  REQUIRE(client.until("operation has timed out"));
  CHECK(client.events.front() == "too many acknowledgements are waited for");
  CHECK(socket.waiting_events() == 2);
  socket.connect();
  REQUIRE(client.heard_soon("answer 3 Success"));
  CHECK(told == Events{"1", "3"});
  CHECK(client.count("out say [\"say\",1]") == 1);
  CHECK(socket.volatile_().emit("say", 6));
  REQUIRE(server.until([&] { return told.back() == "6"; }));
}

TEST_CASE("answers that do not come are told: in time, at the end, and when there are too many") {
  SocketioServer server;
  std::optional<Ack> kept;
  server.io.on_connection(
      [&](Socket socket) { socket.on("keep", [&](Ack ack) { kept.emplace(std::move(ack)); }); });
  ManagerOptions options = quick();
  options.acks_max = 2;
  TestClient client(server, std::move(options));
  const ClientSocket socket =
      client.manager.socket("/", {.ack_timeout = net::Duration::seconds(100)});
  const auto note = [&](std::error_code error) { client.note(error.message()); };
  // Not before: what times out while it waits to be sent never leaves.
  REQUIRE(server.until([&] { return socket.connected(); }));
  socket.timeout(milliseconds(5)).emit("keep", note);
  REQUIRE(client.until("operation has timed out"));
  REQUIRE(server.until([&] { return kept.has_value(); }));
  (*kept)("late");
  REQUIRE(server.until([&] { return client.rejects(Errc::ack_unknown) == 1; }));  // 250
  CHECK(socket.connected());
  CHECK(socket.emit("keep", note));
  CHECK(socket.emit("keep", [](int) {}));
  CHECK_FALSE(socket.emit("keep", note));
  REQUIRE(client.until("too many acknowledgements are waited for"));
  socket.disconnect();
  REQUIRE(client.until("socket has been disconnected"));
}

TEST_CASE("the deadline of an answer goes with the answer") {
  SocketioServer server;
  server.io.on_connection([&](Socket socket) { socket.on("ask", [](Ack ack) { ack("yes"); }); });
  TestClient client(server);
  const ClientSocket socket = client.socket();
  REQUIRE(client.until("/ connect"));
  server.turns();
  socket.timeout(net::Duration::seconds(100)).emit("ask", [&](std::error_code error) {
    client.note(error ? error.message() : "answered");
  });
  const std::size_t waiting = server.loop.timers().armed_count();
  REQUIRE(client.until("answered"));
  CHECK(server.loop.timers().armed_count() == waiting - 1);
}

TEST_CASE("with retries events go one after the other until they are answered") {
  SocketioServer server;
  Events told;
  server.io.on_connection([&](Socket socket) {
    socket.on("job", [&, socket](int number, Ack ack) {
      told.push_back(std::to_string(number));
      if (number == 2 && told.size() == 2) return;  // it gets lost
      if (number == 3 && told.size() == 4) return socket.engine()->close();
      if (number != 4) ack(number);
    });
  });
  TestClient client(server);
  ClientSocketOptions options{.retries = 2, .ack_timeout = milliseconds(20)};
  const ClientSocket socket = client.socket("/", std::move(options));
  for (int i = 1; i <= 5; ++i) {
    CHECK(socket.emit("job", i, [&client, i](std::error_code error, int answer) {
      client.note("job " + std::to_string(i) + ": " +
                  (error ? error.message() : std::to_string(answer)));
    }));
  }
  CHECK(socket.waiting_events() == 5);
  REQUIRE(client.until("job 5: 5"));
  CHECK(told == Events{"1", "2", "2", "3", "3", "4", "4", "4", "5"});
  CHECK(client.heard("job 4: operation has timed out"));
  CHECK(client.count("/ connect") == 2);
  CHECK(socket.waiting_events() == 0);
}

TEST_CASE("protocol 4: \"/\" is connected to unasked, others with a query") {
  Options options;
  options.engine.revision3 = true;
  SocketioServer server(options);
  for (const char* name : {"/", "/news"}) {
    server.io.of(name).on_connection([](Socket socket) {
      socket.on("echo", [](std::string_view text, Binary binary, Ack ack) { ack(text, binary); });
    });
  }
  server.io.of("/closed").use([](Socket, Next next) { next("not you"); });
  server.io.of("/with data").use([](Socket, Next next) { next("not you", {{"code", 7}}); });
  ManagerOptions manager_options = quick();
  manager_options.connect.revision = engineio::Revision::v3;
  TestClient client(server, std::move(manager_options));
  const ClientSocket news = client.socket("/news?token=t");
  CHECK(news.nsp() == "/news");
  REQUIRE(client.until("/news connect"));
  CHECK(news.id().starts_with("/news#"));
  // The server has connected "/" long ago.
  const ClientSocket main = client.socket();
  REQUIRE(client.until("/ connect"));
  for (const ClientSocket& socket : {news, main}) {
    std::string answer;
    socket.emit("echo", "h\u00e9llo", Binary{as_bytes("\x01\x02")},
                [&](std::string_view text, Binary binary) {
                  answer = std::string(text).append(as_text(binary.bytes));
                });
    REQUIRE(server.until([&] { return answer == "h\u00e9llo\x01\x02"; }));
  }
  client.socket("/closed");
  REQUIRE(client.until("/closed connect_error: not you"));
  const ClientSocket with_data = client.socket("/with data");
  Json refusal;
  with_data.on("connect_error", [&](std::string_view, const Json& data) { refusal = data; });
  REQUIRE(client.until("/with data connect_error: "));
  CHECK(refusal == Json{{"code", 7}});
  CHECK(main.id() == server.io.of("/").find(main.id()).id());
  CHECK(news.id() == server.io.of("/news").find(news.id()).id());
  main.disconnect();
  REQUIRE(client.until("/ disconnect: io client disconnect"));
  client.events.clear();
  main.connect();
  REQUIRE(client.until("/ connect"));
}

TEST_CASE("the wait before an attempt grows, with some more or less, and never above the longest") {
  const ReconnectionOptions options;
  struct Row {
    std::uint32_t failures;
    std::int64_t least;  // milliseconds
    std::int64_t most;
  };
  for (const Row& row : {Row{0, 500, 1500}, Row{1, 1000, 3000}, Row{2, 2000, 6000},
                         Row{4, 8000, 24'000}, Row{5, 15'000, 30'000}, Row{1000, 15'000, 30'000}}) {
    CAPTURE(row.failures);
    CHECK(reconnection_delay(options, row.failures, 0) == milliseconds(row.least));
    // The greatest comes behind as many others as there are nanoseconds between the two.
    const auto last = static_cast<std::uint64_t>(row.most - row.least) * 1'000'000;
    CHECK(reconnection_delay(options, row.failures, last) == milliseconds(row.most));
    CHECK(reconnection_delay(options, row.failures, last + 1) == milliseconds(row.least));
  }
  CHECK(reconnection_delay({.randomization = 0}, 1, 12345) == milliseconds(2000));
  CHECK(reconnection_delay({.delay = {}}, 5, 12345) == milliseconds(0));
}

TEST_CASE("attempts end after the last that may fail, and begin again when asked") {
  SocketioServer server;
  ManagerOptions options = quick();
  options.reconnection.attempts_max = 2;
  Events events;
  Manager manager(server.loop, "http://127.0.0.1:1", std::move(options));
  manager.on_error([&](std::error_code) { events.emplace_back("error"); })
      .on_reconnect_attempt(
          [&](std::uint32_t n) { events.push_back("attempt " + std::to_string(n)); })
      .on_reconnect_error([&](std::error_code) { events.emplace_back("reconnect_error"); })
      .on_reconnect_failed([&] { events.emplace_back("failed"); });
  const ClientSocket socket = manager.socket();
  socket.on("connect_error", [&](std::string_view) { events.emplace_back("connect_error"); });
  const Events once = {"error",         "connect_error",   "attempt 1", "error",
                       "connect_error", "reconnect_error", "attempt 2", "error",
                       "connect_error", "reconnect_error", "failed"};
  REQUIRE(server.until([&] { return events.size() == once.size(); }));
  CHECK(events == once);
  events.clear();
  socket.connect();
  REQUIRE(server.until([&] { return events.size() == once.size(); }));
  CHECK(events == once);
  Manager malformed(server.loop, "ftp://127.0.0.1:1", quick());
  std::string message;
  malformed.socket().on("connect_error", [&](std::string_view text) { message = text; });
  CHECK(message.empty());
  REQUIRE(server.until([&] { return !message.empty(); }));
  CHECK_FALSE(malformed.open());
}

TEST_CASE("who connects when told that it could not waits for the next attempt like all others") {
  SocketioServer server;
  ManagerOptions options = quick();
  options.reconnection.attempts_max = 2;
  Events events;
  Manager manager(server.loop, "http://127.0.0.1:1", std::move(options));
  manager
      .on_reconnect_attempt(
          [&](std::uint32_t n) { events.push_back("attempt " + std::to_string(n)); })
      .on_reconnect_failed([&] { events.emplace_back("failed"); });
  const ClientSocket socket = manager.socket();
  socket.on("connect_error", [&] {
    events.emplace_back("connect_error");
    if (events.size() < 20) socket.connect();
  });
  REQUIRE(server.until([&] { return !events.empty() && events.back() == "failed"; }));
  CHECK(events == Events{"connect_error", "attempt 1", "connect_error", "attempt 2",
                         "connect_error", "failed"});
}

TEST_CASE("a callback of the Manager may put another, or none, in its own place") {
  SocketioServer server;
  TestClient client(server);
  const auto kept = std::make_shared<std::string>("kept");
  client.manager.on_open([&, kept] {
    client.manager.on_open(nullptr);
    client.note("once " + *kept);
  });
  client.manager.on_close([&, kept](std::string_view) {
    client.manager.on_close([&](std::string_view) { client.note("second close"); });
    client.note("first close " + *kept);
  });
  const ClientSocket socket = client.socket();
  REQUIRE(client.until("/ connect"));
  CHECK(client.events == Events{"once kept", "/ connect"});
  CHECK(kept.use_count() == 2);
  client.manager.close();
  REQUIRE(client.until("first close kept"));
  CHECK(kept.use_count() == 1);
  REQUIRE(server.until([&] { return client.manager.is_closed(); }));
  socket.connect();
  REQUIRE(server.until([&] { return socket.connected(); }));
  client.manager.close();
  REQUIRE(client.until("second close"));
  CHECK(client.count("once kept") == 1);
}

TEST_CASE("who hears any event has an Ack of its own") {
  SocketioServer server;
  std::vector<Json> answers;
  server.io.on_connection([&](Socket socket) {
    socket.emit("ask", [&](int answer) { answers.emplace_back(answer); });
  });
  TestClient client(server);
  const ClientSocket socket = client.socket();
  Ack kept;
  socket.on_any([&](std::string_view, const Arguments& a) { kept = std::move(*a.ack); });
  socket.on("ask", [&](Ack ack) {
    CHECK(kept);
    ack(1);
  });
  REQUIRE(server.until([&] { return !answers.empty(); }));
  CHECK_FALSE(kept);
  CHECK(answers == std::vector<Json>{1});
}

TEST_CASE("a handler that throws ends the connection for good") {
  SocketioServer server;
  server.io.on_connection([](Socket socket) { socket.emit("bang"); });
  TestClient client(server);
  std::error_code error;
  client.manager.on_error([&](std::error_code why) { error = why; });
  const ClientSocket socket = client.socket();
  socket.on("bang", [] { throw std::runtime_error("bang"); });
  REQUIRE(client.until("/ disconnect: forced close"));
  REQUIRE(server.io_settles());
  CHECK(error == Errc::handler_threw);
  CHECK(client.count("/ connect") == 1);
}

TEST_CASE("off_any() of a client ends both lists, from within one of them, too") {
  SocketioServer server;
  server.io.on_connection([](Socket socket) {
    socket.on("go", [socket](int number) { socket.emit("back", number); });
  });
  TestClient client(server);
  const ClientSocket socket = client.socket();
  socket.on_any([&](std::string_view event, Json&) {
    socket.off_any();
    client.note("any " + std::string(event));
  });
  socket.on_any([&](std::string_view, Json&) { client.note("second"); });
  socket.on_any_outgoing([&](std::string_view event, const Json&) {
    socket.off_any_outgoing();
    client.note("out " + std::string(event));
  });
  socket.on("back", [&](int number) { client.note("back " + std::to_string(number)); });
  socket.emit("go", 1);
  socket.emit("go", 2);
  REQUIRE(client.until("back 2"));
  CHECK(client.events == Events{"out go", "/ connect", "any back", "back 1", "back 2"});
  ClientSocket().off_any();
  ClientSocket().off_any_outgoing();
}

TEST_CASE("a client may take an event as the text it came in, before it is parsed") {
  SocketioServer server;
  std::string answer;
  server.io.on_connection([&](Socket socket) {
    socket.emit("any", Json{{"n", 1}});
    socket.emit("asked", [&](std::string_view text) { answer = text; });
    socket.emit("usual", 7);
    socket.emit("bytes", Binary{as_bytes("x")});
  });
  TestClient client(server);
  const ClientSocket socket = client.socket();
  Events raw;
  socket.on_raw([&](std::string_view json, Ack& ack) {
    raw.emplace_back(json);
    if (json.starts_with("[\"usual\"")) return false;
    if (ack) ack("raw");
    return true;
  });
  socket.on_any([&](std::string_view event, Json&) { client.note(std::string(event)); });
  REQUIRE(client.until("bytes"));
  CHECK(client.events == Events{"/ connect", "usual", "bytes"});
  CHECK(raw == Events{"[\"any\",{\"n\":1}]", "[\"asked\"]", "[\"usual\",7]"});
  REQUIRE(server.until([&] { return answer == "raw"; }));
}

TEST_CASE("and may give that up, or to another, while it is called") {
  SocketioServer server;
  server.io.on_connection([](Socket socket) {
    for (int i = 1; i <= 4; ++i) socket.emit("x", i);
  });
  TestClient client(server);
  const ClientSocket socket = client.socket();
  socket.on_raw([&](std::string_view, Ack&) {
    socket.on_raw([&](std::string_view, Ack&) {
      socket.on_raw(nullptr);
      client.note("second");
      return true;
    });
    client.note("first");
    return true;
  });
  socket.on("x", [&](int number) { client.note("x " + std::to_string(number)); });
  REQUIRE(client.until("x 4"));
  CHECK(client.events == Events{"/ connect", "first", "second", "x 3", "x 4"});
}

TEST_CASE("what a client took as text is not missed when it comes back") {
  Options options;
  options.recovery.enabled = true;
  SocketioServer server(options);
  std::optional<Socket> there;
  server.io.on_connection([&](Socket socket) { there = socket; });
  TestClient client(server);
  const ClientSocket socket = client.socket();
  Events raw;
  socket.on_raw([&](std::string_view json, Ack&) {
    raw.emplace_back(json.substr(0, 6));
    return true;
  });
  REQUIRE(client.until("/ connect"));
  server.io.emit("a", 1);
  server.io.emit("a", "no place but \"text\"");
  REQUIRE(server.until([&] { return raw.size() == 2; }));
  there->engine()->close();
  REQUIRE(server.until([&] { return client.count("/ connect") == 2; }));
  CHECK(socket.recovered());
  server.io.emit("b", 2);
  REQUIRE(server.until([&] { return raw.size() >= 3; }));
  CHECK(raw == Events{"[\"a\",1", "[\"a\",\"", "[\"b\",2"});
}

TEST_CASE("handlers come and go, and one whose parameters do not fit is not called") {
  SocketioServer server;
  server.io.on_connection([](Socket socket) {
    socket.on("go", [socket] {
      socket.emit("number", "no number");
      socket.emit("number", 1, "more");
      socket.emit("end");
    });
  });
  TestClient client(server);
  client.manager.on_misfit(
      [&](ClientSocket, std::string_view event) { client.note("misfit " + std::string(event)); });
  const ClientSocket socket = client.socket();
  socket.on("number", [&](int number) { client.note("number " + std::to_string(number)); });
  socket.on_any([&](std::string_view event, Json& values) {
    client.note("any " + std::string(event) + " " + std::to_string(values.size()));
  });
  socket.on("off", [] {});
  socket.off("off");
  socket.emit("go");
  REQUIRE(client.until("any end 1"));
  CHECK(client.events == Events{"/ connect", "any number 2", "misfit number", "any number 3",
                                "number 1", "any end 1"});
  socket.off();
  socket.emit("go");
  REQUIRE(client.until("any end 1"));
  CHECK(client.count("number 1") == 1);
  const ClientSocket nobody;
  nobody.on("x", [] {}).on("y", [] {});
  CHECK_FALSE(nobody.emit("x"));
  CHECK_FALSE(nobody.connected());
}

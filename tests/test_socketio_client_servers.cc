// SPDX-License-Identifier: MIT
//
// The client against servers that do what they must not (P 237 to 261, as far as a server can), and
// what it says on the wire to one that keeps connections.

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/socketio_client.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

constexpr std::string_view open_packet =
    "0{\"sid\":\"eio\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}";

// A server that says what it is told to: `answer` to the first message of each connection, a byte
// string beginning with "b" as a binary message.
struct ScriptedServer : SocketioServer {
  ScriptedServer() {
    server.at("/raw/")
        .on_open([this](ws::Connection& c) {
          c.send_text(open_packet);
          is_first = true;
        })
        .on_message([this](ws::Connection& c, ws::Message m) {
          heard.emplace_back(m.text());
          if (std::exchange(is_first, false)) say(c, answer);
        });
  }
  static void say(ws::Connection& c, const Events& packets) {
    for (const std::string& packet : packets) {
      if (packet.starts_with('b')) {
        c.send_binary(as_bytes(packet.substr(1)));
      } else {
        c.send_text(packet);
      }
    }
  }
  void say(const Events& packets) {
    server.for_each([&](ws::Connection& c) { say(c, packets); });
  }
  Events answer = {"40{\"sid\":\"s\"}"};
  Events heard;
  bool is_first = false;
};

ManagerOptions raw(ManagerOptions options = quick()) {
  options.connect.path = "/raw/";
  return options;
}

struct Row {
  Events packets;  // of the server's, to the CONNECT
  Errc error;
};

}  // namespace

TEST_CASE("what breaks a rule ends the connection, with one error and one count") {
  const std::string sid = "40{\"sid\":\"s\"}";
  const std::vector<Row> rows = {
      {{"4"}, Errc::packet_type},                                                         // 237
      {{"4abc"}, Errc::packet_type},                                                      //
      {{sid, "42{}"}, Errc::packet_payload},                                              // 238
      {{sid, "42[]"}, Errc::packet_payload},                                              //
      {{sid, "42[1"}, Errc::packet_json},                                                 //
      {{sid, "42abc[\"x\"]"}, Errc::packet_json},                                         // 239
      {{sid, "42[null]"}, Errc::event_name},                                              // 240
      {{sid, "42[\"connect\"]"}, Errc::event_name},                                       // 241
      {{sid, "42[\"disconnect\",\"x\"]"}, Errc::event_name},                              //
      {{sid, sid}, Errc::connect_unasked},                                                //
      {{"40/other,{\"sid\":\"s\"}"}, Errc::connect_unasked},                              //
      {{sid, "44{\"message\":\"x\"}"}, Errc::connect_unasked},                            //
      {{"44[1]"}, Errc::packet_payload},                                                  //
      {{"40"}, Errc::connect_protocol},                                                   // 245
      {{"40[]"}, Errc::packet_payload},                                                   //
      {{"40{\"sid\":1}"}, Errc::packet_payload},                                          //
      {{"40{\"sid\":\"" + std::string(300, 's') + "\"}"}, Errc::packet_payload},          //
      {{sid, "42/" + std::string(300, 'n') + ",[\"x\"]"}, Errc::packet_namespace},        // 246
      {{sid, "42/other,[\"x\"]"}, Errc::not_connected},                                   // 247
      {{sid, "41/other,"}, Errc::not_connected},                                          //
      {{sid, "41{}"}, Errc::packet_payload},                                              // 248
      {{sid, "4399999999999999999[]"}, Errc::packet_id},                                  // 249
      {{sid, "42[\"x\",1e400]"}, Errc::packet_json},                                      // 251
      {{sid, "45x-[\"x\"]"}, Errc::packet_attachments},                                   // 252
      {{sid, "4511-[\"x\"]"}, Errc::attachments_too_many},                                // 253
      {{sid, "bx"}, Errc::attachment_unexpected},                                         // 255
      {{sid, "451-[\"x\"]", "42[\"x\"]"}, Errc::attachment_missing},                      //
      {{sid, "451-[\"x\",{\"_placeholder\":true,\"num\":1}]", "bx"}, Errc::placeholder},  // 258
      {{sid, "42[\"" + std::string(300, 'e') + "\"]"}, Errc::event_name},                 // 261
  };
  for (const Row& row : rows) {
    CAPTURE(row.packets.back());
    ScriptedServer server;
    server.answer = row.packets;
    const Baseline before = server.baseline();
    {
      ManagerOptions options = raw();
      options.reconnection.enabled = false;
      TestClient client(server, std::move(options));
      std::vector<std::error_code> errors;
      client.manager.on_error([&](std::error_code error) { errors.push_back(error); });
      const ClientSocket socket = client.socket();
      REQUIRE(server.until([&] { return !errors.empty(); }));
      REQUIRE(server.settle());
      CHECK(errors == std::vector<std::error_code>{row.error});
      CHECK(client.rejects(row.error) == 1);
      const bool was_connected = row.packets.front() == sid;
      CHECK(client.events.back() ==
            (was_connected ? "/ disconnect: parse error"
                           : "/ connect_error: " + std::string(rule(row.error).text)));
      CHECK_FALSE(socket.connected());
    }
    CHECK(server.baseline() == before);
  }
}

TEST_CASE(
    "attachments that do not come in time end the connection (256), too many bytes too (257)") {
  ScriptedServer server;
  server.answer.emplace_back("452-[\"x\",{\"_placeholder\":true,\"num\":0}]");
  server.answer.emplace_back("bx");
  ManagerOptions options = raw();
  options.attachment_timeout = milliseconds(10);
  options.packet.attachment_bytes_max = 10;
  TestClient client(server, std::move(options));
  client.socket();
  REQUIRE(client.heard_soon("/ disconnect: parse error"));
  CHECK(client.rejects(Errc::attachment_timeout) == 1);
  // It comes back, and a server that has learned is forgiven.
  server.answer = {"40{\"sid\":\"s\"}", "451-[\"x\",{\"_placeholder\":true,\"num\":0}]",
                   "b12345678901"};
  REQUIRE(server.until([&] { return client.rejects(Errc::attachment_bytes) == 1; }));
  server.answer = {"40{\"sid\":\"s\"}"};
  REQUIRE(server.until([&] { return client.events.back() == "/ connect"; }));
}

TEST_CASE("answers that nobody waits for are dropped (250, 260)") {
  ScriptedServer server;
  server.answer.emplace_back("437[1]");
  server.answer.emplace_back("461-7[{\"_placeholder\":true,\"num\":0}]");
  server.answer.emplace_back("bx");
  server.answer.emplace_back("43[1]");
  server.answer.emplace_back("42[\"error\",1]");
  TestClient client(server, raw());
  const ClientSocket socket = client.socket();
  socket.on("error", [&] { client.note("error"); });
  REQUIRE(client.until("error"));
  CHECK(client.rejects(Errc::ack_unknown) == 3);
  CHECK(socket.connected());
}

TEST_CASE("what was on its way when a namespace was left does no harm") {
  ScriptedServer server;
  server.answer = {};
  TestClient client(server, raw());
  client.socket("/keeps");
  const ClientSocket leaves = client.socket("/leaves");
  leaves.on("late", [&] { client.note("late"); });
  const auto hears = [&](std::string_view packet) {
    REQUIRE(server.until([&] { return !server.heard.empty() && server.heard.back() == packet; }));
    server.heard.clear();
  };
  hears("40/leaves,");
  server.say({"40/keeps,{\"sid\":\"k\"}", "40/leaves,{\"sid\":\"l\"}"});
  REQUIRE(client.until("/leaves connect"));
  leaves.disconnect();
  leaves.connect();
  hears("40/leaves,");
  server.say({"42/leaves,[\"late\"]", "43/leaves,1[]", "41/leaves,", "40/leaves,{\"sid\":\"l\"}"});
  REQUIRE(client.until("/leaves connect"));
  CHECK(client.events == Events{"/keeps connect", "/leaves connect",
                                "/leaves disconnect: io client disconnect", "/leaves connect"});
  // Who changes his mind before the answer says so behind it.
  leaves.disconnect();
  leaves.connect();
  hears("40/leaves,");
  leaves.disconnect();
  server.say({"40/leaves,{\"sid\":\"l\"}"});
  hears("41/leaves,");
  server.say({"42/leaves,[\"late\"]", "42/keeps,1[\"ask\"]"});
  CHECK_FALSE(leaves.active());
  REQUIRE(client.until("/leaves disconnect: io client disconnect"));
  CHECK_FALSE(client.heard("late"));
  CHECK(client.manager.is_open());
}

TEST_CASE("what middleware says before the answer is heard in front of connect, with the id set") {
  ScriptedServer server;
  server.answer = {"42[\"hello\",1]", "40{\"sid\":\"s1\"}"};
  TestClient client(server, raw());
  const ClientSocket socket = client.socket();
  socket.on("hello", [&](int) {
    client.note(std::string("hello ") +
                (socket.connected() ? std::string(socket.id()) : "too early"));
  });
  REQUIRE(client.until("/ connect"));
  CHECK(client.events == Events{"hello s1", "/ connect"});
}

TEST_CASE("who leaves and comes again at once hears what middleware says") {
  ScriptedServer server;
  TestClient client(server, raw());
  const ClientSocket socket = client.socket();
  socket.on("hello", [&] { client.note("hello"); });
  REQUIRE(client.until("/ connect"));
  server.answer = {"42[\"hello\"]", "40{\"sid\":\"s2\"}"};
  socket.disconnect();
  socket.connect();
  REQUIRE(server.until([&] { return server.heard.back() == "40" && server.heard.size() == 3; }));
  server.say(server.answer);
  REQUIRE(client.until("/ connect"));
  CHECK(client.count("hello") == 1);
}

TEST_CASE("an answer to what has not left is not given up with the connection") {
  ScriptedServer server;
  server.answer = {"42[\"leave\"]", "40{\"sid\":\"s1\"}"};
  TestClient client(server, raw());
  const ClientSocket socket = client.socket();
  socket.on("leave", [&] { socket.disconnect(); });
  socket.emit("order", [&](std::error_code error) {
    client.note(error ? "order: " + error.message() : "order");
  });
  REQUIRE(client.until("/ disconnect: io client disconnect"));
  server.turns();
  CHECK(client.events == Events{"/ disconnect: io client disconnect"});
  server.answer = {"40{\"sid\":\"s2\"}"};
  socket.connect();
  REQUIRE(server.until([&] { return server.heard.back() == "420[\"order\"]"; }));
  server.say({"430[]"});
  REQUIRE(client.until("order"));
}

TEST_CASE("who leaves and comes back within one read is told of both, in their order") {
  ScriptedServer server;
  server.answer = {"40{\"sid\":\"s1\"}"};
  TestClient client(server, raw());
  const ClientSocket socket = client.socket();
  int told = 0;
  std::function<void(std::error_code)> again = [&](std::error_code error) {
    if (error) ++told;
    if (told < 3) socket.emit("question", again);
  };
  socket.on("leave", [&] {
    socket.disconnect();
    socket.connect();
  });
  REQUIRE(client.until("/ connect"));
  socket.emit("question", again);
  REQUIRE(server.until([&] { return server.heard.back() == "420[\"question\"]"; }));
  server.say({"42[\"leave\"]", "40{\"sid\":\"s2\"}"});
  REQUIRE(server.until([&] { return client.events.size() == 3; }));
  server.turns();
  CHECK(told == 1);
  CHECK(client.events == Events{"/ connect", "/ disconnect: io client disconnect", "/ connect"});
  // What it asked once more belongs to the new connection, and ends with it.
  server.say({"41"});
  REQUIRE(client.until("/ disconnect: io server disconnect"));
  CHECK(client.count("/ disconnect: io server disconnect") == 1);
  CHECK(told == 2);
}

TEST_CASE("protocol 4: a refusal may be any value") {
  for (const auto& [text, message, data] :
       {std::tuple{"[\"a\"]", "", Json{"a"}}, std::tuple{"true", "", Json(true)},
        std::tuple{"{\"message\":\"m\",\"code\":7}", "m", Json{{"message", "m"}, {"code", 7}}},
        std::tuple{"\"m\"", "m", Json()}}) {
    ScriptedServer server;
    server.answer = {"40", std::string("44/news,") + text};
    ManagerOptions options = raw();
    options.connect.revision = engineio::Revision::v3;
    TestClient client(server, std::move(options));
    const ClientSocket news = client.socket("/news");
    Json why;
    news.on("connect_error", [&](std::string_view, const Json& value) { why = value; });
    REQUIRE(client.until(std::string("/news connect_error: ") + message));
    CHECK(why == data);
    CHECK(client.rejects(Errc::packet_payload) == 0);
  }
}

TEST_CASE("what came before an answer is not kept for another, and no more of it than the limit") {
  ScriptedServer server;
  server.answer = {"42[\"stale\"]"};
  ManagerOptions options = raw();
  options.waiting_events_max = 2;
  TestClient client(server, std::move(options));
  const ClientSocket socket = client.socket();
  socket.on("stale", [&] { client.note("stale"); });
  REQUIRE(server.until([&] { return server.heard.size() == 1; }));
  server.turns();
  socket.disconnect();
  socket.connect();
  server.answer = {"42[\"a\"]", "42[\"b\"]", "42[\"c\"]"};
  server.server.for_each([](ws::Connection& c) { c.abort(); });
  REQUIRE(server.until([&] { return client.rejects(Errc::not_connected) != 0; }));
  server.answer = {"40{\"sid\":\"s\"}"};
  REQUIRE(client.until("/ connect"));
  CHECK_FALSE(client.heard("stale"));
  // What is larger than may be kept counts like many.
  server.answer = {"42[\"x\",\"" + std::string(600'000, 'x') + "\"]",
                   "42[\"y\",\"" + std::string(600'000, 'y') + "\"]"};
  const std::uint64_t before = client.rejects(Errc::not_connected);
  server.server.for_each([](ws::Connection& c) { c.abort(); });
  REQUIRE(server.until([&] { return client.rejects(Errc::not_connected) > before; }));
}

TEST_CASE("of what was missed nothing is lost, however much it is") {
  ScriptedServer server;
  server.answer = {"40{\"sid\":\"s\",\"pid\":\"p\"}"};
  ManagerOptions options = raw();
  options.waiting_events_max = 2;
  TestClient client(server, std::move(options));
  const ClientSocket socket = client.socket();
  socket.on("n", [&](int n) { client.note(std::to_string(n)); });
  REQUIRE(client.until("/ connect"));
  server.answer.clear();
  for (int i = 1; i <= 5; ++i) server.answer.push_back("42[\"n\"," + std::to_string(i) + "]");
  server.answer.emplace_back("40{\"sid\":\"s\",\"pid\":\"p\"}");
  server.server.for_each([](ws::Connection& c) { c.abort(); });
  REQUIRE(server.until([&] { return client.count("/ connect") == 2; }));
  CHECK(client.events ==
        Events{"/ connect", "/ disconnect: transport close", "1", "2", "3", "4", "5", "/ connect"});
}

TEST_CASE("an event of a namespace that has refused us costs the others nothing") {
  ScriptedServer server;
  TestClient client(server, raw());
  const ClientSocket socket = client.socket();
  REQUIRE(client.until("/ connect"));
  client.socket("/b");
  REQUIRE(server.until([&] { return server.heard.back() == "40/b,"; }));
  server.say({"44/b,{\"message\":\"no\"}", "42/b,[\"late\"]", "42[\"ok\"]"});
  socket.on("ok", [&] { client.note("ok"); });
  REQUIRE(client.until("ok"));
  CHECK(client.rejects(Errc::not_connected) == 1);
  CHECK(socket.connected());
}

TEST_CASE("a connection that can be taken up again says how far it came") {
  ScriptedServer server;
  server.answer = {"40{\"sid\":\"s1\",\"pid\":\"p\"}", "42[\"news\",\"one\",\"offset 1\"]",
                   "427[\"ask\",\"no offset\"]", "42[\"no offset\"]"};
  TestClient client(server, raw());
  const ClientSocket socket = client.socket("/", {.auth = {{"token", "t"}}});
  socket.on("news", [&](std::string_view text) { client.note("news " + std::string(text)); });
  socket.on("no offset", [&] { client.note("all"); });
  REQUIRE(client.until("all"));
  CHECK_FALSE(socket.recovered());
  CHECK(server.heard[0] == "40{\"token\":\"t\"}");
  // The reference sends what was missed before its answer.
  server.answer = {"42[\"news\",\"two\",\"offset 2\"]", "40{\"sid\":\"s1\",\"pid\":\"p\"}"};
  server.server.for_each([](ws::Connection& c) { c.abort(); });
  REQUIRE(server.until([&] { return client.count("/ connect") == 2; }));
  CHECK(socket.recovered());
  CHECK(client.events == Events{"/ connect", "news one", "all", "/ disconnect: transport close",
                                "news two", "/ connect"});
  CHECK(server.heard.back() == "40{\"offset\":\"offset 1\",\"pid\":\"p\",\"token\":\"t\"}");
  // Another connection has another history.
  server.answer = {"40{\"sid\":\"s2\",\"pid\":\"q\"}"};
  server.server.for_each([](ws::Connection& c) { c.abort(); });
  REQUIRE(server.until([&] { return client.count("/ connect") == 3; }));
  CHECK_FALSE(socket.recovered());
  CHECK(server.heard.back() == "40{\"offset\":\"offset 2\",\"pid\":\"p\",\"token\":\"t\"}");
  server.server.for_each([](ws::Connection& c) { c.abort(); });
  REQUIRE(server.until([&] { return client.count("/ connect") == 4; }));
  CHECK(server.heard.back() == "40{\"pid\":\"q\",\"token\":\"t\"}");
}

TEST_CASE("what belongs to an earlier connection is not said in the next one") {
  ScriptedServer server;
  server.answer.emplace_back("421[\"ask\"]");
  std::vector<GiveAuth> asked;
  std::vector<Ack> kept;
  TestClient client(server, raw());
  ClientSocketOptions options;
  options.ask_auth = [&](GiveAuth give) { asked.push_back(std::move(give)); };
  const ClientSocket socket = client.socket("/", std::move(options));
  socket.on("ask", [&](Ack ack) { kept.push_back(std::move(ack)); });
  const auto break_off = [&] {
    server.heard.clear();
    const std::size_t before = asked.size();
    server.server.for_each([](ws::Connection& c) { c.abort(); });
    REQUIRE(server.until([&] { return asked.size() > before; }));
  };
  REQUIRE(server.until([&] { return asked.size() == 1; }));
  break_off();
  CHECK(client.events == Events{"/ connect_error: transport close"});
  asked[0]({{"token", 1}});
  asked[1]({{"token", 2}});
  REQUIRE(server.until([&] { return kept.size() == 1; }));
  break_off();
  asked[2](nullptr);
  REQUIRE(server.until([&] { return kept.size() == 2; }));
  kept[0]("too late");
  kept[1]("in time");
  REQUIRE(server.until([&] { return server.heard.size() == 2; }));
  CHECK(server.heard == Events{"40", "431[\"in time\"]"});
}

TEST_CASE("who is told of an end may connect again at once; on_gone comes when all has left") {
  ScriptedServer server;
  TestClient client(server, raw());
  client.note_manager();
  client.manager.on_ping([&] { client.note("ping"); }).on_gone([&] { client.note("gone"); });
  const ClientSocket socket = client.socket();
  bool comes_back = true;
  socket.on("disconnect", [&] {
    if (std::exchange(comes_back, false)) socket.connect();
  });
  REQUIRE(client.until("/ connect"));
  server.say({"2"});
  REQUIRE(client.until("ping"));
  server.is_first = true;
  socket.disconnect();
  REQUIRE(client.until("/ connect"));
  CHECK(server.heard == Events{"40", "3", "41", "40"});
  CHECK(socket.emit("last"));
  client.manager.close();
  CHECK_FALSE(socket.active());
  // And again, while the connection still closes.
  socket.connect();
  REQUIRE(server.until([&] { return client.count("/ connect") == 3; }));
  CHECK(server.heard.back() == "40");
  CHECK(client.count("/ disconnect: forced close") == 1);
  CHECK_FALSE(client.heard("gone"));
  socket.emit("last");
  client.manager.close();
  CHECK_FALSE(client.manager.is_closed());
  REQUIRE(client.until("gone"));
  CHECK(client.manager.is_closed());
  CHECK(server.heard.back() == "42[\"last\"]");
  CHECK(client.count("open") == 2);
  CHECK_FALSE(client.heard("reconnect_attempt 1"));
}

TEST_CASE("protocol 4: what goes wrong later comes as \"error\", and nobody need want \"/\"") {
  ScriptedServer server;
  server.answer = {"42[\"for nobody\"]", "41", "40", "40/news?a=1,", "44/news,\"wrong\""};
  ManagerOptions options = raw();
  options.connect.revision = engineio::Revision::v3;
  TestClient client(server, std::move(options));
  const ClientSocket news = client.socket("/news?a=1");
  news.on("error", [&](std::string_view text) { client.note("error " + std::string(text)); });
  REQUIRE(client.until("error wrong"));
  CHECK(client.events == Events{"/news connect", "error wrong"});
  CHECK(server.heard == Events{"40/news?a=1,"});
  const ClientSocket main = client.socket();
  REQUIRE(client.until("/ connect"));
  CHECK(main.id() == "eio");
  CHECK(news.id() == "/news#eio");
}

TEST_CASE("a Manager that goes takes everything along, and tells nobody") {
  SocketioServer server;
  server.io.on_connection([](Socket) {});
  const Baseline before = server.baseline();
  Events events;
  {
    TestClient client(server);
    const ClientSocket socket = client.socket();
    socket.on("disconnect", [&] { events.emplace_back("disconnect"); });
    socket.timeout(milliseconds(1)).emit("x", [&](std::error_code) { events.emplace_back("ack"); });
    REQUIRE(client.until("/ connect"));
    client.socket("/other");
    socket.disconnect();
  }
  REQUIRE(server.io_settles());
  server.turns();
  CHECK(std::count(events.begin(), events.end(), "disconnect") == 0);
  CHECK(server.until([&] { return server.baseline() == before; }));
}

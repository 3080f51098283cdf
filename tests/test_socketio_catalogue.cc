// SPDX-License-Identifier: MIT
//
// Section P of the bad inputs (237 to 263), row by row, over a WebSocket and by polling: what comes
// back, the log line, the counter, the reason that the application hears, and the baseline behind.

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/engineio_wire.h"
#include "tests/support/socketio_wire.h"
#include "ws/engineio/base64.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

struct Row {
  std::string number;  // of the catalogue
  std::string packet;  // a text with the digit of Engine.IO in front
  Errc error;
  std::vector<std::string> attachments = {};
  bool is_first = false;  // in place of CONNECT
};

std::string placeholder(std::string_view number) {
  return "{\"_placeholder\":true,\"num\":" + std::string(number) + "}";
}

std::string nested(std::size_t depth) {
  return "42[\"x\"," + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "]";
}

std::vector<Row> rows() {
  const std::string one = "451-[\"x\"," + placeholder("0") + "]";
  const std::string two = "452-[\"x\"," + placeholder("0") + "," + placeholder("1") + "]";
  const std::string large(600'000, 'b');
  std::vector<Row> rows = {
      {"237", "4", Errc::packet_type},
      {"237", "4abc", Errc::packet_type},
      {"237", "47", Errc::packet_type},
      {"237", "49", Errc::packet_type},
      {"238", "42{}", Errc::packet_payload},
      {"238", "42", Errc::packet_payload},
      {"238", "42[]", Errc::packet_payload},
      {"238", "42[1", Errc::packet_json},
      {"239", "42abc[\"x\"]", Errc::packet_json},
      {"240", "42[{\"toString\":1}]", Errc::event_name},
      {"240", "42[null]", Errc::event_name},
      {"242", "42[\"x\"]", Errc::not_connected, {}, true},
      {"242", "40", Errc::connect_twice},
      {"242", "44{\"message\":\"x\"}", Errc::packet_type},
      {"245", "40[]", Errc::packet_payload, {}, true},
      {"245", "40\"x\"", Errc::packet_payload, {}, true},
      {"245", "40{bad", Errc::packet_json, {}, true},
      {"246", "40/" + std::string(256, 'n') + ",", Errc::packet_namespace},
      {"246", "40/x\ny,", Errc::packet_namespace},
      {"247", "42/other,[\"x\"]", Errc::not_connected},
      {"247", "43/other,1[]", Errc::not_connected},
      {"247", "41/other,", Errc::not_connected},
      {"248", "41{}", Errc::packet_payload},
      {"249", "429007199254740992[\"x\"]", Errc::packet_id},
      {"249", "42" + std::string(30, '9') + "[\"x\"]", Errc::packet_id},
      {"249", "42-1[\"x\"]", Errc::packet_json},
      {"249", "421.5[\"x\"]", Errc::packet_json},
      {"251", nested(65), Errc::packet_json},
      {"251", "42[\"x\",\"\\ud800\"]", Errc::packet_json},
      {"251", "42[\"x\",1e400]", Errc::packet_json},
      {"251", "42[\"x\"]y", Errc::packet_json},
      {"252", "45-[\"x\"]", Errc::packet_attachments},
      {"252", "45x-[\"x\"]", Errc::packet_attachments},
      {"252", "451", Errc::packet_attachments},
      {"252", "45 1-[\"x\"]", Errc::packet_attachments},
      {"252", "451.5-[\"x\"]", Errc::packet_attachments},
      {"252", "45-1-[\"x\"]", Errc::packet_attachments},
      {"253", "4511-[\"x\"]", Errc::attachments_too_many},
      {"253", "459999999-[\"x\"]", Errc::attachments_too_many},
      {"254", "450-[\"a\"]", Errc::attachment_unexpected, {"more"}},
      {"255", "42[\"a\"]", Errc::attachment_unexpected, {"more"}},
      {"257", two, Errc::attachment_bytes, {large, large}},
      {"261", "42[\"" + std::string(10'240, 'e') + "\"]", Errc::event_name},
  };
  for (const char* name : {"connect", "connect_error", "disconnect", "disconnecting", "newListener",
                           "removeListener"}) {
    rows.push_back({"241", "42[\"" + std::string(name) + "\"]", Errc::event_name});
  }
  for (const char* number : {"-1", "2", "1.5", "\"0\"", "\"splice\"", "null"}) {
    rows.push_back(
        {"258", "451-[\"x\"," + placeholder(number) + "]", Errc::placeholder, {"bytes"}});
  }
  return rows;
}

struct Served : SocketioServer {
  Served() {
    io.of("/other");
    io.on_connection([this](Socket socket) {
      socket.join("room");
      socket.on_any([this](std::string_view event, Json&) { events.emplace_back(event); });
      socket.on("disconnect", [this](std::string_view reason) { reasons.emplace_back(reason); });
    });
  }
  // One line, one count, and a disconnection for who was connected.
  void told_once(const Row& row, bool by_polling) {
    CHECK(io_rejects(row.error) == 1);
    const std::string label =
        "ev=reject layer=sio reason=" + std::string(rule(row.error).label) + " peer=127.0.0.1:";
    REQUIRE(log.size() == 1);
    CHECK(log[0].find(label) != std::string::npos);
    const std::string& last = row.attachments.empty() ? row.packet : row.attachments.back();
    const std::size_t bytes = last.size() - (row.attachments.empty() ? 1 : 0);
    CHECK(log[0].find(" bytes_in=" + std::to_string(bytes) +
                      " code=" + (by_polling ? "0" : "1005")) != std::string::npos);
    const std::vector<std::string> due(row.is_first ? 0 : 1, "parse error");
    CHECK(reasons == due);
    CHECK(io.of("/").room_count() == 0);
  }
  std::vector<std::string> events;
  std::vector<std::string> reasons;
};

std::string polling_target(std::string_view sid = {}) {
  std::string target = "/socket.io/?EIO=4&transport=polling";
  return sid.empty() ? target : target.append("&sid=").append(sid);
}

// A session that polls and is connected to "/".
std::string connect_by_polling(HttpPeer& peer) {
  const std::string sid = sid_of(peer.get(polling_target()).body);
  CHECK(peer.post(polling_target(sid), "40").body == "ok");
  CHECK(peer.get(polling_target(sid)).body.starts_with("40{\"sid\":"));
  return sid;
}

std::string base64_of(std::string_view bytes) {
  std::string text(engineio::base64_size(bytes.size()), '\0');
  engineio::encode_base64(as_bytes(bytes), reinterpret_cast<std::uint8_t*>(text.data()));
  return "b" + text;
}

}  // namespace

TEST_CASE("over a WebSocket a broken rule is a Close without a code") {
  for (const Row& row : rows()) {
    CAPTURE(row.number);
    CAPTURE(row.packet.substr(0, 80));
    Served server;
    const Baseline before = server.baseline();
    {
      SocketioPeer peer(server);
      if (!row.is_first) peer.connect();
      peer.say(row.packet);
      for (const std::string& each : row.attachments) peer.say_binary(each);
      CHECK(peer.was_closed());
    }
    REQUIRE(server.io_settles());
    server.told_once(row, false);
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("by polling it is a close packet in the next answer, and 400 behind that") {
  for (const Row& row : rows()) {
    CAPTURE(row.number);
    CAPTURE(row.packet.substr(0, 80));
    Served server;
    const Baseline before = server.baseline();
    {
      HttpPeer peer(server);
      const std::string sid =
          row.is_first ? sid_of(peer.get(polling_target()).body) : connect_by_polling(peer);
      CHECK(peer.post(polling_target(sid), row.packet).body == "ok");
      for (const std::string& each : row.attachments) {
        CHECK(peer.post(polling_target(sid), base64_of(each)).body == "ok");
      }
      const HttpPeer::Answer last = peer.get(polling_target(sid));
      CHECK(last.status == 200);
      CHECK(last.body == "1");
      server.told_once(row, true);
      CHECK(peer.get(polling_target(sid)).status == 400);
    }
    REQUIRE(server.io_settles());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("what only looks bad is taken, by either transport (241, 251, 254, 258, 259, 261)") {
  const std::string zero = placeholder("0");
  std::string many = "42[\"many\"";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  many += "]";
  const std::vector<std::string> texts = {"42[\"error\"]",
                                          nested(64),
                                          "42[\"x\",{\"a\":1,\"a\":2}]",
                                          "450-[\"a\"]",
                                          "42[\"plain\"," + zero + "]",
                                          many};
  const std::vector<std::string> due = {"error", "x", "x", "a", "plain", "many", "shared"};
  const std::string shared = "451-[\"shared\"," + zero + "," + zero + "]";
  Served by_websocket;
  const Unchanged behind_websocket(by_websocket);
  SocketioPeer socket(by_websocket);
  socket.connect();
  for (const std::string& each : texts) socket.say(each);
  socket.say(shared);
  socket.say_binary("bytes");
  REQUIRE(by_websocket.until([&] { return by_websocket.events.size() == due.size(); }));
  CHECK(by_websocket.events == due);
  Served by_polling;
  const Unchanged behind_polling(by_polling);
  HttpPeer peer(by_polling);
  const std::string sid = connect_by_polling(peer);
  for (const std::string& each : texts) CHECK(peer.post(polling_target(sid), each).body == "ok");
  CHECK(peer.post(polling_target(sid), shared + "\x1e" + base64_of("bytes")).body == "ok");
  CHECK(by_polling.events == due);
  CHECK(by_polling.log.empty());
  CHECK(peer.post(polling_target(sid), "1").body == "ok");
}

TEST_CASE("text while an attachment is due ends the client, by either transport (255)") {
  SocketioServer server;
  const Unchanged unchanged(server);
  const std::string one = "451-[\"x\"," + placeholder("0") + "]";
  HttpPeer peer(server);
  const std::string sid = connect_by_polling(peer);
  CHECK(peer.post(polling_target(sid), one + "\x1e" + "42[\"y\"]").body == "ok");
  CHECK(peer.get(polling_target(sid)).body == "1");
  CHECK(server.io_rejects(Errc::attachment_missing) == 1);
  SocketioPeer socket(server);
  socket.connect();
  socket.say(one);
  socket.say("42[\"y\"]");
  CHECK(socket.was_closed());
  CHECK(server.io_rejects(Errc::attachment_missing) == 2);
}

TEST_CASE("attachments that stay away end the client, and it hears a parse error (256)") {
  for (const bool polls : {true, false}) {
    CAPTURE(polls);
    SocketioServer server({.attachment_timeout = net::Duration::milliseconds(20)});
    const Unchanged unchanged(server);
    std::vector<std::string> reasons;
    server.io.on_connection([&](Socket socket) {
      socket.on("disconnect", [&](std::string_view reason) { reasons.emplace_back(reason); });
    });
    const std::string two = "452-[\"x\"," + placeholder("0") + "," + placeholder("1") + "]";
    if (polls) {
      HttpPeer peer(server);
      const std::string sid = connect_by_polling(peer);
      CHECK(peer.post(polling_target(sid), two + "\x1e" + base64_of("one")).body == "ok");
      CHECK(peer.get(polling_target(sid)).body == "1");
    } else {
      SocketioPeer peer(server);
      peer.connect();
      peer.say(two);
      peer.say_binary("one");
      CHECK(peer.was_closed());
    }
    CHECK(server.io_rejects(Errc::attachment_timeout) == 1);
    REQUIRE(server.until([&] { return !reasons.empty(); }));
    CHECK(reasons == std::vector<std::string>{"parse error"});
  }
}

TEST_CASE("acknowledgements that nobody waits for are dropped, and counted (250, 260)") {
  SocketioServer server;
  const Unchanged unchanged(server);
  int answers = 0;
  server.io.on_connection([&](Socket socket) { socket.emit("ask", [&](int) { ++answers; }); });
  SocketioPeer socket(server);
  socket.connect();
  CHECK(socket.hear() == "420[\"ask\"]");
  socket.say("430[1]");
  socket.say("430[1]");
  socket.say("4399[1]");
  socket.say("461-98[" + placeholder("0") + "]");
  socket.say_binary("read to its end");
  socket.say("420[\"who is there\"]");
  REQUIRE(server.until([&] { return server.io_rejects(Errc::ack_unknown) == 3; }));
  CHECK(answers == 1);
  HttpPeer peer(server);
  const std::string sid = sid_of(peer.get(polling_target()).body);
  CHECK(peer.post(polling_target(sid), "40").body == "ok");
  CHECK(peer.get(polling_target(sid))
            .body.ends_with("\x1e"
                            "421[\"ask\"]"));
  CHECK(peer.post(polling_target(sid),
                  "431[1]\x1e"
                  "431[1]")
            .body == "ok");
  CHECK(answers == 2);
  CHECK(server.io_rejects(Errc::ack_unknown) == 4);
  CHECK(server.io.of("/").socket_count() == 2);
  CHECK(peer.post(polling_target(sid), "1").body == "ok");
}

TEST_CASE(
    "by polling: unknown namespaces and too many are refused, and the client lives (244, 246)") {
  SocketioServer server;
  for (int i = 0; i < 40; ++i) server.io.of("n" + std::to_string(i));
  const Unchanged unchanged(server);
  HttpPeer peer(server);
  const std::string sid = sid_of(peer.get(polling_target()).body);
  CHECK(peer.post(polling_target(sid), "40/nope,").body == "ok");
  CHECK(peer.get(polling_target(sid)).body == "44/nope,{\"message\":\"Invalid namespace\"}");
  std::string all;
  for (int i = 0; i < 33; ++i) all += (i != 0 ? "\x1e" : "") + ("40/n" + std::to_string(i)) + ",";
  CHECK(peer.post(polling_target(sid), all).body == "ok");
  CHECK(
      peer.get(polling_target(sid)).body.ends_with("44/n32,{\"message\":\"Too many namespaces\"}"));
  CHECK(server.io_rejects(Errc::namespaces_too_many) == 1);
  CHECK(server.io.of("/n31").socket_count() == 1);
  CHECK(peer.post(polling_target(sid), "1").body == "ok");
}

TEST_CASE("by polling: no CONNECT in time ends the session (243)") {
  SocketioServer server({.connect_timeout = net::Duration::milliseconds(20)});
  const Unchanged unchanged(server);
  HttpPeer peer(server);
  const std::string sid = sid_of(peer.get(polling_target()).body);
  CHECK(peer.get(polling_target(sid)).body == "1");
  CHECK(server.io_rejects(Errc::connect_timeout) == 1);
  CHECK(peer.get(polling_target(sid)).status == 400);
}

TEST_CASE("the query behind a namespace is read in protocol 4, up to its limit (262)") {
  Options options;
  options.engine.revision3 = true;
  SocketioServer server(options);
  const Unchanged unchanged(server);
  std::vector<Json> auths;
  server.io.of("/nsp").on_connection([&](Socket socket) { auths.push_back(socket.auth()); });
  SocketioPeer peer(server, 3);
  CHECK(peer.hear() == "40");
  peer.say("40/nsp?token=x&name=Ad%C3%A1+L,");
  CHECK(peer.hear() == "40/nsp,");
  REQUIRE(auths.size() == 1);
  CHECK(auths[0] == Json{{"token", "x"}, {"name", "Ad\u00e1 L"}});
  SocketioPeer long_one(server, 3);
  CHECK(long_one.hear() == "40");
  long_one.say("40/nsp?token=" + std::string(256, 'x') + ",");
  CHECK(long_one.was_closed());
  CHECK(server.io_rejects(Errc::packet_namespace) == 1);
}

TEST_CASE("nobody joins a room by the wire: an event of that name is an event (263)") {
  Served server;
  const Unchanged unchanged(server);
  SocketioPeer peer(server);
  const std::string id = peer.connect();
  for (const char* event : {"join", "joinRoom", "subscribe", "room"}) {
    peer.say("42[\"" + std::string(event) + "\",\"secret\"]");
  }
  REQUIRE(server.until([&] { return server.events.size() == 4; }));
  CHECK(server.io.of("/").find(id).rooms() == std::vector<std::string>{id, "room"});
  CHECK(server.io.to("secret").emit("x") == 0);
  CHECK(server.log.empty());
}

// SPDX-License-Identifier: MIT
//
// How clients come into namespaces and how they go (P 237 to 263, over the wire).

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/socketio_wire.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

using Events = std::vector<std::string>;

net::Duration milliseconds(std::int64_t count) {
  return net::Duration::milliseconds(count);
}

// Tells of every end, and in which rooms the socket was by then.
struct Ends {
  explicit Ends(Namespace& nsp) {
    nsp.on_connection([this](Socket socket) {
      socket.join("room");
      socket.on("disconnecting", [this, socket](std::string_view reason) {
        told.push_back("disconnecting " + std::to_string(socket.rooms().size()) + " " +
                       std::string(reason));
        CHECK_FALSE(socket.connected());
        CHECK_FALSE(socket.emit("x"));
      });
      socket.on("disconnect", [this, socket](std::string_view reason) {
        told.push_back("disconnect " + std::to_string(socket.rooms().size()) + " " +
                       std::string(reason));
      });
      last = socket;
    });
  }
  static Events of(std::string_view reason) {
    return {"disconnecting 2 " + std::string(reason), "disconnect 1 " + std::string(reason)};
  }
  Events told;
  std::optional<Socket> last;
};

}  // namespace

TEST_CASE("what breaks a rule ends the client, with one line and one count") {
  struct Row {
    std::string packet;
    Errc error;
  };
  const std::vector<Row> rows = {
      {"4", Errc::packet_type},                                              // 237
      {"4abc", Errc::packet_type},                                           //
      {"47", Errc::packet_type},                                             //
      {"42{}", Errc::packet_payload},                                        // 238
      {"42[1", Errc::packet_json},                                           //
      {"42abc[\"x\"]", Errc::packet_json},                                   // 239
      {"42[{\"toString\":1}]", Errc::event_name},                            // 240
      {"42[\"connect\"]", Errc::event_name},                                 // 241
      {"40", Errc::connect_twice},                                           // 242
      {"44{\"message\":\"x\"}", Errc::packet_type},                          //
      {"40/x\ny,", Errc::packet_namespace},                                  // 246
      {"42/other,[\"x\"]", Errc::not_connected},                             // 247
      {"43/other,1[]", Errc::not_connected},                                 //
      {"41/other,", Errc::not_connected},                                    //
      {"41{}", Errc::packet_payload},                                        // 248
      {"4299999999999999999[\"x\"]", Errc::packet_id},                       // 249
      {"45-[\"x\"]", Errc::packet_attachments},                              // 252
      {"4511-[\"x\"]", Errc::attachments_too_many},                          // 253
      {"451-[\"x\",{\"_placeholder\":true,\"num\":1}]", Errc::placeholder},  // 258
  };
  for (const Row& row : rows) {
    CAPTURE(row.packet);
    SocketioServer server;
    Ends ends(server.io.of("/"));
    server.io.of("/other");
    const Baseline before = server.baseline();
    {
      SocketioPeer peer(server);
      peer.connect();
      peer.say(row.packet);
      if (row.error == Errc::placeholder) peer.say_binary("x");
      CHECK(peer.was_closed());
    }
    REQUIRE(server.io_settles());
    CHECK(ends.told == Ends::of("parse error"));
    CHECK(server.io_rejects(row.error) == 1);
    const std::string label = "ev=reject layer=sio reason=" + std::string(rule(row.error).label);
    REQUIRE(server.log.size() == 1);
    CHECK(server.log[0].find(label) != std::string::npos);
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("who is refused by middleware, or waits for it, has no longer than the others (243)") {
  SocketioServer server({.connect_timeout = milliseconds(20)});
  server.io.use([](Socket, Next next) { next("no"); });
  std::vector<Next> waiting;
  server.io.of("/slow").use([&](Socket, Next next) { waiting.push_back(std::move(next)); });
  SocketioPeer refused(server);
  refused.say("40");
  CHECK(refused.hear() == "44{\"message\":\"no\"}");
  CHECK(refused.was_closed());
  SocketioPeer waits(server);
  waits.say("40/slow,");
  CHECK(waits.was_closed());
  CHECK(server.io_rejects(Errc::connect_timeout) == 2);
}

TEST_CASE("a dynamic namespace that is named before anybody came has its middleware") {
  SocketioServer server;
  server.io.of([](std::string_view name, const Json&) { return name.starts_with("/t-"); },
               [](Namespace& nsp) { nsp.use([](Socket, Next next) { next("no"); }); });
  CHECK(server.io.of("/t-1").emit("x") == 0);
  SocketioPeer peer(server);
  peer.say("40/t-1,");
  CHECK(peer.hear() == "44/t-1,{\"message\":\"no\"}");
  CHECK(server.io.of("/t-1").socket_count() == 0);
}

TEST_CASE("a dynamic namespace that is named early and cannot be set up lets nobody in") {
  SocketioServer server;
  server.io.of([](std::string_view, const Json& auth) { return auth.at("t") == 1; },
               [](Namespace&) { FAIL("made"); });
  CHECK(server.io.of("/t-1").socket_count() == 0);
  SocketioPeer peer(server);
  peer.say("40/t-1,{\"t\":1}");
  CHECK(peer.hear() == "44/t-1,{\"message\":\"not set up\"}");
}

TEST_CASE("events whose names mean something by themselves are not sent") {
  SocketioServer server;
  std::vector<bool> sent;
  std::vector<std::error_code> told;
  const auto tell = [&](std::error_code error) { told.push_back(error); };
  server.io.on_connection([&](Socket socket) {
    sent.push_back(socket.emit("disconnect", "x"));
    sent.push_back(socket.emit("disconnecting", tell));
    sent.push_back(server.io.emit("connect_error") != 0);
    sent.push_back(server.io.emit("connect", tell) != 0);
    sent.push_back(socket.emit("fine"));
  });
  SocketioPeer peer(server);
  peer.connect();
  CHECK(peer.hear() == "42[\"fine\"]");
  CHECK(sent == std::vector<bool>{false, false, false, false, true});
  REQUIRE(server.until([&] { return told.size() == 2; }));
  CHECK(told[0] == AckErrc::reserved);
  CHECK(told[1] == AckErrc::reserved);
}

TEST_CASE("before CONNECT nothing else may be said (242), and not for ever (243)") {
  SocketioServer server({.connect_timeout = milliseconds(20)});
  const Unchanged unchanged(server);
  SocketioPeer eager(server);
  eager.say("42[\"x\"]");
  CHECK(eager.was_closed());
  CHECK(server.io_rejects(Errc::not_connected) == 1);
  SocketioPeer silent(server);
  CHECK(silent.was_closed());
  CHECK(server.io_rejects(Errc::connect_timeout) == 1);
  SocketioPeer polite(server);
  polite.connect();
  SocketioPeer another(server);
  CHECK(another.was_closed());
  polite.say("2probe");
  CHECK(server.io.of("/").socket_count() <= 1);
}

TEST_CASE("attachments that do not come in time end the client (256)") {
  SocketioServer server({.attachment_timeout = milliseconds(20)});
  const Unchanged unchanged(server);
  SocketioPeer peer(server);
  peer.connect();
  peer.say("452-[\"x\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
  peer.say_binary("one of two");
  CHECK(peer.was_closed());
  CHECK(server.io_rejects(Errc::attachment_timeout) == 1);
  // The session ends; its socket hears a parse error, as in the reference.
  REQUIRE(server.io_settles());
}

TEST_CASE("an unknown namespace is refused, and the client lives (244); 33 are too many (246)") {
  SocketioServer server;
  for (int i = 0; i < 40; ++i) server.io.of("n" + std::to_string(i));
  const Unchanged unchanged(server);
  SocketioPeer peer(server);
  peer.say("40/nope,");
  CHECK(peer.hear() == "44/nope,{\"message\":\"Invalid namespace\"}");
  for (int i = 0; i < 32; ++i) {
    CHECK(peer.connect("40/n" + std::to_string(i) + ",") != "none");
  }
  peer.say("40/n32,");
  CHECK(peer.hear() == "44/n32,{\"message\":\"Too many namespaces\"}");
  CHECK(server.io_rejects(Errc::namespaces_too_many) == 1);
  CHECK(server.io_rejects(Errc::namespace_unknown) == 1);
}

TEST_CASE("each way to end is told with the reference's reason, once, in order") {
  SocketioServer server;
  Ends ends(server.io.of("/"));
  const auto ends_with = [&](std::string_view reason, auto&& act) {
    CAPTURE(std::string(reason));
    ends.told.clear();
    SocketioPeer peer(server);
    peer.connect();
    REQUIRE(server.until([&] { return ends.last && ends.last->connected(); }));
    act(peer);
    REQUIRE(server.until([&] { return ends.told.size() == 2; }));
    CHECK(ends.told == Ends::of(reason));
    peer.close();
    REQUIRE(server.io_settles());
    CHECK(server.io.of("/").room_count() == 0);
  };
  ends_with("client namespace disconnect", [](SocketioPeer& peer) { peer.say("41"); });
  ends_with("transport close", [](SocketioPeer& peer) { peer.say("1"); });
  ends_with("transport close", [](SocketioPeer& peer) { peer.reset(); });
  ends_with("transport close", [](SocketioPeer& peer) { peer.finish_sending(); });
  ends_with("transport error", [](SocketioPeer& peer) {
    static_cast<void>(peer.send(server_frame(0x81, "no mask")));
  });
  ends_with("server namespace disconnect", [&](SocketioPeer& peer) {
    ends.last->disconnect();
    CHECK(peer.hear() == "41");
    // 248: what was sent before the client knew of it is dropped.
    peer.say("42[\"too late\"]");
    peer.say("2");
  });
  ends_with("server namespace disconnect", [&](SocketioPeer& peer) {
    ends.last->disconnect(true);
    CHECK(peer.hear() == "41");
    CHECK(peer.was_closed());
  });
  ends_with("server shutting down", [&](SocketioPeer& peer) {
    server.io.close();
    CHECK(peer.was_closed());
  });
}

TEST_CASE("after 41 the client may come again, and its late events are dropped (248)") {
  SocketioServer server;
  const Unchanged unchanged(server);
  int connections = 0;
  int events = 0;
  server.io.on_connection([&](Socket socket) {
    ++connections;
    socket.on("x", [&] { ++events; });
  });
  SocketioPeer peer(server);
  peer.connect();
  peer.say("41");
  peer.say("42[\"x\"]");
  CHECK(peer.connect() != "none");
  peer.say("42[\"x\"]");
  REQUIRE(server.until([&] { return events == 1; }));
  CHECK(connections == 2);
  server.turns();
  CHECK(events == 1);
}

TEST_CASE("middleware lets in, refuses, takes its time, and must not lose its way") {
  SocketioServer server;
  std::optional<Next> later;
  Namespace& nsp = server.io.of("guarded");
  nsp.use([&](Socket socket, Next next) {
    const std::string who = socket.auth().is_object() ? socket.auth().value("who", "") : "";
    if (who == "foe") return next("not you", {{"code", 7}});
    if (who == "lost") return;
    if (who == "slow") {
      later.emplace(std::move(next));
      return;
    }
    next();
  });
  int second = 0;
  nsp.use([&](Socket, Next next) {
    ++second;
    next();
    next("twice");
  });
  int connections = 0;
  nsp.on_connection([&](Socket) { ++connections; });
  SocketioPeer peer(server);
  peer.say("40/guarded,{\"who\":\"foe\"}");
  CHECK(peer.hear() == "44/guarded,{\"data\":{\"code\":7},\"message\":\"not you\"}");
  peer.say("40/guarded,{\"who\":\"lost\"}");
  CHECK(peer.hear() == "44/guarded,{\"message\":\"refused\"}");
  peer.say("40/guarded,{\"who\":\"slow\"}");
  REQUIRE(server.until([&] { return later.has_value(); }));
  CHECK(connections == 0);
  (*later)();
  CHECK(peer.hear().starts_with("40/guarded,{\"sid\":"));
  CHECK(connections == 1);
  CHECK(second == 1);
  // Gone before the answer: nothing happens.
  later.reset();
  SocketioPeer goes(server);
  goes.say("40/guarded,{\"who\":\"slow\"}");
  REQUIRE(server.until([&] { return later.has_value(); }));
  goes.reset();
  REQUIRE(server.until([&] { return server.io.client_count() == 1; }));
  (*later)();
  CHECK(connections == 1);
  CHECK(nsp.socket_count() == 1);
}

TEST_CASE("namespaces may be made when they are asked for, and not without end") {
  SocketioServer server({.dynamic_namespaces_max = 2});
  const Unchanged unchanged(server);
  server.io.of([](std::string_view name, const Json&) { return name.starts_with("/room-"); },
               [](Namespace& nsp) {
                 nsp.on_connection([](Socket socket) { socket.emit("in", socket.nsp().name()); });
               });
  SocketioPeer peer(server);
  CHECK(peer.connect("40/room-1,") != "none");
  CHECK(peer.hear() == "42/room-1,[\"in\",\"/room-1\"]");
  peer.say("40/hall,");
  CHECK(peer.hear() == "44/hall,{\"message\":\"Invalid namespace\"}");
  CHECK(peer.connect("40/room-2,") != "none");
  static_cast<void>(peer.hear());
  peer.say("40/room-3,");
  CHECK(peer.hear() == "44/room-3,{\"message\":\"Invalid namespace\"}");
}

TEST_CASE("clients of revision 3 are in / at once, get ASCII and errors as text (262)") {
  Options options;
  options.engine.revision3 = true;
  SocketioServer server(std::move(options));
  const Unchanged unchanged(server);
  Json auth;
  server.io.of("chat").on_connection([&auth](Socket socket) { auth = socket.auth(); });
  server.io.on_connection([](Socket socket) {
    socket.on("echo", [socket](const Json& value) { socket.emit("echo", value); });
  });
  SocketioPeer peer(server, 3);
  CHECK(peer.hear() == "40");
  peer.say("42[\"echo\",\"\xc3\xa9\"]");
  CHECK(peer.hear() == "42[\"echo\",\"\\u00e9\"]");
  peer.say("40/chat?token=x&%26=%3D+1,");
  CHECK(peer.hear() == "40/chat,");
  CHECK(auth == Json{{"token", "x"}, {"&", "= 1"}});
  peer.say("40/nope");
  CHECK(peer.hear() == "44/nope,\"Invalid namespace\"");
  peer.say("451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
  peer.say_binary(std::string("\x04") + "bytes");
  CHECK(peer.hear() == "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
  CHECK(peer.hear() == std::string("\x04") + "bytes");
}

TEST_CASE("the id of a client of protocol 4 is what it makes of that of its session") {
  Options options;
  options.engine.revision3 = true;
  SocketioServer server(std::move(options));
  const Unchanged unchanged(server);
  Namespace& chat = server.io.of("/chat");
  std::string sid;
  std::vector<Socket> sockets;
  server.io.on_connection([&](Socket socket) {
    sid = socket.engine()->sid();
    CHECK(socket.id() == sid);
  });
  chat.on_connection([&](Socket socket) { sockets.push_back(socket); });
  SocketioPeer peer(server, 3);
  CHECK(peer.hear() == "40");
  peer.say("40/chat,");
  CHECK(peer.hear() == "40/chat,");
  const std::string id = "/chat#" + sid;
  REQUIRE(sockets.size() == 1);
  CHECK(sockets[0].id() == id);
  CHECK(sockets[0].rooms() == std::vector<std::string>{id});
  CHECK(chat.find(id) == sockets[0]);
  CHECK_FALSE(chat.find(sid).connected());
  CHECK(server.io.to(sid).emit("for", 1) == 1);
  CHECK(peer.hear() == "42[\"for\",1]");
  // Who comes again in the same turn has the same id, and is another socket.
  sockets[0].on("disconnect", [&] { CHECK(chat.find(id) == sockets.back()); });
  REQUIRE(peer.send(client_frame(0x81, "41/chat,") + client_frame(0x81, "40/chat,")));
  CHECK(peer.hear() == "40/chat,");
  REQUIRE(sockets.size() == 2);
  REQUIRE(server.until([&] { return sockets[0].id().empty(); }));
  CHECK(chat.find(id) == sockets[1]);
  CHECK(chat.to(id).emit("for", 2) == 1);
  CHECK(peer.hear() == "42/chat,[\"for\",2]");
}

TEST_CASE("a refusal of protocol 4 is its data, or without any its message") {
  Options options;
  options.engine.revision3 = true;
  SocketioServer server(std::move(options));
  Json data;
  server.io.of("/closed").use([&](Socket, Next next) { next("not you", data); });
  SocketioPeer peer(server, 3);
  CHECK(peer.hear() == "40");
  peer.say("40/closed,");
  CHECK(peer.hear() == "44/closed,\"not you\"");
  data = {{"code", 7}};
  peer.say("40/closed,");
  CHECK(peer.hear() == "44/closed,{\"code\":7}");
  // As in the reference, but for a number: that would be the number of an answer.
  for (const Json& none : {Json(false), Json(""), Json(7)}) {
    data = none;
    peer.say("40/closed,");
    CHECK(peer.hear() == "44/closed,\"not you\"");
  }
  data = Json::array({"a"});
  peer.say("40/closed,");
  CHECK(peer.hear() == "44/closed,[\"a\"]");
}

TEST_CASE("what middleware says goes out at once, in either protocol, and may be answered") {
  Options options;
  options.engine.revision3 = true;
  SocketioServer server(std::move(options));
  Events told;
  server.io.use([&](Socket socket, Next next) {
    CHECK(socket.emit("soon", 1));
    CHECK(socket.emit("ask", [&](std::error_code error, int answer) {
      told.push_back(error ? error.message() : std::to_string(answer));
    }));
    if (socket.auth().is_object()) return next("not you");
    next();
  });
  SocketioPeer peer(server);
  peer.say("40");
  CHECK(peer.hear() == "42[\"soon\",1]");
  CHECK(peer.hear() == "420[\"ask\"]");
  CHECK(peer.hear().starts_with("40{"));
  peer.say("430[5]");
  REQUIRE(server.until([&] { return told == Events{"5"}; }));
  SocketioPeer old(server, 3);
  CHECK(old.hear() == "42[\"soon\",1]");
  CHECK(old.hear() == "421[\"ask\"]");
  CHECK(old.hear() == "40");
  told.clear();
  SocketioPeer refused(server);
  refused.say("40{\"token\":1}");
  CHECK(refused.hear() == "42[\"soon\",1]");
  CHECK(refused.hear() == "422[\"ask\"]");
  CHECK(refused.hear() == "44{\"message\":\"not you\"}");
  REQUIRE(server.until([&] { return !told.empty(); }));
  CHECK(told == Events{make_error_code(AckErrc::disconnected).message()});
}

TEST_CASE("a thousand come and go in every way, and nothing is left of them") {
  SocketioServer server;
  server.io.of("other").on_connection([](Socket socket) { socket.join("room"); });
  server.io.on_connection([](Socket socket) {
    socket.join("a");
    socket.join("b");
    socket.on("leave", [socket] { socket.disconnect(true); });
    socket.on("ask", [socket] { socket.timeout(milliseconds(60'000)).emit("x", [](int) {}); });
  });
  const Baseline before = server.baseline();
  for (int i = 0; i < 1000; ++i) {
    SocketioPeer peer(server);
    peer.connect();
    if (i % 2 == 0) peer.connect("40/other,");
    if (i % 3 == 0) peer.say("451-[\"half\",{\"_placeholder\":true,\"num\":0}]");
    if (i % 5 == 0) peer.say("42[\"leave\"]");
    if (i % 7 == 0) peer.say("41");
    if (i % 11 == 0) peer.reset();
  }
  REQUIRE(server.io_settles());
  CHECK(server.io.of("/").room_count() == 0);
  CHECK(server.io.of("other").room_count() == 0);
  CHECK(server.io.of("/").socket_count() == 0);
  CHECK(server.baseline() == before);
}

// SPDX-License-Identifier: MIT
//
// Clients whose connection was lost, and who take up where they were.

#include "ws/socketio/recovery.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/socketio_wire.h"

namespace {

using namespace hilo;
using namespace hilo::test;
using socketio::Json;
using socketio::Options;
using socketio::RecoveryOptions;
using socketio::Socket;

Options with_recovery(RecoveryOptions recovery = {}) {
  recovery.enabled = true;
  Options options;
  options.recovery = recovery;
  return options;
}

struct Session {
  std::string pid, sid;
};

Session session_of(const std::string& answer) {
  CAPTURE(answer);
  REQUIRE(answer.starts_with("40{"));
  const Json data = Json::parse(answer.substr(2));
  return {data.value("pid", ""), data.value("sid", "")};
}

// The values of an event, and the offset behind them.
std::pair<std::string, std::string> event_of(const std::string& packet) {
  CAPTURE(packet);
  REQUIRE(packet.starts_with("42["));
  Json values = Json::parse(packet.substr(2));
  const std::string offset = values.back().get<std::string>();
  values.erase(values.size() - 1);
  return {values.dump(), offset};
}

std::string come_back(const Session& session, std::string_view offset) {
  return "40" + Json{{"pid", session.pid}, {"offset", offset}}.dump();
}

// A server whose sockets join what they ask for, and one client of it.
struct Lost {
  explicit Lost(RecoveryOptions recovery = {}) : server(with_recovery(recovery)) {
    server.io.on_connection([this](Socket socket) {
      sockets.push_back(socket);
      socket.on("join", [socket](std::string_view room) { socket.join(room); });
    });
    peer = std::make_unique<SocketioPeer>(server);
    peer->say("40");
    session = session_of(peer->hear());
    peer->say("42[\"join\",\"room\"]");
    server.io.emit("first");
    offset = event_of(peer->hear()).second;
    REQUIRE(server.until([&] { return socket().rooms().size() == 2; }));
  }

  Socket socket() const { return sockets.front(); }
  void lose() {
    peer->reset();
    REQUIRE(server.until([&] { return server.io.client_count() == 0; }));
    server.turns();
  }
  // What comes in answer to that CONNECT, up to it: events, then the answer.
  std::vector<std::string> answers(std::string_view connect) {
    peer = std::make_unique<SocketioPeer>(server);
    peer->say(connect);
    std::vector<std::string> all;
    do {
      all.push_back(peer->hear());
    } while (!all.back().starts_with("40{") && !all.back().empty());
    return all;
  }
  std::size_t sessions() { return server.io.of("/").recovery()->session_count(); }

  SocketioServer server;
  std::vector<Socket> sockets;
  std::unique_ptr<SocketioPeer> peer;
  Session session;
  std::string offset;
};

}  // namespace

TEST_CASE("who was lost gets its id, rooms, data and what it missed, and then goes on") {
  Lost lost;
  lost.socket().data() = {{"name", "Ada"}};
  CHECK(lost.session.pid.size() == 28);
  lost.lose();
  lost.server.io.to("room").emit("to the room", 1);
  lost.server.io.to("elsewhere").emit("to others");
  lost.server.io.except("room").emit("to those not in the room");
  lost.server.io.to(lost.session.sid).emit("to the id", 2);
  lost.server.io.broadcast().volatile_().emit("volatile");
  lost.server.io.emit("to all", socketio::Binary{as_bytes("abc")});

  lost.peer = std::make_unique<SocketioPeer>(lost.server);
  lost.peer->say(come_back(lost.session, lost.offset));
  CHECK(event_of(lost.peer->hear()).first == "[\"to the room\",1]");
  const auto [second, offset] = event_of(lost.peer->hear());
  CHECK(second == "[\"to the id\",2]");
  const std::string with_bytes = lost.peer->hear();
  CHECK(with_bytes.starts_with(R"(451-["to all",{"_placeholder":true,"num":0},")"));
  CHECK(lost.peer->hear() == "abc");
  const Session again = session_of(lost.peer->hear());
  CHECK(again.pid == lost.session.pid);
  CHECK(again.sid == lost.session.sid);

  REQUIRE(lost.sockets.size() == 2);
  const Socket socket = lost.sockets[1];
  CHECK(socket.recovered());
  CHECK(socket.id() == lost.session.sid);
  CHECK(socket.rooms() == std::vector<std::string>{lost.session.sid, "room"});
  CHECK(socket.data() == Json{{"name", "Ada"}});
  CHECK(lost.server.io.metrics().recovered == 1);
  // It is found by its id, though that names another slot.
  CHECK(lost.server.io.of("/").find(lost.session.sid) == socket);
  lost.server.io.to(lost.session.sid).emit("now");
  CHECK(event_of(lost.peer->hear()).first == "[\"now\"]");
  // And the same once more.
  lost.lose();
  CHECK(lost.answers(come_back(lost.session, offset)).size() == 4);
  CHECK(lost.sockets.back().recovered());
}

TEST_CASE("an emit to one is kept as well; what wants an answer or is volatile is not") {
  Lost lost;
  lost.socket().emit("kept", 1);
  CHECK(event_of(lost.peer->hear()).first == "[\"kept\",1]");
  lost.socket().emit("asked", [](std::error_code) {});
  CHECK(lost.peer->hear() == "420[\"asked\"]");
  lost.socket().volatile_().emit("volatile");
  CHECK(lost.peer->hear() == "42[\"volatile\"]");
  lost.lose();
  const std::vector<std::string> answers = lost.answers(come_back(lost.session, lost.offset));
  REQUIRE(answers.size() == 2);
  CHECK(event_of(answers[0]).first == "[\"kept\",1]");
}

TEST_CASE("a new session is what all others get") {
  Lost lost;
  std::string connect = come_back(lost.session, lost.offset);
  SUBCASE("who was sent away") {
    lost.socket().disconnect();
    CHECK(lost.peer->hear() == "41");
  }
  SUBCASE("who left") {
    lost.peer->say("41");
    REQUIRE(lost.server.until([&] { return !lost.socket().connected(); }));
  }
  SUBCASE("who names another pid") {
    lost.lose();
    connect = come_back({std::string(28, 'A'), ""}, lost.offset);
  }
  SUBCASE("who names an offset that nobody was given") {
    const std::vector<std::string> offsets = {
        "", "0", "2", "1 ", "-1", "x", "99999999999999999999"};
    for (const std::string& offset : offsets) {
      CAPTURE(offset);
      const socketio::Recovery& kept = *lost.server.io.of("/").recovery();
      CHECK_FALSE(kept.can_take(lost.session.pid, offset));
    }
    lost.lose();
    connect = come_back(lost.session, "2");
  }
  SUBCASE("whose pid and offset are no texts") {
    lost.lose();
    connect = "40{\"pid\":7,\"offset\":[1]}";
  }
  SUBCASE("who comes a second time") {
    lost.lose();
    CHECK(session_of(lost.answers(connect).back()).pid == lost.session.pid);
  }
  const Session session = session_of(lost.answers(connect).back());
  CHECK(session.pid != lost.session.pid);
  CHECK(session.sid != lost.session.sid);
  CHECK_FALSE(lost.sockets.back().recovered());
}

TEST_CASE("sessions and events are kept within their limits, the newest of them") {
  SUBCASE("events") {
    Lost lost({.event_bytes_max = 2000});
    lost.lose();
    lost.server.io.emit("long", std::string(2000, 'x'));
    CHECK(lost.server.io.of("/").recovery()->event_bytes() == 0);
    CHECK(session_of(lost.answers(come_back(lost.session, lost.offset)).back()).pid !=
          lost.session.pid);
  }
  SUBCASE("sessions") {
    Lost lost({.sessions_max = 1});
    lost.lose();
    CHECK(lost.sessions() == 1);
    const Session second = session_of(lost.answers("40").back());
    lost.lose();
    CHECK(lost.sessions() == 1);
    CHECK(session_of(lost.answers(come_back(lost.session, lost.offset)).back()).pid !=
          lost.session.pid);
  }
  SUBCASE("time") {
    Lost lost({.max_disconnection_duration = net::Duration::milliseconds(1)});
    lost.lose();
    const socketio::Recovery& kept = *lost.server.io.of("/").recovery();
    REQUIRE(
        lost.server.until([&] { return kept.session_count() == 0 && kept.event_bytes() == 0; }));
    CHECK(session_of(lost.answers(come_back(lost.session, lost.offset)).back()).pid !=
          lost.session.pid);
  }
}

TEST_CASE("middleware is not asked again, unless it wants to be") {
  for (const bool skips : {true, false}) {
    CAPTURE(skips);
    int asked = 0;
    Lost lost({.skip_middlewares = skips});
    lost.socket().data() = {{"name", "Ada"}, {"visits", 1}};
    lost.server.io.use([&](Socket socket, socketio::Next next) {
      ++asked;
      socket.data() = {{"visits", 2}};
      next();
    });
    lost.lose();
    CHECK(lost.answers(come_back(lost.session, lost.offset)).size() == 1);
    CHECK(asked == (skips ? 0 : 1));
    CHECK(lost.sockets.back().recovered());
    CHECK(lost.sockets.back().data() == Json{{"name", "Ada"}, {"visits", skips ? 1 : 2}});
  }
}

TEST_CASE("what middleware says has no place among what is missed, and is not sent") {
  SocketioServer server(with_recovery());
  bool is_sent = true;
  server.io.use([&](Socket socket, socketio::Next next) {
    is_sent = socket.emit("soon", "no offset");
    next();
  });
  SocketioPeer peer(server);
  peer.say("40");
  CHECK(peer.hear().starts_with("40{"));
  CHECK_FALSE(is_sent);
}

TEST_CASE("where there is an adapter recovery is off, and the log says so") {
  struct Alone : socketio::Adapter {
    std::size_t others() const noexcept override { return 0; }
    std::size_t tell(std::shared_ptr<const socketio::ServerMessage>) override { return 0; }
  };
  SocketioServer server(with_recovery());
  server.io.set_adapter(std::make_unique<Alone>());
  CHECK(server.log ==
        std::vector<std::string>{"lvl=error ev=sio_recovery_off reason=several_servers"});
  CHECK(server.io.of("/").recovery() == nullptr);
  SocketioPeer peer(server);
  peer.say("40");
  CHECK(session_of(peer.hear()).pid.empty());
}

TEST_CASE("without the option there is neither pid nor offset") {
  SocketioServer server;
  SocketioPeer peer(server);
  peer.say("40{\"pid\":\"x\",\"offset\":\"1\"}");
  CHECK(session_of(peer.hear()).pid.empty());
  server.io.emit("bare");
  CHECK(peer.hear() == "42[\"bare\"]");
  CHECK(server.io.of("/").recovery() == nullptr);
}

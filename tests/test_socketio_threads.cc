// SPDX-License-Identifier: MIT
//
// Socket.IO servers of two threads that are one to their clients.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/support/socketio_wire.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

// Both do the same for their clients; handlers run in either thread.
void set_up(Server& io) {
  io.on_connection([&io](Socket socket) {
    socket.on("join", [socket](std::string_view room, Ack ack) {
      socket.join(room);
      ack();
    });
    socket.on("all", [&io](const Json& value) { io.emit("said", value); });
    socket.on("others", [socket](const Json& value) { socket.broadcast().emit("said", value); });
    socket.on("to", [&io](std::string_view room, const Json& value) {
      io.to(room).except("deaf").emit("said", value);
    });
    socket.on("local", [&io](const Json& value) { io.broadcast().local().emit("said", value); });
    socket.on("gather", [&io](std::string_view room) { io.broadcast().sockets_join(room); });
    socket.on("scatter", [&io](std::string_view room) { io.to(room).sockets_leave(room); });
    socket.on("end", [&io](std::string_view room) { io.to(room).disconnect_sockets(); });
    socket.on("vote", [socket, &io](int milliseconds) {
      io.broadcast()
          .timeout(net::Duration::milliseconds(milliseconds))
          .emit("vote", "?", [socket](std::error_code error, std::vector<Json> answers) {
            std::sort(answers.begin(), answers.end());
            socket.emit("result", error ? error.message() : "all", answers);
          });
    });
  });
}

Options all_revisions(net::Duration servers_timeout) {
  Options options;
  options.engine.revision3 = true;
  options.servers_timeout = servers_timeout;
  return options;
}

// One loop is the test's, the other has a thread.
struct Two : SocketioServer {
  struct Other {
    Other(const ws::Limits& limits, net::Duration servers_timeout)
        : server(loop, limits, {.loop_index = 1}), io(server, all_revisions(servers_timeout)) {}
    net::Loop loop;
    ws::Server server;
    Server io;
  };

  explicit Two(const ws::Limits& limits = {},
               net::Duration servers_timeout = net::Duration::seconds(60))
      : SocketioServer(all_revisions(servers_timeout)),
        front(address),
        other(std::make_unique<Other>(limits, servers_timeout)) {
    set_up(io);
    set_up(other->io);
    Server* const both[] = {&io, &other->io};
    Server::meet(both);
    const auto bound = other->server.listen(ws::ListenOptions{.host = "127.0.0.1"});
    REQUIRE(bound);
    back = *bound;
  }
  ~Two() { stop(); }
  void run() {
    thread = std::thread([this] { static_cast<void>(other->loop.run()); });
  }
  void stop() {
    if (!thread.joinable()) return;
    other->loop.stop();
    thread.join();
  }
  std::unique_ptr<SocketioPeer> peer(int side, int revision = 4) {
    address = side == 0 ? front : back;
    auto made = std::make_unique<SocketioPeer>(*this, revision);
    id = revision == 4 ? made->connect() : made->hear();
    return made;
  }

  net::Address front;
  net::Address back;
  std::unique_ptr<Other> other;
  std::thread thread;
  std::string id;  // of the last peer
};

std::string said(std::string_view value) {
  return "42[\"said\"," + std::string(value) + "]";
}

}  // namespace

TEST_CASE("what goes to many reaches the clients of every loop, and no others") {
  Two two;
  two.run();
  auto a = two.peer(0);
  auto b = two.peer(1);
  const std::string id = two.id;
  auto old = two.peer(1, 3);
  a->say("42[\"all\",{\"n\":\"\u00f1\"}]");
  CHECK(a->hear() == said("{\"n\":\"\u00f1\"}"));
  CHECK(b->hear() == said("{\"n\":\"\u00f1\"}"));
  CHECK(old->hear() == said("{\"n\":\"\\u00f1\"}"));
  // The sender is left out wherever the others are; its id is a room.
  b->say("42[\"others\",2]");
  CHECK(a->hear() == said("2"));
  CHECK(old->hear() == said("2"));
  a->say("42[\"to\",\"" + id + "\",3]");
  CHECK(b->hear() == said("3"));
  a->say("42[\"local\",4]");
  CHECK(a->hear() == said("4"));
  // Rooms, filled from afar.
  b->say("420[\"join\",\"deaf\"]");
  CHECK(b->hear() == "430[]");
  a->say("42[\"gather\",\"room\"]");
  a->say("42[\"to\",\"room\",5]");
  CHECK(a->hear() == said("5"));
  CHECK(old->hear() == said("5"));
  a->say("42[\"scatter\",\"room\"]");
  a->say("42[\"to\",\"room\",6]");
  a->say("42[\"end\",\"deaf\"]");
  CHECK(b->hear() == "41");
  a->say("42[\"all\",7]");
  CHECK(a->hear() == said("7"));
  CHECK(old->hear() == said("7"));
}

TEST_CASE("what one client says arrives in its order in every loop, bytes too") {
  Two two;
  two.run();
  auto a = two.peer(0);
  auto b = two.peer(1);
  for (int i = 0; i < 300; ++i) {
    if (i % 3 == 0) {
      a->say("451-[\"all\",{\"_placeholder\":true,\"num\":0}]");
      a->say_binary(std::to_string(i));
    } else {
      a->say("42[\"all\"," + std::to_string(i) + "]");
    }
  }
  for (SocketioPeer* const each : {a.get(), b.get()}) {
    for (int i = 0; i < 300; ++i) {
      if (i % 3 == 0) {
        REQUIRE(each->hear() == "451-[\"said\",{\"_placeholder\":true,\"num\":0}]");
        REQUIRE(each->hear() == std::to_string(i));
      } else {
        REQUIRE(each->hear() == said(std::to_string(i)));
      }
    }
  }
}

TEST_CASE("a question to many gathers the answers of every loop") {
  Two two;
  two.run();
  auto a = two.peer(0);
  auto b = two.peer(1);
  auto c = two.peer(1);
  // The number of a question is each loop's own.
  const auto answer = [](SocketioPeer& peer, std::string_view value) {
    std::string question = peer.hear();
    REQUIRE(question.ends_with("[\"vote\",\"?\"]"));
    question = question.substr(2, question.find('[') - 2);
    peer.say("43" + question + "[" + std::string(value) + "]");
  };
  a->say("42[\"vote\",60000]");
  answer(*a, "1");
  answer(*b, "2");
  answer(*c, "3");
  CHECK(a->hear() == "42[\"result\",\"all\",[1,2,3]]");
  // From the other side, and somebody goes without a word.
  b->say("42[\"vote\",60000]");
  answer(*a, "4");
  answer(*b, "5");
  CHECK(c->hear().ends_with("[\"vote\",\"?\"]"));
  c.reset();
  CHECK(b->hear().ends_with(",[4,5]]"));
  // One is too late.
  a->say("42[\"vote\",20]");
  answer(*a, "6");
  const std::string result = a->hear();
  CHECK(result.starts_with("42[\"result\",\""));
  CHECK(result.find("\"all\"") == std::string::npos);
  CHECK(result.ends_with(",[6]]"));
}

TEST_CASE("servers tell each other which sockets they have, and what the application says") {
  Two two;
  int heard = 0;
  two.io.on("tell", [&](int) { ++heard; });
  two.other->io.on("tell", [&io = two.other->io](int number) { io.emit("said", number); });
  two.other->io.on("load", [](std::string_view of, Ack ack) { ack(std::string(of) + " 7"); });
  two.other->io.use([](Socket socket, Next next) {
    socket.data() = {{"side", 1}};
    next();
  });
  two.run();
  auto a = two.peer(0);
  const std::string first = two.id;
  auto b = two.peer(1);
  const std::string second = two.id;
  b->say("420[\"join\",\"room\"]");
  CHECK(b->hear() == "430[]");

  std::vector<RemoteSocket> sockets;
  int told = 0;
  const auto take = [&](std::error_code error, std::vector<RemoteSocket> found) {
    CHECK_FALSE(error);
    sockets = std::move(found);
    ++told;
  };
  two.io.broadcast().fetch_sockets(take);
  CHECK(told == 0);
  REQUIRE(two.until([&] { return told == 1; }));
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0].id == first);
  CHECK(sockets[0].rooms.empty());
  CHECK(sockets[1].id == second);
  CHECK(sockets[1].rooms == std::vector<std::string>{"room"});
  CHECK(sockets[1].data == Json{{"side", 1}});
  two.io.to("room").fetch_sockets(take);
  REQUIRE(two.until([&] { return told == 2; }));
  CHECK(sockets.size() == 1);
  two.io.broadcast().local().fetch_sockets(take);
  REQUIRE(two.until([&] { return told == 3; }));
  CHECK(sockets.size() == 1);

  // Not to itself.
  CHECK(two.io.server_side_emit("tell", 5) == 1);
  CHECK(a->hear() == said("5"));
  CHECK(b->hear() == said("5"));
  CHECK(heard == 0);
  std::error_code error;
  std::vector<Json> answers;
  const auto hear = [&](std::error_code why, std::vector<Json> values) {
    error = why;
    answers = std::move(values);
    ++told;
  };
  CHECK(two.io.server_side_emit("load", "of one", hear) == 1);
  REQUIRE(two.until([&] { return told == 4; }));
  CHECK_FALSE(error);
  CHECK(answers == std::vector<Json>{"of one 7"});
  // Nobody listens there.
  two.io.server_side_emit("nobody", hear);
  REQUIRE(two.until([&] { return told == 5; }));
  CHECK(error == AckErrc::disconnected);
  CHECK(answers.empty());
  // Nobody could.
  CHECK(two.io.server_side_emit("connection", hear) == 0);
  REQUIRE(two.until([&] { return told == 6; }));
  CHECK(error == AckErrc::reserved);
}

TEST_CASE("a server that listens and does not answer is not waited for for ever") {
  Two two({}, net::Duration::milliseconds(20));
  Ack kept;
  two.other->io.on("silent", [&](Ack ack) { kept = std::move(ack); });
  two.run();
  std::error_code error;
  two.io.server_side_emit("silent", [&](std::error_code why, std::vector<Json>) { error = why; });
  REQUIRE(two.until([&] { return error == AckErrc::timed_out; }));
  two.stop();
  kept("too late");
}

TEST_CASE("a namespace that goes while it owes an answer is not waited for, and leaves no timer") {
  Two two({}, net::Duration::milliseconds(300));
  for (Server* const io : {&two.io, &two.other->io}) {
    io->of([](std::string_view name, const Json&) { return name == "/dynamic"; },
           [](Namespace& nsp) { nsp.on("silent", [](Ack) {}); });
  }
  std::atomic<bool> asked = false;
  two.other->io.on("asked", [&] { asked = true; });
  two.run();
  auto peer = two.peer(1);
  CHECK(peer->connect("40/dynamic,") != "none");
  std::error_code error;
  two.io.of("/dynamic").server_side_emit("silent", [&](std::error_code why, std::vector<Json>) {
    error = why;
  });
  two.io.server_side_emit("asked");
  REQUIRE(two.until([&] { return asked.load(); }));
  peer->say("41/dynamic,");
  REQUIRE(two.until([&] { return static_cast<bool>(error); }));
  // On a machine that stood still meanwhile its time may have been over first.
  CHECK((error == AckErrc::disconnected || error == AckErrc::timed_out));
  // Longer than servers_timeout: its timer finds nobody.
  bool is_over = false;
  two.loop.call_after(net::Duration::milliseconds(400), [&] { is_over = true; });
  REQUIRE(two.until([&] { return is_over; }));
}

TEST_CASE("a server that has met no other has only its own sockets, and nobody to talk to") {
  SocketioServer server;
  SocketioPeer peer(server);
  const std::string id = peer.connect("40{\"token\":\"t\"}");
  int told = 0;
  server.io.broadcast().fetch_sockets([&](std::error_code error, std::vector<RemoteSocket> found) {
    CHECK_FALSE(error);
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == id);
    CHECK(found[0].auth == Json{{"token", "t"}});
    ++told;
  });
  server.io.on("tell", [&] { ++told; });
  const std::size_t count =
      server.io.server_side_emit("tell", [&](std::error_code error, std::vector<Json> answers) {
        CHECK_FALSE(error);
        CHECK(answers.empty());
        ++told;
      });
  CHECK(count == 0);
  REQUIRE(server.until([&] { return told == 2; }));
}

TEST_CASE("what is too much for another loop is lost there, and counted") {
  ws::Limits limits;
  limits.publish_bytes_max = 10'000;
  Two two(limits);
  const std::uint64_t& lost = two.io.metrics().relays_lost;
  // The other loop does not run: all of it is on its way.
  for (int i = 0; i < 12; ++i) two.io.emit("said", std::string(500, 'x'));
  CHECK(lost > 0);
  CHECK(lost < 12);
  two.run();
  REQUIRE(two.until([&] {
    const std::uint64_t before = lost;
    two.io.emit("said", 1);
    return lost == before;
  }));
}

TEST_CASE("a loop that goes owes no answers, and one that is gone is not asked") {
  Two two;
  int told = 0;
  const auto ask = [&] {
    two.io.emit("vote", [&](std::error_code error, std::vector<Json> answers) {
      CHECK(error);
      CHECK(answers.empty());
      ++told;
    });
  };
  ask();
  two.turns();
  CHECK(told == 0);
  two.other.reset();
  REQUIRE(two.until([&] { return told == 1; }));
  ask();
  REQUIRE(two.until([&] { return told == 2; }));
  two.io.emit("said", 1);
}

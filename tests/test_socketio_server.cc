// SPDX-License-Identifier: MIT
//
// What an application does with a Socket.IO server.

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
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

struct Point {
  int x = 0;
  int y = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

}  // namespace

TEST_CASE("the lesson: everybody is told how many are connected, without further traffic") {
  SocketioServer server;
  int clients = 0;
  server.io.on_connection([&](Socket socket) {
    server.io.emit("stats", {{"numClients", ++clients}});
    socket.on("disconnect", [&] { server.io.emit("stats", {{"numClients", --clients}}); });
  });
  SocketioPeer first(server);
  first.connect();
  CHECK(first.hear() == "42[\"stats\",{\"numClients\":1}]");
  SocketioPeer second(server);
  second.connect();
  CHECK(second.hear() == "42[\"stats\",{\"numClients\":2}]");
  CHECK(first.hear() == "42[\"stats\",{\"numClients\":2}]");
  second.reset();
  CHECK(first.hear() == "42[\"stats\",{\"numClients\":1}]");
  first.say("41");
  REQUIRE(server.until([&] { return clients == 0; }));
}

TEST_CASE("values become the parameters of a handler, or it is not called") {
  SocketioServer server;
  Events told;
  const auto tell = [&told](const Json& values) { told.push_back(values.dump()); };
  server.io.on_connection([&](Socket socket) {
    socket.on("text", [&](std::string_view a, const std::string& b) { tell({a, b}); });
    socket.on("numbers", [&](int a, double b, std::uint8_t c, bool d) { tell({a, b, c, d}); });
    socket.on("maybe", [&](std::optional<int> a) { tell(a ? Json(*a) : Json("none")); });
    socket.on("list", [&](std::vector<int> a) { tell(a); });
    socket.on("point", [&](Point p) { tell(Json::array({p.x, p.y, Json(p)})); });
    socket.on("json", [&](const Json& a) { tell(a); });
    socket.on("bytes", [&](Binary b) { tell(as_text(b.bytes)); });
    socket.on("nothing", [&] { tell("nothing"); });
    socket.on("all", [&](const Arguments& all) { tell(all.size()); });
  });
  server.io.on_misfit([&](Socket, std::string_view event) { told.emplace_back(event); });
  SocketioPeer peer(server);
  peer.connect();
  const auto becomes = [&](std::string_view event, std::string_view what) {
    CAPTURE(std::string(event));
    told.clear();
    peer.say("42" + std::string(event));
    REQUIRE(server.until([&] { return !told.empty(); }));
    CHECK(told == Events{std::string(what)});
  };
  becomes(R"(["text","a","b"])", R"(["a","b"])");
  becomes(R"(["numbers",-3,2,255,true,"more"])", "[-3,2.0,255,true]");
  becomes(R"(["numbers",3.0,2.5,1.0,false])", "[3,2.5,1,false]");
  becomes(R"(["maybe"])", "\"none\"");
  becomes(R"(["maybe",null])", "\"none\"");
  becomes(R"(["maybe",7])", "7");
  becomes(R"(["list",[1,2]])", "[1,2]");
  becomes(R"(["point",{"x":1,"y":2}])", R"([1,2,{"x":1,"y":2}])");
  becomes(R"(["json",{"a":[null]}])", R"({"a":[null]})");
  becomes(R"(["nothing",1,2])", "\"nothing\"");
  becomes(R"(["all",1,2,3])", "3");
  const std::vector<std::string> misfits = {R"(["text","a"])",
                                            R"(["text","a",1])",
                                            R"(["numbers",1,2,256,true])",
                                            R"(["numbers",1.5,2,1,true])",
                                            R"(["numbers","1",2,1,true])",
                                            R"(["numbers",1,2,-1,true])",
                                            R"(["numbers",1e300,2,1,true])",
                                            R"(["maybe","x"])",
                                            R"(["list",[1,"x"]])",
                                            R"(["list",7])",
                                            R"(["point",{"x":1}])",
                                            R"(["json"])",
                                            R"(["bytes","text"])"};
  for (const std::string& event : misfits) {
    becomes(event, event.substr(2, event.find('"', 2) - 2));
  }
  CHECK(server.io_rejects(Errc::arguments) == misfits.size());
  becomes(R"(["nothing"])", "\"nothing\"");
}

TEST_CASE("a client's answer is sent once, now or later, or to nobody (250)") {
  SocketioServer server;
  std::optional<Ack> kept;
  server.io.on_connection([&](Socket socket) {
    socket.on("sum", [](int a, int b, Ack ack) {
      CHECK(ack);
      ack(a + b);
      CHECK_FALSE(ack);
      ack("again");
    });
    socket.on("later", [&](Ack ack) { kept = std::move(ack); });
    socket.on("nobody waits", [](Ack ack) {
      CHECK_FALSE(ack);
      ack(1);
    });
  });
  SocketioPeer peer(server);
  peer.connect();
  peer.say("427[\"sum\",1,2]");
  CHECK(peer.hear() == "437[3]");
  peer.say("42[\"nobody waits\"]");
  peer.say("428[\"later\"]");
  REQUIRE(server.until([&] { return kept.has_value(); }));
  (*kept)("at last", Binary{as_bytes("b")});
  CHECK(peer.hear() == "461-8[\"at last\",{\"_placeholder\":true,\"num\":0}]");
  CHECK(peer.hear() == "b");
  // An answer that nobody waits for is dropped, and the client lives.
  peer.say("4399[1]");
  peer.say("43[1]");
  peer.say("429[\"later\"]");
  REQUIRE(server.until([&] { return kept->operator bool(); }));
  CHECK(server.io_rejects(Errc::ack_unknown) == 2);
  peer.reset();
  REQUIRE(server.io_settles());
  (*kept)("too late");
}

TEST_CASE("every handler of an event may answer it, and the first that does is heard") {
  SocketioServer server;
  std::vector<Ack> kept;
  server.io.on_connection([&](Socket socket) {
    socket.on("silent first", [](Ack ack) { CHECK(ack); });
    socket.on("silent first", [](const Arguments& a) { CHECK(*a.ack); });
    socket.on("silent first", [](Ack ack) { ack("the last"); });
    socket.on("both", [](Ack ack) { ack(1); });
    socket.on("both", [](Ack ack) {
      CHECK_FALSE(ack);
      ack(2);
    });
    socket.on("later", [&](Ack ack) { kept.push_back(std::move(ack)); });
    socket.on("later", [&](const Arguments& a) { kept.push_back(std::move(*a.ack)); });
    socket.on("nobody waits", [](Ack ack) { CHECK_FALSE(ack); });
    socket.on("nobody waits", [](Ack ack) { CHECK_FALSE(ack); });
  });
  SocketioPeer peer(server);
  peer.connect();
  peer.say("42[\"nobody waits\"]");
  peer.say("421[\"silent first\"]");
  CHECK(peer.hear() == "431[\"the last\"]");
  peer.say("422[\"both\"]");
  CHECK(peer.hear() == "432[1]");
  peer.say("423[\"later\"]");
  REQUIRE(server.until([&] { return kept.size() == 2; }));
  kept[1]("second");
  CHECK_FALSE(kept[0]);
  kept[0]("first");
  CHECK(peer.hear() == "433[\"second\"]");
  // Nothing came between.
  peer.say("424[\"both\"]");
  CHECK(peer.hear() == "434[1]");
}

TEST_CASE("a server hears the answer to its event, or why there is none") {
  SocketioServer server({.acks_max = 2});
  Events told;
  std::optional<Socket> last;
  server.io.on_connection([&](Socket socket) { last = socket; });
  SocketioPeer peer(server);
  peer.connect();
  const auto tell = [&](std::error_code error, int answer) {
    told.push_back(error ? error.message() : std::to_string(answer));
  };
  CHECK(last->emit("ask", "x", tell));
  CHECK(peer.hear() == "420[\"ask\",\"x\"]");
  peer.say("430[7]");
  REQUIRE(server.until([&] { return told.size() == 1; }));
  CHECK(last->emit("ask", tell));
  peer.say("431[\"seven\"]");
  REQUIRE(server.until([&] { return told.size() == 2; }));
  CHECK(last->timeout(milliseconds(1)).emit("ask", tell));
  REQUIRE(server.until([&] { return told.size() == 3; }));
  // Too late, and twice: dropped.
  peer.say("432[1]");
  REQUIRE(server.until([&] { return server.io_rejects(Errc::ack_unknown) == 1; }));
  CHECK(last->emit("ask", tell));
  CHECK(last->emit("ask", tell));
  CHECK_FALSE(last->emit("ask", tell));
  REQUIRE(server.until([&] { return told.size() == 4; }));
  peer.reset();
  REQUIRE(server.io_settles());
  CHECK(told == Events{"7", "the acknowledgement does not fit its handler",
                       "operation has timed out", "too many acknowledgements are waited for",
                       "socket has been disconnected", "socket has been disconnected"});
  CHECK_FALSE(last->emit("ask", tell));
  REQUIRE(server.until([&] { return told.size() == 7; }));
  CHECK(told.back() == "socket has been disconnected");
}

TEST_CASE("a broadcast gathers the answers of all, or of those who came in time") {
  SocketioServer server;
  std::optional<Json> answers;
  std::string error;
  const auto gather = [&](std::error_code why, const Json& all) {
    error = why.message();
    answers = all;
  };
  CHECK(server.io.emit("vote", gather) == 0);
  REQUIRE(server.until([&] { return answers.has_value(); }));
  CHECK(*answers == Json::array());
  SocketioPeer a(server);
  SocketioPeer b(server);
  a.connect();
  b.connect();
  answers.reset();
  CHECK(server.io.broadcast().timeout(milliseconds(5000)).emit("vote", gather) == 2);
  CHECK(a.hear() == b.hear());
  a.say("431[\"yes\"]");
  b.say("431[\"no\"]");
  REQUIRE(server.until([&] { return answers.has_value(); }));
  CHECK(answers->size() == 2);
  answers.reset();
  server.io.broadcast().timeout(milliseconds(30)).emit("vote", gather);
  a.say("432[\"yes\"]");
  REQUIRE(server.until([&] { return answers.has_value(); }));
  CHECK(*answers == Json::array({"yes"}));
  CHECK(error == "operation has timed out");
  // Who answers with nothing has answered.
  answers.reset();
  server.io.broadcast().timeout(milliseconds(5000)).emit("vote", gather);
  a.say("433[]");
  b.say("433[\"yes\"]");
  REQUIRE(server.until([&] { return answers.has_value(); }));
  std::sort(answers->begin(), answers->end());
  CHECK(*answers == Json::array({nullptr, "yes"}));
  CHECK(error == "Success");
}

TEST_CASE("rooms: each of those who are meant hears it once") {
  SocketioServer server;
  std::vector<Socket> sockets;
  server.io.on_connection([&](Socket socket) { sockets.push_back(socket); });
  std::vector<std::unique_ptr<SocketioPeer>> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<SocketioPeer>(server));
    peers.back()->connect();
  }
  sockets[0].join("red");
  sockets[1].join("red");
  sockets[1].join("blue");
  sockets[1].join("blue");
  sockets[2].join("blue");
  CHECK(sockets[1].rooms() ==
        std::vector<std::string>{std::string(sockets[1].id()), "red", "blue"});
  // Who heard it, as digits.
  const auto heard = [&] {
    server.io.emit("end");
    std::string who;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      for (std::string event = peers[i]->hear(); event != "42[\"end\"]"; event = peers[i]->hear()) {
        REQUIRE(event == "42[\"x\"]");
        who += std::to_string(i);
      }
    }
    return who;
  };
  CHECK(server.io.emit("x") == 4);
  CHECK(heard() == "0123");
  server.io.to("red").emit("x");
  CHECK(heard() == "01");
  CHECK(server.io.to("red").to("blue").emit("x") == 3);
  CHECK(heard() == "012");
  server.io.to("red").except("blue").emit("x");
  CHECK(heard() == "0");
  server.io.except("red").emit("x");
  CHECK(heard() == "23");
  sockets[0].to("red").emit("x");
  CHECK(heard() == "1");
  sockets[0].broadcast().emit("x");
  CHECK(heard() == "123");
  server.io.to(sockets[3].id()).emit("x");
  CHECK(heard() == "3");
  sockets[1].leave("red");
  server.io.to("red").emit("x");
  CHECK(heard() == "0");
  CHECK(server.io.to("nowhere").emit("x") == 0);
  // By the wire nobody joins: an event of that name is an event (263).
  peers[3]->say("42[\"join\",\"red\"]");
  peers[3]->say("420[\"x\"]");
  server.turns();
  server.io.to("red").emit("x");
  CHECK(heard() == "0");
  server.io.in("blue").sockets_join("red");
  server.io.in("blue").sockets_leave("blue");
  CHECK(server.io.of("/").room_count() == 1);
  server.io.to("red").emit("x");
  CHECK(heard() == "012");
  server.io.in("red").disconnect_sockets();
  REQUIRE(server.until([&] { return server.io.of("/").room_count() == 0; }));
  CHECK(server.io.of("/").socket_count() == 1);
}

TEST_CASE("what is volatile is not kept for who cannot take it now") {
  SocketioServer server;
  std::optional<Socket> last;
  server.io.on_connection([&](Socket socket) { last = socket; });
  SocketioPeer peer(server);
  peer.connect();
  CHECK(last->volatile_().emit("x"));
  CHECK(peer.hear() == "42[\"x\"]");
  const std::string large(60'000, 'x');
  while (last->volatile_().emit("x", large)) {
  }
  CHECK(last->engine()->buffered_bytes() < 3 * large.size());
  CHECK(last->connected());
}

TEST_CASE("a broadcast waits in one place for all, and reaches each as it was sent") {
  SocketioServer server({.engine = {.revision3 = true}});
  const Unchanged unchanged(server);
  std::vector<std::unique_ptr<SocketioPeer>> peers;
  for (int i = 0; i < 10; ++i) {
    const int revision = i < 8 ? 4 : 3;
    peers.push_back(std::make_unique<SocketioPeer>(server, revision));
    if (revision == 4) {
      peers.back()->connect();
    } else {
      CHECK(peers.back()->hear() == "40");
    }
  }
  const std::string text(60'000, 'x');
  const std::string bytes(5'000, '\xF1');
  constexpr std::size_t count = 10;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string data(bytes);
    CHECK(server.io.emit("both", i, text, Binary{as_bytes(data)}) == peers.size());
  }
  // A text for each of the revisions, the attachment bare for one of them.
  CHECK(server.loop.pool().taken_bytes() < 3 * count * text.size());
  for (std::size_t i = 0; i < peers.size(); ++i) {
    for (std::size_t n = 0; n < count; ++n) {
      const std::string expected = "451-[\"both\"," + std::to_string(n) + ",\"" + text +
                                   "\",{\"_placeholder\":true,\"num\":0}]";
      REQUIRE((peers[i]->hear() == expected));
      REQUIRE((peers[i]->hear() == (i < 8 ? bytes : '\x04' + bytes)));
    }
  }
}

TEST_CASE("bytes come as they were sent, anywhere in a value") {
  SocketioServer server;
  server.io.on_connection([](Socket socket) {
    socket.on("swap",
              [socket](const Json& value, Binary bytes) { socket.emit("swapped", bytes, value); });
  });
  SocketioPeer peer(server);
  peer.connect();
  const std::string zero = "{\"_placeholder\":true,\"num\":0}";
  const std::string one = "{\"_placeholder\":true,\"num\":1}";
  peer.say("452-[\"swap\",{\"a\":[" + one + "]}," + zero + "]");
  peer.say_binary("zero");
  peer.say_binary("one");
  CHECK(peer.hear() == "452-[\"swapped\"," + zero + ",{\"a\":[" + one + "]}]");
  CHECK(peer.hear() == "zero");
  CHECK(peer.hear() == "one");
}

TEST_CASE("on_any and middleware of a socket see every event; once and off") {
  SocketioServer server;
  Events told;
  server.io.on_connection([&](Socket socket) {
    socket.on_any(
        [&](std::string_view event, Json&) { told.push_back("in " + std::string(event)); });
    socket.on_any_outgoing(
        [&](std::string_view event, const Json&) { told.push_back("out " + std::string(event)); });
    socket.use([](std::string_view event, Json&) { return event != "forbidden"; });
    socket.on("forbidden", [&] { told.push_back("forbidden"); });
    socket.once("once", [&, socket] {
      told.push_back("once");
      socket.on("added", [&] { told.push_back("added"); });
      socket.emit("reply");
    });
    socket.on("off", [&, socket] {
      told.push_back("off");
      socket.off("off");
      socket.off("added");
    });
    socket.on("off", [&] { told.push_back("second"); });
    socket.on("all off", [socket] { socket.off(); });
  });
  SocketioPeer peer(server);
  peer.connect();
  for (const char* event :
       {"once", "once", "added", "off", "off", "added", "forbidden", "all off"}) {
    peer.say("42[\"" + std::string(event) + "\"]");
  }
  REQUIRE(server.until([&] { return !told.empty() && told.back() == "in all off"; }));
  CHECK(told == Events{"in once", "once", "out reply", "in once", "in added", "added", "in off",
                       "off", "in off", "in added", "in forbidden", "in all off"});
  // What goes to many goes to this one, too.
  told.clear();
  server.io.emit("news", 1);
  server.io.except("nobody").emit("question", [](std::error_code, const std::vector<Json>&) {});
  server.io.to("nobody").emit("silence");
  CHECK(told == Events{"out news", "out question"});
}

TEST_CASE("who is disconnected by middleware or on_any hears no event any more") {
  for (const bool by_middleware : {true, false}) {
    SocketioServer server;
    Events told;
    server.io.on_connection([&](Socket socket) {
      socket.on_any([&, socket](std::string_view event, Json&) {
        told.push_back("any " + std::string(event));
        if (!by_middleware) socket.disconnect();
      });
      socket.use([&, socket](std::string_view, Json&) {
        if (by_middleware) socket.disconnect();
        return true;
      });
      socket.on("x", [&] { told.emplace_back("x"); });
    });
    SocketioPeer peer(server);
    peer.connect();
    peer.say("42[\"x\"]");
    CHECK(peer.hear() == "41");
    CHECK(told == Events{"any x"});
  }
}

TEST_CASE("an event may be taken as the text it came in, before it is parsed") {
  SocketioServer server;
  std::vector<std::string> raw;
  server.io.of("/").on_raw([&](Socket socket, std::string_view json, Ack& ack) {
    raw.emplace_back(json);
    if (json.starts_with("[\"usual\"")) return false;
    if (ack) ack(raw.size());
    socket.emit("took", json.size());
    return true;
  });
  int usual = 0;
  server.io.on_connection([&](Socket socket) { socket.on("usual", [&](int) { ++usual; }); });
  SocketioPeer peer(server);
  peer.connect();
  peer.say("42[\"any\", {\"not\": parsed]");
  CHECK(peer.hear() == "42[\"took\",23]");
  peer.say("427[1,2]");
  CHECK(peer.hear() == "437[2]");
  CHECK(peer.hear() == "42[\"took\",5]");
  peer.say("42[\"usual\",1]");
  REQUIRE(server.until([&] { return usual == 1; }));
  CHECK(raw.size() == 3);
  // Bytes go their usual way, and what is not taken is judged as ever.
  peer.say("451-[\"b\",{\"_placeholder\":true,\"num\":0}]");
  peer.say_binary("x");
  peer.say("42[\"usual\",");
  CHECK(peer.was_closed());
  CHECK(server.io_rejects(Errc::packet_json) == 1);
  CHECK(raw.size() == 4);
}

TEST_CASE("who takes events as text may give that up, or to another, while it is called") {
  SocketioServer server;
  Events told;
  Namespace& nsp = server.io.of("/");
  nsp.on_raw([&](Socket, std::string_view, Ack&) {
    const std::string mine = "first";
    nsp.on_raw([&](Socket, std::string_view, Ack&) {
      nsp.on_raw(nullptr);
      told.emplace_back("second");
      return true;
    });
    told.push_back(mine);
    return true;
  });
  server.io.on_connection([&](Socket socket) {
    socket.on("x", [&](int number) { told.push_back("x " + std::to_string(number)); });
  });
  SocketioPeer peer(server);
  peer.connect();
  for (const char* packet : {"42[\"x\",1]", "42[\"x\",2]", "42[\"x\",3]", "42[\"x\",4]"}) {
    peer.say(packet);
  }
  REQUIRE(server.until([&] { return told.size() == 4; }));
  CHECK(told == Events{"first", "second", "x 3", "x 4"});
}

TEST_CASE("a handler that throws costs its client, and nobody else") {
  SocketioServer server;
  Events told;
  server.io.on_connection([&](Socket socket) {
    socket.on("throw", [] { throw std::runtime_error("no"); });
    socket.on("ok", [](Ack ack) { ack("ok"); });
    socket.on("disconnect", [&](std::string_view reason) { told.emplace_back(reason); });
  });
  SocketioPeer throws(server);
  SocketioPeer stays(server);
  throws.connect();
  stays.connect();
  throws.say("42[\"throw\"]");
  throws.say("420[\"ok\"]");
  CHECK(throws.hear() == "");
  stays.say("420[\"ok\"]");
  CHECK(stays.hear() == "430[\"ok\"]");
  CHECK(told == Events{"forced server close"});
  CHECK(server.io_rejects(Errc::handler_threw) == 1);
}

TEST_CASE("callbacks and attachments of the sessions below are the application's") {
  struct Mine final : engineio::Attachment {
    explicit Mine(std::string text) : name(std::move(text)) {}
    std::string name;
  };
  SocketioServer server;
  Events told;
  server.io.engine()
      .on_open([&](engineio::Socket&) { told.emplace_back("open"); })
      .on_message([&](engineio::Socket&, engineio::Message m) { told.emplace_back(m.text()); })
      .on_close([&](engineio::Socket& engine, engineio::CloseReason) {
        const auto* const mine = static_cast<const Mine*>(engine.attachment());
        told.push_back("close " + (mine != nullptr ? mine->name : ""));
      });
  server.io.on_connection([&](Socket socket) {
    told.emplace_back("connection");
    socket.engine()->attach(std::make_unique<Mine>("Ana"));
    socket.on("hello", [socket, &told](Ack ack) {
      socket.engine()->attach(std::make_unique<Mine>("Eva"));
      told.emplace_back("hello");
      ack(1);
    });
    socket.on("disconnect", [&](std::string_view) { told.emplace_back("disconnect"); });
  });
  {
    SocketioPeer peer(server);
    peer.connect();
    peer.say("420[\"hello\"]");
    CHECK(peer.hear() == "430[1]");
  }
  CHECK(server.io_settles());
  CHECK(told ==
        Events{"open", "connection", "0", "hello", "20[\"hello\"]", "disconnect", "close Eva"});
}

TEST_CASE("what one handler leaves of the values is all that the next one finds") {
  SocketioServer server;
  Events told;
  server.io.on_connection([&](Socket socket) {
    socket.on("event", [](const Arguments& arguments) { arguments.values.clear(); });
    socket.on("event", [](const Arguments& arguments) { arguments.values = nullptr; });
    socket.on("event", [&](const Arguments& arguments) {
      told.push_back(arguments.copy().dump() + std::to_string(arguments.size()));
    });
    socket.on("disconnecting", [](const Arguments& arguments) { arguments.values = 7; });
    socket.on("disconnect", [&](std::string_view reason) { told.emplace_back(reason); });
  });
  for (int i = 0; i < 2; ++i) {
    SocketioPeer peer(server);
    peer.connect();
    peer.say("42[\"event\",1]");
    peer.say("41");
    server.turns();
  }
  REQUIRE(server.until([&] { return told.size() == 4; }));
  const std::string reason = "client namespace disconnect";
  CHECK(told == Events{"[]0", reason, "[]0", reason});
  CHECK(server.io_rejects(Errc::arguments) == 0);
}

TEST_CASE("data is the socket's own, and dies with it") {
  SocketioServer server;
  std::optional<Socket> last;
  server.io.on_connection([&](Socket socket) {
    last = socket;
    CHECK(socket.data().is_null());
    socket.data()["name"] = "Ana";
    CHECK(socket.request()->path() == "/socket.io/");
    CHECK(socket.peer() == socket.engine()->peer());
  });
  SocketioPeer peer(server);
  const std::string id = peer.connect("40{\"token\":1}");
  CHECK(last->id() == id);
  CHECK(last->auth() == Json{{"token", 1}});
  CHECK(server.io.of("/").find(id) == *last);
  CHECK_FALSE(server.io.of("/").find("AAAAAAAAAAAAAAAAAAAA").connected());
  CHECK_FALSE(server.io.of("/").find("short").connected());
  CHECK(last->data()["name"] == "Ana");
  peer.reset();
  REQUIRE(server.io_settles());
  CHECK_FALSE(last->connected());
  CHECK(last->id().empty());
  CHECK(last->data().is_null());
  CHECK(last->request() == nullptr);
  last->join("x");
  last->disconnect();
  CHECK(last->rooms().empty());
  CHECK_FALSE(Socket().connected());
}

// SPDX-License-Identifier: MIT
//
// An Adapter of an application's own: all that two servers tell each other goes as text and back.

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/socketio_wire.h"
#include "ws/socketio/decoder.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;

namespace {

std::string write(const ServerMessage& message) {
  Json letter = {{"type", message.type},           {"nsp", message.nsp},
                 {"rooms", message.targets.rooms}, {"except", message.targets.except},
                 {"values", *message.values},      {"room", message.room},
                 {"close", message.close}};
  if (message.question) letter["question"] = *message.question;
  if (const auto& timeout = message.targets.flags.timeout) {
    letter["timeout"] = timeout->to_milliseconds();
  }
  // Without the digit of Engine.IO.
  if (message.packet) letter["packet"] = message.packet->text(engineio::Revision::v4).substr(1);
  return letter.dump();
}

std::shared_ptr<const EncodedPacket> read_packet(const std::string& text) {
  constexpr PacketLimits limits;
  Decoder decoder(limits, Side::client);
  Packet packet;
  bool is_whole = false;
  REQUIRE(decoder.take_text(text, packet, is_whole) == Errc::none);
  REQUIRE(is_whole);
  return std::make_shared<const EncodedPacket>(packet.head, packet.data);
}

ServerMessage read(const std::string& text) {
  const Json letter = Json::parse(text);
  ServerMessage message{
      .type = letter["type"].get<ServerMessage::Type>(),
      .nsp = letter["nsp"],
      .targets = {.rooms = letter["rooms"], .except = letter["except"], .local = true},
      .values = letter["values"],
      .room = letter["room"],
      .close = letter["close"]};
  if (letter.contains("question")) message.question = letter["question"].get<std::uint64_t>();
  if (letter.contains("packet")) message.packet = read_packet(letter["packet"]);
  if (letter.contains("timeout")) {
    message.targets.flags.timeout = net::Duration::milliseconds(letter["timeout"].get<int>());
  }
  return message;
}

class Letters final : public Adapter {
 public:
  Letters(net::Loop& loop, Server& from, Server& to) : loop_(&loop), from_(&from), to_(&to) {}

  std::size_t others() const noexcept override { return 1; }
  std::size_t tell(std::shared_ptr<const ServerMessage> message) override {
    if (is_cut) return 1;
    loop_->post([this, text = write(*message)] { deliver(text); });
    return 0;
  }

  bool is_cut = false;

 private:
  void deliver(const std::string& text) {
    const ServerMessage message = read(text);
    if (!message.question) return to_->receive(message, {});
    to_->receive(message, ServerReply(message, [this](ServerAnswer answer) {
                   const bool is_late = answer.error == AckErrc::timed_out;
                   loop_->post([this, is_late, nsp = answer.nsp, question = answer.question,
                                text = answer.values->dump()] {
                     from_->receive({.nsp = nsp,
                                     .question = question,
                                     .error = is_late ? make_error_code(AckErrc::timed_out)
                                                      : std::error_code{},
                                     .values = Json::parse(text)});
                   });
                 }));
  }

  net::Loop* loop_;
  Server* from_;
  Server* to_;
};

// Keeps what it is told.
class Shelf final : public Adapter {
 public:
  explicit Shelf(std::vector<std::shared_ptr<const ServerMessage>>& told) : told_(&told) {}
  std::size_t others() const noexcept override { return 1; }
  std::size_t tell(std::shared_ptr<const ServerMessage> message) override {
    told_->push_back(std::move(message));
    return 0;
  }

 private:
  std::vector<std::shared_ptr<const ServerMessage>>* told_;
};

struct Two : SocketioServer {
  Two()
      : SocketioServer({.servers_timeout = net::Duration::milliseconds(20)}),
        second(loop),
        other(second) {
    auto there = std::make_unique<Letters>(loop, io, other);
    letters = there.get();
    io.set_adapter(std::move(there));
    other.set_adapter(std::make_unique<Letters>(loop, other, io));
    const auto bound = second.listen(ws::ListenOptions{.host = "127.0.0.1"});
    REQUIRE(bound);
    back = *bound;
  }
  std::unique_ptr<SocketioPeer> peer_there() {
    std::swap(address, back);
    auto made = std::make_unique<SocketioPeer>(*this);
    std::swap(address, back);
    return made;
  }

  ws::Server second;
  Server other;
  net::Address back;
  Letters* letters = nullptr;
};

}  // namespace

TEST_CASE("what is done to many is done by every server to its own") {
  Two two;
  SocketioPeer a(two);
  a.connect();
  auto b = two.peer_there();
  const std::string id = b->connect();
  two.io.emit("news", 1, Json{{"text", "\u00f1"}});
  CHECK(a.hear() == "42[\"news\",1,{\"text\":\"\u00f1\"}]");
  CHECK(b->hear() == "42[\"news\",1,{\"text\":\"\u00f1\"}]");
  two.io.to(id).sockets_join("room");
  two.turns();
  CHECK(two.other.of("/").find(id).rooms().size() == 2);
  two.io.to("room").emit("news", 2);
  CHECK(b->hear() == "42[\"news\",2]");
  two.io.to("room").sockets_leave("room");
  two.io.to("room").emit("news", 3);
  two.io.broadcast().local().emit("news", 4);
  CHECK(a.hear() == "42[\"news\",4]");
  two.io.except(id).emit("news", 5);
  CHECK(a.hear() == "42[\"news\",5]");
  two.io.to(id).disconnect_sockets();
  CHECK(b->hear() == "41");
}

TEST_CASE("a question goes to every server, and each answers for its own") {
  Two two;
  SocketioPeer a(two);
  a.connect();
  auto b = two.peer_there();
  const std::string id = b->connect();
  std::error_code error;
  std::vector<Json> answers;
  int told = 0;
  const auto take = [&](std::error_code why, std::vector<Json> values) {
    error = why;
    answers = std::move(values);
    ++told;
  };
  two.io.timeout(net::Duration::seconds(60)).emit("vote", take);
  CHECK(a.hear() == "420[\"vote\"]");
  CHECK(b->hear() == "420[\"vote\"]");
  a.say("430[\"yes\"]");
  b->say("430[\"no\"]");
  REQUIRE(two.until([&] { return told == 1; }));
  CHECK_FALSE(error);
  std::sort(answers.begin(), answers.end());
  CHECK(answers == std::vector<Json>{"no", "yes"});
  two.io.broadcast().timeout(net::Duration::milliseconds(20)).emit("vote", take);
  CHECK(a.hear() == "421[\"vote\"]");
  a.say("431[\"yes\"]");
  REQUIRE(two.until([&] { return told == 2; }));
  CHECK(error == AckErrc::timed_out);
  CHECK(answers == std::vector<Json>{"yes"});

  two.io.broadcast().fetch_sockets([&](std::error_code why, std::vector<RemoteSocket> sockets) {
    CHECK_FALSE(why);
    REQUIRE(sockets.size() == 2);
    CHECK(sockets[1].id == id);
    ++told;
  });
  two.other.on("load", [](Ack ack) { ack(7); });
  CHECK(two.io.server_side_emit("load", take) == 1);
  REQUIRE(two.until([&] { return told == 4; }));
  CHECK(answers == std::vector<Json>{7});
}

TEST_CASE("what an adapter loses is counted, and is not waited for for ever") {
  Two two;
  SocketioPeer a(two);
  a.connect();
  two.letters->is_cut = true;
  two.io.emit("news");
  CHECK(a.hear() == "42[\"news\"]");
  CHECK(two.io.metrics().relays_lost == 1);
  std::error_code error;
  std::size_t count = 0;
  two.io.broadcast().fetch_sockets([&](std::error_code why, std::vector<RemoteSocket> sockets) {
    error = why;
    count = sockets.size();
  });
  REQUIRE(two.until([&] { return count == 1; }));
  CHECK(error == AckErrc::timed_out);
  // Nor is an event that wants answers, with a time-out or without one, and with somebody here or
  // not: what is there is told.
  std::vector<std::vector<Json>> all;
  const auto take = [&](std::error_code why, std::vector<Json> answers) {
    CHECK(why == AckErrc::timed_out);
    all.push_back(std::move(answers));
  };
  CHECK(two.io.emit("vote", take) == 1);
  CHECK(a.hear().ends_with("[\"vote\"]"));
  CHECK(two.io.timeout(net::Duration::milliseconds(1)).emit("vote", take) == 1);
  CHECK(two.io.to("nobody here").emit("vote", take) == 0);
  REQUIRE(two.until([&] { return all.size() == 3; }));
  CHECK(all == std::vector<std::vector<Json>>(3));
  CHECK(two.io.timeout(net::Duration::milliseconds(200)).emit("vote", take) == 1);
  CHECK(a.hear().ends_with("[\"vote\"]"));
  const std::string last = a.hear();
  a.say("43" + last.substr(2, last.find('[') - 2) + "[\"yes\"]");
  REQUIRE(two.until([&] { return all.size() == 4; }));
  CHECK(all.back() == std::vector<Json>{"yes"});
}

TEST_CASE("what makes no sense from elsewhere is left alone") {
  Two two;
  int heard = 0;
  two.io.on("said", [&] { ++heard; });
  for (const Json& values : {Json(), Json::array(), Json::array({1}), Json::array({"unknown"})}) {
    two.io.receive({.type = ServerMessage::Type::say, .nsp = "/", .values = values}, {});
  }
  two.io.receive({.type = ServerMessage::Type::emit, .nsp = "/nowhere"}, {});
  two.io.receive({.nsp = "/nowhere", .question = 1, .error = {}, .values = Json::array()});
  two.io.receive({.nsp = "/", .question = 99, .error = {}, .values = Json::array({1})});
  CHECK(heard == 0);
  two.io.receive({.type = ServerMessage::Type::say, .nsp = "/", .values = Json::array({"said"})},
                 {});
  CHECK(heard == 1);
}

TEST_CASE("a question that makes no sense is answered so, and nobody here is sent it") {
  Two two;
  SocketioPeer a(two);
  a.connect();
  std::vector<std::error_code> answers;
  for (const Json& values : {Json(), Json::object(), Json::array(), Json::array({1})}) {
    const ServerMessage ask{
        .type = ServerMessage::Type::ask, .nsp = "/", .values = values, .question = 1};
    two.io.receive(ask,
                   ServerReply(ask, [&](ServerAnswer told) { answers.push_back(told.error); }));
  }
  CHECK(answers == std::vector<std::error_code>(4, AckErrc::malformed));
  two.io.receive({.type = ServerMessage::Type::emit, .nsp = "/"}, {});
  two.io.emit("still", "here");
  CHECK(a.hear() == "42[\"still\",\"here\"]");
}

TEST_CASE("what is said to a namespace that is not there, nobody has listened to") {
  Two two;
  std::error_code error;
  const ServerMessage say{.type = ServerMessage::Type::say,
                          .nsp = "/nowhere",
                          .values = Json::array({"load"}),
                          .question = 1};
  two.io.receive(say, ServerReply(say, [&](ServerAnswer told) { error = told.error; }));
  CHECK(error == AckErrc::disconnected);
}

TEST_CASE("sockets that other servers describe badly are left out, and that is told") {
  SocketioServer server;
  std::vector<std::shared_ptr<const ServerMessage>> told;
  server.io.set_adapter(std::make_unique<Shelf>(told));
  std::error_code error;
  std::vector<RemoteSocket> sockets;
  server.io.broadcast().fetch_sockets([&](std::error_code why, std::vector<RemoteSocket> all) {
    error = why;
    sockets = std::move(all);
  });
  REQUIRE(told.size() == 1);
  const Json good = {{"id", "x"}, {"rooms", {"r"}}, {"auth", nullptr}, {"data", 1}};
  server.io.receive({.nsp = "/",
                     .question = *told[0]->question,
                     .error = {},
                     .values = Json{1, good, {{"id", 2}}, Json::array()}});
  CHECK(error == AckErrc::malformed);
  REQUIRE(sockets.size() == 1);
  CHECK(sockets[0].id == "x");
  CHECK(sockets[0].data == 1);
}

TEST_CASE("an answer that is late is none to a namespace that was made anew") {
  SocketioServer server({.servers_timeout = net::Duration::milliseconds(5)});
  std::vector<std::shared_ptr<const ServerMessage>> told;
  server.io.set_adapter(std::make_unique<Shelf>(told));
  Namespace* present = nullptr;
  server.io.of([](std::string_view, const Json&) { return true; },
               [&](Namespace& nsp) { present = &nsp; });
  SocketioPeer peer(server);
  peer.connect("40/t,");
  bool is_late = false;
  present->fetch_sockets([&](std::error_code why, auto) { is_late = why == AckErrc::timed_out; });
  REQUIRE(server.until([&] { return is_late; }));
  peer.say("41/t,");
  server.turns();
  present = nullptr;
  peer.connect("40/t,");
  REQUIRE(present != nullptr);
  std::vector<Json> answers;
  int count = 0;
  present->server_side_emit("load", [&](std::error_code, std::vector<Json> values) {
    answers = std::move(values);
    ++count;
  });
  REQUIRE(told.size() == 2);
  server.io.receive(
      {.nsp = "/t", .question = *told[0]->question, .error = {}, .values = Json::array({"old"})});
  CHECK(count == 0);
  server.io.receive(
      {.nsp = "/t", .question = *told[1]->question, .error = {}, .values = Json::array({"new"})});
  CHECK(count == 1);
  CHECK(answers == std::vector<Json>{"new"});
}

TEST_CASE("a namespace that asks others while it is made, and throws then, is not waited for") {
  SocketioServer server({.servers_timeout = net::Duration::milliseconds(5)});
  std::vector<std::shared_ptr<const ServerMessage>> told;
  server.io.set_adapter(std::make_unique<Shelf>(told));
  server.io.of([](std::string_view, const Json&) { return true; },
               [](Namespace& nsp) {
                 nsp.server_side_emit("who", [](std::error_code, std::vector<Json>) {});
                 throw std::runtime_error("behind its question");
               });
  SocketioPeer peer(server);
  peer.say("40/x,");
  CHECK(peer.hear() == "44/x,{\"message\":\"Invalid namespace\"}");
  REQUIRE(told.size() == 1);
  bool is_over = false;
  server.loop.call_after(net::Duration::milliseconds(20), [&] { is_over = true; });
  REQUIRE(server.until([&] { return is_over; }));
}

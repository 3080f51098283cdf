// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "net/loop.h"
#include "tools/ladder/exercises/09_server.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/client.h"
#include "ws/server.h"

using namespace hilo;
using Texts = std::vector<std::string>;

namespace {

class Place {
 public:
  Place() {
    exercise::open_room(server);
    const auto bound = server.listen({.host = "127.0.0.1", .port = 0});
    REQUIRE(bound);
    url = "ws://" + bound->to_string() + "/";
  }
  net::Loop loop;
  ws::Server server{loop};
  std::string url;
};

// Somebody who is connected, and writes down what there is to hear.
class Visitor {
 public:
  explicit Visitor(Place& place) : loop_(&place.loop), client_(place.loop) {
    client_.on_open([this](ws::Connection& c) { arrived(c); });
    client_.on_message([this](ws::Connection&, ws::Message m) {
      heard.push_back((m.is_text() ? "" : "binary ") + std::string(as_text(m.payload)));
    });
    client_.on_pong([this](ws::Connection&, Bytes) { loop_->stop(); });
    client_.on_close([this](ws::Connection&, ws::CloseInfo) { gone(); });
    client_.on_failed([this](std::error_code) { gone(); });
    REQUIRE(client_.connect({.url = place.url}));
    run();
    settle();
  }
  void say(ws::Opcode opcode, std::string_view what) {
    REQUIRE(connection_ != nullptr);
    connection_->send(opcode, as_bytes(what));
    settle();
  }
  // The server has done what it was asked to by the time it answers a ping. What it sent meanwhile
  // came before the answer.
  void settle() {
    REQUIRE(connection_ != nullptr);
    REQUIRE(connection_->ping());
    run();
  }
  void leave() {
    REQUIRE(connection_ != nullptr);
    REQUIRE(connection_->close(ws::CloseCode::normal, ""));
    run();
  }
  Texts heard;

 private:
  void arrived(ws::Connection& c) {
    connection_ = &c;
    loop_->stop();
  }
  void gone() {
    connection_ = nullptr;
    loop_->stop();
  }
  void run() { REQUIRE(loop_->run()); }

  net::Loop* loop_;
  ws::Connection* connection_ = nullptr;  // until it leaves
  ws::Client client_;
};

}  // namespace

TEST_SUITE_BEGIN("9: a room in which everybody hears the others");

TEST_CASE("who comes is told how many there are, and so are those who were there") {
  Place place;
  Visitor ana{place};
  CHECK(ana.heard == Texts{"{\"numClients\":1}"});
  Visitor berta{place};
  ana.settle();
  CHECK(berta.heard == Texts{"{\"numClients\":2}"});
  CHECK(ana.heard == Texts{"{\"numClients\":1}", "{\"numClients\":2}"});
}

TEST_CASE("who goes is counted no more") {
  Place place;
  Visitor ana{place};
  Visitor berta{place};
  berta.leave();
  ana.settle();
  ana.settle();
  CHECK(ana.heard == Texts{"{\"numClients\":1}", "{\"numClients\":2}", "{\"numClients\":1}"});
}

TEST_CASE("what one says the others hear, and who said it does not") {
  Place place;
  Visitor ana{place};
  Visitor berta{place};
  Visitor carla{place};
  for (Visitor* each : {&ana, &berta, &carla}) {
    each->settle();
    each->heard.clear();
  }
  ana.say(ws::Opcode::text, "hola");
  berta.say(ws::Opcode::binary, "\1\2");
  for (Visitor* each : {&ana, &berta, &carla}) each->settle();
  CHECK(ana.heard == Texts{"binary \1\2"});
  CHECK(berta.heard == Texts{"hola"});
  CHECK(carla.heard == Texts{"hola", "binary \1\2"});
}

TEST_CASE("what is said to an empty room is lost, and the room lives on") {
  Place place;
  {
    Visitor ana{place};
    ana.say(ws::Opcode::text, "is anybody there?");
    ana.leave();
  }
  Visitor berta{place};
  CHECK(berta.heard == Texts{"{\"numClients\":1}"});
}

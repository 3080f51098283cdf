// SPDX-License-Identifier: MIT
//
// visit SCENE: a real server, a raw client, and what both said, explained. The chapters of net/ and
// ws/ show its output.
//
//   upgrade   HTTP becomes a WebSocket, an echo, the closing handshake
//   refusal   the page of somebody else asks for a WebSocket
//   breach    a client that does not mask
//   probe     an Engine.IO session moves from polling to a WebSocket
//   stats     the lesson's event, once for each who comes
//   answers   an event that wants an answer, and one with bytes in it
//
// What is drawn by chance or told by a clock is replaced by as many bytes that stay the same: sids
// by letters, and the date of an answer by the RFC's example.

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "net/loop.h"
#include "tools/chapters/visitor.h"
#include "tools/explain/explainer.h"
#include "ws/engineio/server.h"
#include "ws/server.h"
#include "ws/socketio/server.h"

using namespace hilo;
using chapters::client_frame;
using chapters::must;
using chapters::upgrade_request;
using chapters::Visitor;
using trace::Direction;

namespace {

// What the talks of a scene have in common: it puts what stays the same in place of what does not.
class Steady {
 public:
  const tools::explain::Speaker speaker = tools::explain::make_speaker();

  std::string text(std::string text) { return with_letters(with_date(std::move(text))); }
  const std::string& last_sid() const { return seen_[count_ - 1]; }

 private:
  static std::string with_date(std::string text) {
    constexpr std::string_view field = "\r\nDate: ";
    constexpr std::string_view example = "Sun, 06 Nov 1994 08:49:37 GMT";  // RFC 9110 §5.6.7
    const std::size_t at = text.find(field);
    if (at != std::string::npos) text.replace(at + field.size(), example.size(), example);
    return text;
  }
  // Each `"sid":"..."`, and what was replaced once wherever it stands.
  std::string with_letters(std::string text) {
    constexpr std::string_view mark = "\"sid\":\"";
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
      const std::size_t begin = at + mark.size();
      const std::string sid = text.substr(begin, text.find('"', begin) - begin);
      if (sid.find_first_not_of(sid[0]) == std::string::npos) continue;
      seen_[count_] = sid;
      letters_[count_] = std::string(sid.size(), static_cast<char>('A' + count_));
      ++count_;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      for (std::size_t at; (at = text.find(seen_[i])) != std::string::npos;) {
        text.replace(at, seen_[i].size(), letters_[i]);
      }
    }
    return text;
  }

  std::array<std::string, 8> seen_;
  std::array<std::string, 8> letters_;
  std::size_t count_ = 0;
};

// One connection, and what is told of it.
class Talk {
 public:
  Talk(net::Loop& loop, const net::Address& address, Steady& steady, std::string name = {})
      : steady_(&steady),
        visitor_(loop, address),
        explainer_(
            {}, {.name = std::move(name), .speaker = steady.speaker},
            [](std::string_view line) { std::fwrite(line.data(), 1, line.size(), stdout); }) {}

  void say(std::string_view bytes) {
    visitor_.say(bytes);
    tell(Direction::to_server, std::string(bytes));
  }
  void say(ws::Opcode opcode, std::string_view payload) { say(client_frame(opcode, payload)); }
  void hear(std::string_view text) { tell(Direction::to_client, visitor_.hear(text)); }
  void hear_end() { tell(Direction::to_client, visitor_.hear_end()); }

 private:
  void tell(Direction direction, std::string bytes) {
    explainer_.add(direction, as_bytes(steady_->text(std::move(bytes))));
  }

  Steady* steady_;
  Visitor visitor_;
  tools::explain::Explainer explainer_;
};

// The server of all scenes: an echo at every path, and Engine.IO and Socket.IO at theirs.
struct Place {
  net::Loop loop;
  ws::Server http{loop};
  engineio::Server engine{http, "/engine.io/"};
  socketio::Server io{http};
  net::Address address;
  Steady steady;
  int num_clients = 0;

  Place() {
    http.on_message([](ws::Connection& c, ws::Message message) { c.send(message); });
    io.on_connection([this](socketio::Socket socket) {
      io.emit("stats", {{"numClients", ++num_clients}});
      socket.on("disconnect", [this] { io.emit("stats", {{"numClients", --num_clients}}); });
      socket.on("add", [](int a, int b, socketio::Ack answer) { answer(a + b); });
      socket.on("photo",
                [socket](const socketio::Json& photo) mutable { socket.emit("seen", photo); });
    });
    address = must(http.listen({.host = "127.0.0.1", .port = 0}));
  }
};

void show_upgrade(Place& place) {
  Talk talk(place.loop, place.address, place.steady);
  talk.say(upgrade_request("/echo"));
  talk.hear("\r\n\r\n");
  talk.say(ws::Opcode::text, "Hello");
  talk.hear("Hello");
  talk.say(ws::Opcode::close,
           "\x03\xe8"
           "bye");
  talk.hear_end();
}

void show_refusal(Place& place) {
  Talk talk(place.loop, place.address, place.steady);
  talk.say(upgrade_request("/echo", "Origin: http://elsewhere.example\r\n"));
  talk.hear_end();
}

void show_breach(Place& place) {
  Talk talk(place.loop, place.address, place.steady);
  talk.say(upgrade_request("/echo"));
  talk.hear("\r\n\r\n");
  talk.say("\x81\x05Hello");
  talk.hear_end();
}

void show_probe(Place& place) {
  constexpr std::string_view path = "/engine.io/?EIO=4&transport=";
  const std::string fields = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Talk polling(place.loop, place.address, place.steady, "polling");
  polling.say("GET " + std::string(path) + "polling" + fields);
  polling.hear("}");
  const std::string sid = "&sid=" + place.steady.last_sid();
  polling.say("GET " + std::string(path) + "polling" + sid + fields);
  Talk websocket(place.loop, place.address, place.steady, "websocket");
  websocket.say(upgrade_request(std::string(path) + "websocket" + sid));
  websocket.hear("\r\n\r\n");
  websocket.say(ws::Opcode::text, "2probe");
  websocket.hear("3probe");
  polling.hear("\r\n\r\n6");
  websocket.say(ws::Opcode::text, "5");
}

constexpr std::string_view socketio_path = "/socket.io/?EIO=4&transport=websocket";

void enter(Talk& talk) {
  talk.say(upgrade_request(socketio_path));
  talk.hear("}");
  talk.say(ws::Opcode::text, "40");
  talk.hear("numClients");
}

void show_stats(Place& place) {
  Talk first(place.loop, place.address, place.steady, "first");
  enter(first);
  Talk second(place.loop, place.address, place.steady, "second");
  enter(second);
  first.hear("numClients");
}

void show_answers(Place& place) {
  Talk talk(place.loop, place.address, place.steady);
  enter(talk);
  talk.say(ws::Opcode::text, "421[\"add\",2,3]");
  talk.hear("431");
  talk.say(client_frame(ws::Opcode::text, "451-[\"photo\",{\"_placeholder\":true,\"num\":0}]") +
           client_frame(ws::Opcode::binary, "\x01\x02\x03"));
  talk.hear("\x01\x02\x03");
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::array<std::pair<std::string_view, void (*)(Place&)>, 6> scenes = {
      {{"upgrade", show_upgrade},
       {"refusal", show_refusal},
       {"breach", show_breach},
       {"probe", show_probe},
       {"stats", show_stats},
       {"answers", show_answers}}};
  Place place;
  for (const auto& [name, show] : scenes) {
    if (argc == 2 && name == argv[1]) return show(place), 0;
  }
  std::fputs("visit upgrade|refusal|breach|probe|stats|answers\n", stderr);
  return 2;
}

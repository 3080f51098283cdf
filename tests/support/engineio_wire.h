// SPDX-License-Identifier: MIT
//
// A real Engine.IO server and raw peers: WireServer (wire.h) with an engine at /engine.io/ that
// notes what its handlers were told and echoes every message.

#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/wire.h"
#include "ws/engineio/server.h"

namespace hilo::test {

struct EngineServer : WireServer {
  explicit EngineServer(engineio::Options options = {}, const ws::Limits& limits = {},
                        ws::ServerOptions http = {})
      : WireServer(limits, std::move(http)), engine(server, "/engine.io/", std::move(options)) {
    engine.on_open([this](engineio::Socket&) { events.emplace_back("open"); })
        .on_message([this](engineio::Socket& socket, engineio::Message message) {
          events.push_back((message.binary ? "binary " : "message ") + std::string(message.text()));
          last = socket.id();
          if (echoes) socket.send(message);
        })
        .on_upgraded([this](engineio::Socket&) { events.emplace_back("upgraded"); })
        .on_close([this](engineio::Socket&, engineio::CloseReason reason) {
          events.push_back("close: " + std::string(to_string(reason)));
        });
  }

  std::uint64_t engine_rejects(engineio::Errc error) const {
    return engine.metrics().rejects[static_cast<std::size_t>(error)];
  }
  // One line of the log with that label, no other from the engine, and the counter says the same.
  void told_once(engineio::Errc error) {
    std::uint64_t all = 0;
    for (const std::uint64_t count : engine.metrics().rejects) all += count;
    CHECK(all == 1);
    CHECK(engine_rejects(error) == 1);
    const std::string label =
        "layer=eio reason=" + std::string(rule(error).label) + " peer=127.0.0.1:";
    std::size_t lines = 0;
    for (const std::string& line : log) lines += line.find("ev=reject") != std::string::npos;
    CHECK(lines == 1);
    REQUIRE_FALSE(log.empty());
    CHECK(log.back().find(label) != std::string::npos);
  }
  bool until_event(std::string_view event) {
    return until([&] { return !events.empty() && events.back() == event; });
  }
  // All sessions and connections are gone.
  bool engine_settles() {
    return until([this] { return engine.socket_count() == 0; }) && settle();
  }
  // What runs when nothing comes from outside.
  void turns() {
    for (int i = 0; i < 20; ++i) REQUIRE(loop.run_once(net::Duration{}));
  }

  std::vector<std::string> events;
  engineio::SocketId last;
  bool echoes = true;
  engineio::Server engine;
};

// A peer that speaks HTTP/1.1 on one connection.
struct HttpPeer : WirePeer {
  explicit HttpPeer(WireServer& server) : WirePeer(server) {}

  struct Answer {
    int status = 0;
    std::string head;
    std::string body;
  };
  bool ask(std::string_view method, std::string_view target, std::string_view body = {},
           std::string_view fields = {}) {
    std::string request{method};
    request.append(" ").append(target).append(" HTTP/1.1\r\nHost: a\r\n").append(fields);
    if (method == "POST") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return send(request.append("\r\n").append(body));
  }
  // The next answer; status 0 if none comes.
  Answer answer() {
    if (!until_contains("\r\n\r\n")) return {};
    const std::size_t head_bytes = received.find("\r\n\r\n") + 4;
    Answer answer{std::stoi(received.substr(9, 3)), received.substr(0, head_bytes), {}};
    const std::size_t length = answer.head.find("Content-Length: ");
    const std::size_t body_bytes =
        length == std::string::npos ? 0 : std::stoul(answer.head.substr(length + 16));
    if (!until_received(head_bytes + body_bytes)) return {};
    answer.body = received.substr(head_bytes, body_bytes);
    received.erase(0, head_bytes + body_bytes);
    return answer;
  }
  Answer get(std::string_view target, std::string_view fields = {}) {
    return ask("GET", target, {}, fields) ? answer() : Answer{};
  }
  Answer post(std::string_view target, std::string_view body, std::string_view fields = {}) {
    return ask("POST", target, body, fields) ? answer() : Answer{};
  }
};

inline std::string polling(std::string_view sid = {}, int revision = 4) {
  std::string target = "/engine.io/?EIO=" + std::to_string(revision) + "&transport=polling";
  return sid.empty() ? target : target.append("&sid=").append(sid);
}
inline std::string websocket(std::string_view sid = {}, int revision = 4) {
  std::string target = "/engine.io/?EIO=" + std::to_string(revision) + "&transport=websocket";
  return sid.empty() ? target : target.append("&sid=").append(sid);
}

// The sid in an open packet.
inline std::string sid_of(std::string_view open) {
  constexpr std::string_view mark = "\"sid\":\"";
  const std::size_t begin = open.find(mark);
  if (begin == std::string_view::npos) return "none";
  return std::string(open.substr(begin + mark.size(), engineio::sid_chars));
}

// Opens a session by polling.
inline std::string open_session(HttpPeer& peer, int revision = 4, std::string_view more = {}) {
  return sid_of(peer.get(polling({}, revision).append(more)).body);
}

}  // namespace hilo::test

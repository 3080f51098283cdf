// SPDX-License-Identifier: MIT
//
// A real Socket.IO server and raw peers, which speak over WebSockets: WireServer (wire.h) with an
// `io` at /socket.io/.

#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/support/wire.h"
#include "ws/socketio/server.h"

namespace hilo::test {

struct SocketioServer : WireServer {
  explicit SocketioServer(socketio::Options options = {}) : io(server, std::move(options)) {}

  std::uint64_t io_rejects(socketio::Errc error) const {
    return io.metrics().rejects[static_cast<std::size_t>(error)];
  }
  // Every client and every socket is gone.
  bool io_settles() {
    return until([this] { return io.client_count() == 0; }) && settle() &&
           io.metrics().connected == io.metrics().disconnected;
  }
  void turns() {
    for (int i = 0; i < 20; ++i) REQUIRE(loop.run_once(net::Duration{}));
  }

  socketio::Server io;
};

// Made before the peers, and so gone behind them: then all must be as it was.
class Unchanged {
 public:
  explicit Unchanged(SocketioServer& server) : server_(&server), before_(server.baseline()) {}
  Unchanged(const Unchanged&) = delete;
  Unchanged& operator=(const Unchanged&) = delete;
  ~Unchanged() {
    CHECK(server_->io_settles());
    CHECK(server_->baseline() == before_);
  }

 private:
  SocketioServer* server_;
  Baseline before_;
};

class SocketioPeer : public WirePeer {
 public:
  explicit SocketioPeer(SocketioServer& server, int revision = 4) : WirePeer(server) {
    REQUIRE(upgrade("/socket.io/?EIO=" + std::to_string(revision) + "&transport=websocket"));
    REQUIRE(hear().starts_with("0{\"sid\":"));
  }

  // The text of an Engine.IO packet, and its answer.
  void say(std::string_view packet) { REQUIRE(send(client_frame(0x81, packet))); }
  void say_binary(std::string_view bytes) { REQUIRE(send(client_frame(0x82, bytes))); }
  // The next message of the server's; empty if its Close comes instead.
  std::string hear() {
    if (!until_received(2) || received[0] == '\x88') return {};
    std::size_t header = 2;
    std::size_t length = static_cast<unsigned char>(received[1]);
    if (length == 126) {
      header = 4;
      if (!until_received(header)) return {};
      length = static_cast<std::size_t>(static_cast<unsigned char>(received[2])) << 8 |
               static_cast<unsigned char>(received[3]);
    }
    if (!until_received(header + length)) return {};
    std::string payload = received.substr(header, length);
    received.erase(0, header + length);
    return payload;
  }
  // Connects to a namespace: the id it got.
  std::string connect(std::string_view packet = "40") {
    say(packet);
    const std::string answer = hear();
    const std::size_t sid = answer.find("{\"sid\":\"");
    return sid == std::string::npos ? "none" : answer.substr(sid + 8, socketio::socket_id_chars);
  }
  // Whether the server closed it, without a code as the reference does.
  bool was_closed() { return hear().empty() && received.starts_with(server_frame(0x88, "")); }
};

}  // namespace hilo::test

// SPDX-License-Identifier: MIT
//
// A Socket.IO client on the loop of a SocketioServer, which notes what its sockets are told, and
// comes back quickly.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/socketio_wire.h"
#include "ws/socketio/manager.h"

namespace hilo::test {

using Events = std::vector<std::string>;

inline net::Duration milliseconds(std::int64_t count) {
  return net::Duration::milliseconds(count);
}

inline socketio::ManagerOptions quick() {
  socketio::ManagerOptions options;
  options.connect.transports = engineio::Transports::websocket;
  options.reconnection.delay = milliseconds(1);
  options.reconnection.delay_max = milliseconds(2);
  return options;
}

struct TestClient {
  explicit TestClient(SocketioServer& to, socketio::ManagerOptions options = quick())
      : server(&to), manager(to.loop, "http://" + to.address.to_string(), std::move(options)) {}

  // Notes "/nsp connect", "/nsp disconnect: reason" and "/nsp connect_error: message".
  socketio::ClientSocket socket(std::string_view nsp = "/",
                                socketio::ClientSocketOptions options = {}) {
    const socketio::ClientSocket socket = manager.socket(nsp, std::move(options));
    const std::string name(socket.nsp());
    socket.on("connect", [this, name] { note(name + " connect"); })
        .on("disconnect",
            [this, name](std::string_view reason) {
              note(name + " disconnect: " + std::string(reason));
            })
        .on("connect_error", [this, name](std::string_view message) {
          note(name + " connect_error: " + std::string(message));
        });
    return socket;
  }
  void note_manager() {
    manager.on_open([this] { note("open"); })
        .on_close([this](std::string_view reason) { note("close: " + std::string(reason)); })
        .on_reconnect_attempt(
            [this](std::uint32_t n) { note("reconnect_attempt " + std::to_string(n)); })
        .on_reconnect([this](std::uint32_t n) { note("reconnect " + std::to_string(n)); });
  }

  void note(std::string event) { events.push_back(std::move(event)); }
  std::size_t count(std::string_view event) const {
    return static_cast<std::size_t>(std::count(events.begin(), events.end(), event));
  }
  bool heard(std::string_view event) const { return count(event) != 0; }
  bool heard_soon(std::string_view event) {
    return server->until([&] { return heard(event); });
  }
  // It is what came last.
  bool until(std::string_view event) {
    return server->until([&] { return !events.empty() && events.back() == event; });
  }
  std::uint64_t rejects(socketio::Errc error) const {
    return manager.metrics().rejects[static_cast<std::size_t>(error)];
  }

  SocketioServer* server;
  Events events;
  socketio::Manager manager;
};

}  // namespace hilo::test

// SPDX-License-Identifier: MIT

#include "fuzz/connecting.h"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "net/tls.h"
#include "ws/client.h"
#include "ws/engineio/client.h"
#include "ws/metrics.h"
#include "ws/socketio/manager.h"

namespace hilo::fuzz {

using namespace hilo::net::literals;

namespace {

constexpr std::size_t large_bytes = 60'000;

// Made once: it trusts everybody, since reading the system's authorities takes far longer than a
// run. Redirections lead to wss.
const std::shared_ptr<net::tls::ClientContext>& tls_context() {
  static const std::shared_ptr<net::tls::ClientContext> context =
      *net::tls::ClientContext::create({.insecure = true});
  return context;
}

ws::Limits limits_of(std::uint8_t choices) {
  ws::Limits limits;
  if ((choices & 8) == 0) return limits;
  limits.message_bytes_max = 400;
  limits.queue_bytes_max = 3000;
  limits.overflow = ws::Overflow::refuse;
  limits.messages_per_turn_max = 3;
  limits.control_frames_max = 20;
  return limits;
}

ws::ConnectOptions options_of(std::uint8_t choices) {
  ws::ConnectOptions options{.url = "ws://user:secret@127.0.0.1:9001/path?query"};
  options.subprotocols = {"chat", "superchat"};
  options.deflate.enabled = (choices & 4) != 0;
  options.reconnect.enabled = (choices & 16) != 0;
  options.redirects_max = 5;
  options.tls = tls_context();
  if ((choices & 0x60) == 0x20) options.proxy = "http://user:secret@127.0.0.1:9001";
  if ((choices & 0x60) == 0x40) options.proxy = "socks5://127.0.0.1:9001";
  if ((choices & 0x60) == 0x60) options.proxy = "socks5://user:secret@127.0.0.1:9001";
  return options;
}

// How far one connection is: each callback comes where it may.
class Stage {
 public:
  void begin() { move(State::idle, State::connecting); }
  // By itself.
  void begin_again() {
    HILO_CHECK(state_ != State::open);
    state_ = State::connecting;
  }
  void open() { move(State::connecting, State::open); }
  void fail() { move(State::connecting, State::idle); }
  void close() { move(State::open, State::idle); }
  bool is_open() const noexcept { return state_ == State::open; }
  bool is_idle() const noexcept { return state_ == State::idle; }

 private:
  enum class State : std::uint8_t { idle, connecting, open };
  void move(State from, State to) {
    HILO_CHECK(state_ == from);
    state_ = to;
  }
  State state_ = State::idle;
};

// --- WebSocket -----------------------------------------------------------------------------------

class WebSocketClient final : public Connecting {
 public:
  WebSocketClient(sim::World& world, std::uint8_t choices)
      : choices_(choices), client_(world.loop, ws::ClientOptions{.limits = limits_of(choices)}) {
    client_.on_open([this](ws::Connection& connection) {
      stage_.open();
      ++opened_;
      HILO_CHECK(client_.connection() == &connection && connection.is_open());
    });
    client_.on_message([this](ws::Connection& connection, ws::Message message) {
      HILO_CHECK(stage_.is_open());
      hear(connection, message);
    });
    client_.on_pong([this](ws::Connection&, Bytes) { HILO_CHECK(stage_.is_open()); });
    client_.on_drained([this](ws::Connection&) { HILO_CHECK(stage_.is_open()); });
    client_.on_close([this](ws::Connection& connection, ws::CloseInfo) {
      stage_.close();
      HILO_CHECK(connection.send_text("late") == ws::Sent::closed);
    });
    client_.on_failed([this](std::error_code error) {
      HILO_CHECK(static_cast<bool>(error));
      stage_.fail();
    });
    client_.on_reconnecting([this](ws::Reconnecting) { stage_.begin_again(); });
    connect();
  }

  void act(std::uint8_t what, std::string_view text) override {
    ws::Connection* const connection = client_.connection();
    HILO_CHECK(connection == nullptr || stage_.is_open());
    if (what % 8 == 0) return connect();
    if (what % 8 == 1) return client_.abort();
    if (connection == nullptr) return;
    switch (what % 8) {
      case 2: static_cast<void>(connection->close()); break;
      case 3: static_cast<void>(connection->ping()); break;
      case 4: connection->resume(); break;
      case 5: static_cast<void>(connection->send_binary(as_bytes(text))); break;
      case 6: static_cast<void>(connection->send_text(std::string(large_bytes, 'l'))); break;
      default: static_cast<void>(connection->send_fragment(ws::Opcode::text, {}, true)); break;
    }
  }
  void leave() override { client_.abort(); }
  void check_at_rest() const override {
    HILO_CHECK(stage_.is_idle());
    HILO_CHECK(client_.metrics().closed == opened_);
  }

 private:
  void connect() {
    const Status status = client_.connect(options_of(choices_));
    HILO_CHECK(static_cast<bool>(status) == stage_.is_idle());
    if (status) stage_.begin();
  }
  void hear(ws::Connection& connection, ws::Message message) {
    switch (message.payload.empty() ? 0 : message.payload[0]) {
      case 'c': static_cast<void>(connection.close(ws::CloseCode::normal, "bye")); break;
      case 'a': client_.abort(); break;
      case 'p': connection.pause(); break;
      case 't': throw std::runtime_error("as it was told");
      case 'b': static_cast<void>(connection.send_text(std::string(large_bytes, 'b'))); break;
      case 'f': static_cast<void>(connection.send_fragment(ws::Opcode::text, {}, false)); break;
      default: static_cast<void>(connection.send(message)); break;
    }
  }

  std::uint8_t choices_;
  Stage stage_;
  std::uint64_t opened_ = 0;
  ws::Client client_;  // the first to go: it may call on_close
};

// --- Engine.IO -----------------------------------------------------------------------------------

class EngineClient final : public Connecting {
 public:
  EngineClient(sim::World& world, std::uint8_t choices)
      : choices_(choices),
        client_(world.loop, engineio::ClientOptions{.websocket = {.limits = limits_of(choices)}}) {
    client_.on_open([this](engineio::Client& client) {
      stage_.open();
      static_cast<void>(client.send_text("hello"));
    });
    client_.on_message([this](engineio::Client& client, engineio::Message message) {
      HILO_CHECK(stage_.is_open());
      hear(client, message);
    });
    client_.on_ping([this](engineio::Client&) { HILO_CHECK(stage_.is_open()); });
    client_.on_upgraded([this](engineio::Client& client) {
      HILO_CHECK(stage_.is_open() && client.transport() == engineio::Transport::websocket);
    });
    client_.on_drained([this](engineio::Client&) { HILO_CHECK(stage_.is_open()); });
    client_.on_close([this](engineio::Client& client, engineio::CloseReason) {
      stage_.close();
      HILO_CHECK(client.send_text("late") == ws::Sent::closed);
    });
    client_.on_failed([this](engineio::Client&, std::error_code error) {
      HILO_CHECK(static_cast<bool>(error));
      stage_.fail();
    });
    connect();
  }

  void act(std::uint8_t what, std::string_view text) override {
    switch (what % 4) {
      case 0:
        if (stage_.is_idle()) connect();
        break;
      case 1: client_.close(); break;
      case 2: static_cast<void>(client_.send_text(text)); break;
      default: static_cast<void>(client_.send_binary(as_bytes(text))); break;
    }
  }
  void leave() override { client_.close(); }
  void check_at_rest() const override { HILO_CHECK(stage_.is_idle() && !client_.is_open()); }

 private:
  void connect() {
    constexpr std::array all{engineio::Transports::polling_first,
                             engineio::Transports::websocket_first, engineio::Transports::websocket,
                             engineio::Transports::polling};
    engineio::ConnectOptions options{.url = "http://127.0.0.1:9001"};
    options.transports = all[choices_ >> 5 & 3];
    options.revision = (choices_ & 16) != 0 ? engineio::Revision::v3 : engineio::Revision::v4;
    options.cookies = (choices_ & 4) != 0;
    options.base64 = (choices_ & 128) != 0;
    options.websocket = {.deflate = {.enabled = (choices_ & 4) != 0}};
    options.websocket.tls = tls_context();
    HILO_CHECK(client_.connect(options));
    stage_.begin();
  }
  static void hear(engineio::Client& client, engineio::Message message) {
    switch (message.payload.empty() ? 0 : message.payload[0]) {
      case 'c': client.close(); break;
      case 't': throw std::runtime_error("as it was told");
      case 'b': static_cast<void>(client.send_text(std::string(large_bytes, 'b'))); break;
      default: static_cast<void>(client.send_binary(message.payload)); break;
    }
  }

  std::uint8_t choices_;
  Stage stage_;
  engineio::Client client_;
};

// --- Socket.IO -----------------------------------------------------------------------------------

class SocketClient final : public Connecting {
 public:
  SocketClient(sim::World& world, std::uint8_t choices)
      : retries_((choices & 128) != 0),
        manager_(world.loop, "http://127.0.0.1:9001", manager_options_of(choices)) {
    for (std::size_t i = 0; i < rooms_.size(); ++i) {
      socketio::ClientSocketOptions options;
      options.retries = retries_ ? 2 : 0;
      if (retries_) options.ack_timeout = 2_s;
      rooms_[i].socket = manager_.socket(i == 0 ? "/" : "/room", std::move(options));
      listen(rooms_[i]);
    }
  }

  void act(std::uint8_t what, std::string_view text) override {
    Room& room = rooms_[what / 8 % rooms_.size()];
    switch (what % 8) {
      case 0: room.socket.connect(); break;
      case 1: room.socket.disconnect(); break;
      case 2: room.socket.emit("bytes", socketio::Binary{as_bytes(text)}); break;
      case 3: ask(room); break;
      case 4: manager_.close(); break;
      case 5: static_cast<void>(manager_.open()); break;
      case 6: room.socket.volatile_().emit("lost", text.size()); break;
      default: room.socket.emit("size", text.size()); break;
    }
  }
  void leave() override { manager_.close(); }
  void check_at_rest() const override {
    HILO_CHECK(manager_.is_closed());
    std::size_t waiting = 0;
    for (const Room& room : rooms_) {
      HILO_CHECK(room.stage.is_idle() && !room.socket.connected());
      waiting += room.socket.waiting_events();
    }
    // What is to be tried again waits for the next connection.
    HILO_CHECK(retries_ ? asked_ <= answered_ + waiting : asked_ == answered_);
  }

 private:
  struct Room {
    socketio::ClientSocket socket;
    Stage stage;
  };

  static socketio::ManagerOptions manager_options_of(std::uint8_t choices) {
    socketio::ManagerOptions options;
    options.engine.websocket.limits = limits_of(choices);
    options.reconnection.attempts_max = 3;
    if ((choices & 16) != 0) options.connect.revision = engineio::Revision::v3;
    if ((choices & 32) != 0) options.connect.transports = engineio::Transports::websocket;
    if ((choices & 64) != 0) options.parser = socketio::Parser::msgpack;
    options.connect.websocket.tls = tls_context();
    return options;
  }
  void listen(Room& room) {
    room.socket
        .on("connect",
            [&room] {
              room.stage.begin();
              room.stage.open();
            })
        .on("disconnect", [&room](std::string_view) { room.stage.close(); })
        .on("connect_error", [](const socketio::Json&) {})
        .on("echo",
            [&room](socketio::Json value, socketio::Ack ack) {
              HILO_CHECK(room.stage.is_open());
              room.socket.emit("echo", value);
              ack(value);
            })
        .on("throw", [] { throw std::runtime_error("as it was told"); })
        .on("bye", [&room] { room.socket.disconnect(); });
  }
  // Each question is answered, or told that there is no answer.
  void ask(Room& room) {
    ++asked_;
    room.socket.timeout(3_s).emit("ask", [this](std::error_code, socketio::Json) { ++answered_; });
  }

  bool retries_;
  std::array<Room, 2> rooms_;
  std::size_t asked_ = 0;
  std::size_t answered_ = 0;
  socketio::Manager manager_;
};

}  // namespace

std::unique_ptr<Connecting> make_client(sim::World& world, std::uint8_t choices) {
  switch (choices & 3) {
    case 0:
    case 1: return std::make_unique<WebSocketClient>(world, choices);
    case 2: return std::make_unique<EngineClient>(world, choices);
    default: return std::make_unique<SocketClient>(world, choices);
  }
}

}  // namespace hilo::fuzz

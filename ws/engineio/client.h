// SPDX-License-Identifier: MIT
//
// Client: one Engine.IO session with a server, over a WebSocket from its first packet.
//
//   engineio::Client client{loop};
//   client.on_open   ([](engineio::Client& c)                      { c.send_text("hello"); })
//         .on_message([](engineio::Client& c, engineio::Message m) { print(m.text()); })
//         .on_close  ([](engineio::Client& c, CloseReason)         { })
//         .on_failed ([](engineio::Client& c, std::error_code why) { });
//   if (Status status = client.connect({.url = "http://127.0.0.1:3000"}); !status) return fail();
//
// connect() ends in exactly one of on_open (and later on_close) and on_failed, never from within
// the call. After either end the client may connect again, from within that callback too.
//
//   heartbeat  Revision 4: the server's pings are answered, and one that does not come within both
//              of the times that it named ends the session. Revision 3: the other way round.
//   limits     those of ws::ClientOptions; open_timeout from connect() to the open packet
//   thread     the loop's
//   lifetime   Loop first. Not to be destroyed in a callback of its own.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "net/base/callback.h"
#include "net/loop.h"
#include "net/timers.h"
#include "ws/client.h"
#include "ws/engineio/error.h"
#include "ws/engineio/handshake.h"
#include "ws/engineio/packet.h"
#include "ws/engineio/socket.h"

namespace hilo::engineio {

struct ClientOptions {
  ws::ClientOptions websocket = {};
  net::Duration open_timeout = net::Duration::seconds(20);
};

struct ConnectOptions {
  // http://, https://, ws:// or wss://host[:port]. What stands behind that is not looked at.
  std::string_view url = {};
  std::string_view path = "/engine.io/";
  std::string_view query = {};  // more parameters: "token=x&a=b"
  Revision revision = Revision::v4;
  // Fields, credentials, proxy, TLS and so on; its url is not looked at, nor is reconnect.
  ws::ConnectOptions websocket = {};
};

class Client final : private net::Timer {
 public:
  explicit Client(net::Loop& loop, ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  Client& on_open(Callback<void(Client&)> callback) { return set(on_open_, std::move(callback)); }
  Client& on_message(Callback<void(Client&, Message)> callback) {
    return set(on_message_, std::move(callback));
  }
  // The server's heartbeat (revision 4).
  Client& on_ping(Callback<void(Client&)> callback) { return set(on_ping_, std::move(callback)); }
  // As of ws::Connection.
  Client& on_drained(Callback<void(Client&)> callback) {
    return set(on_drained_, std::move(callback));
  }
  // Exactly once for every on_open.
  Client& on_close(Callback<void(Client&, CloseReason)> callback) {
    return set(on_close_, std::move(callback));
  }
  // There was no open packet: an Errc, a ws::Errc, or an error of the system.
  Client& on_failed(Callback<void(Client&, std::error_code)> callback) {
    return set(on_failed_, std::move(callback));
  }

  // Errors of the arguments come back at once and nothing is started: see ws::Client::connect().
  Status connect(const ConnectOptions& options);
  // Ends the session behind what was sent, or gives up connecting.
  void close();

  ws::Sent send_text(std::string_view text);
  ws::Sent send_binary(Bytes data);
  // The same as send_text, for a text that stands behind the digit '4' already.
  ws::Sent send_packet(std::string_view packet);

  bool is_open() const noexcept { return state_ == State::open; }
  Revision revision() const noexcept { return revision_; }
  // What the server said in its open packet.
  const Handshake& handshake() const noexcept { return handshake_; }
  std::size_t buffered_bytes() noexcept;

 private:
  enum class State : std::uint8_t {
    idle,
    connecting,  // until the open packet
    open,
    closing,  // on_close or on_failed is owed, and comes with the end of the WebSocket
  };

  template <class Target>
  Client& set(Target& target, Target callback) {
    target = std::move(callback);
    return *this;
  }
  template <class Target, class... Arguments>
  void call(Target& target, Arguments&&... arguments) {
    if (target) target(*this, std::forward<Arguments>(arguments)...);
  }

  // net::Timer
  void on_timer(net::Time now) override;
  void arm_heartbeat();

  void receive(ws::Message message);
  Errc open(const Packet& packet);
  Errc receive_packet(const Packet& packet);
  void end(CloseReason reason, std::error_code error);
  void ended(const ws::CloseInfo& info);
  void failed(std::error_code error);
  ws::Sent write(std::string_view mark, Bytes data, ws::Opcode opcode);

  net::Loop* loop_;
  net::Duration open_timeout_;
  ws::Client websocket_;
  Callback<void(Client&)> on_open_;
  Callback<void(Client&, Message)> on_message_;
  Callback<void(Client&)> on_ping_;
  Callback<void(Client&)> on_drained_;
  Callback<void(Client&, CloseReason)> on_close_;
  Callback<void(Client&, std::error_code)> on_failed_;
  Handshake handshake_;
  std::error_code error_;  // of what ended it
  CloseReason reason_ = CloseReason::transport_close;
  Revision revision_ = Revision::v4;
  State state_ = State::idle;
  bool was_open_ = false;
  bool awaiting_pong_ = false;
};

}  // namespace hilo::engineio

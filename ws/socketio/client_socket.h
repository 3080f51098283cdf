// SPDX-License-Identifier: MIT
//
// ClientSocket: a client's end of one namespace, with the verbs of the server's Socket. A small
// value that may be kept, copied and captured for as long as its Manager lives; it outlives every
// connection.
//
//   socketio::Manager manager{loop, "http://127.0.0.1:3000"};
//   socketio::ClientSocket socket = manager.socket("/chat", {.auth = {{"token", "t"}}});
//   socket.on("connect", [socket] { socket.emit("join", "room 1"); })
//         .on("message", [](std::string_view from, std::string_view text) { ... })
//         .on("disconnect", [](std::string_view reason) { ... })
//         .on("connect_error", [](std::string_view message, Json data) { ... });
//   socket.timeout(5_s).emit("sum", 1, 2, [](std::error_code error, int sum) { ... });
//
//   events     "connect": also after each reconnection. "disconnect", once for each "connect":
//              "io server disconnect" and "io client disconnect", after which it stays away until
//              connect(); "transport close", "transport error", "ping timeout", "parse error",
//              after which the Manager comes back; "forced close". "connect_error": the server
//              refused, or was not reached; of refusals `data` is what its middleware said, and it
//              stays away. None of them within a call of the application's: later in the same turn.
//   emit       True if the packet was accepted: it was sent, or waits for the connection to come
//              (ManagerOptions::waiting_events_max of them). An event that wants an answer gets
//              one, or an error (AckErrc). volatile_() waits for nothing: what cannot leave is
//              dropped.
//   early      What the server says before it has answered (middleware does, and events that were
//              missed come so) is heard right before "connect". Up to waiting_events_max events and
//              1 MiB are kept for that; beyond it what was missed is heard at once, and anything
//              else ends the connection.
//   retries    With ClientSocketOptions::retries events go one after the other, each sent again
//              until its answer comes: with no handler of the application's, too. The server has to
//              answer them, and may see one twice.
//   handlers   What their parameters may be: arguments.h. One that throws ends the connection for
//              good.
//   thread     the loop's

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "net/duration.h"
#include "ws/socketio/event_verbs.h"
#include "ws/socketio/weak.h"

namespace hilo::socketio {

class ClientSocketState;
class Manager;

// How an auth callback gives what it was asked for, now or later. Move-only; does nothing a second
// time, or if that connection or the Manager is gone. Who lets go of it without a call stays
// unconnected.
class GiveAuth {
 public:
  GiveAuth(Weak<ClientSocketState> socket, std::uint64_t session) noexcept
      : socket_(std::move(socket)), session_(session) {}
  GiveAuth(GiveAuth&& other) noexcept = default;
  GiveAuth& operator=(GiveAuth&&) = delete;

  // An object, or null.
  void operator()(Json auth);

 private:
  Weak<ClientSocketState> socket_;
  std::uint64_t session_;  // which it was asked for
};

struct ClientSocketOptions {
  // What the server's middleware sees: an object. Protocol 4 has nothing of the kind: there a query
  // behind the name of the namespace serves ("/news?token=t").
  Json auth = nullptr;
  // Asked for it instead, for each connection.
  Callback<void(GiveAuth)> ask_auth = nullptr;
  // How often an event is sent again whose answer did not come. 0: nothing is.
  std::uint32_t retries = 0;
  // For emits without a timeout() of their own. 0: answers are waited for until the disconnect.
  net::Duration ack_timeout = {};
  // False: not before connect().
  bool connect = true;
};

class ClientSocket : public EventVerbs<ClientSocket> {
 public:
  ClientSocket() noexcept = default;
  explicit ClientSocket(ClientSocketState& state) noexcept : state_(&state) {}

  // --- facts ---

  bool connected() const noexcept;
  // It is connected, or will be by itself.
  bool active() const noexcept;
  // Whether this connection took up where the last one ended: what was missed has been sent since.
  bool recovered() const noexcept;
  // As the server knows it; empty while it is not connected, valid until it is not.
  std::string_view id() const noexcept;
  std::string_view nsp() const noexcept;
  // Events that wait to be sent.
  std::size_t waiting_events() const noexcept;
  // Of the default ClientSocket there is none.
  Manager& manager() const noexcept;

  // --- events ---

  // on(), once(), emit(), volatile_(), compress(), timeout(): event_verbs.h.

  // All handlers of an event; without one, all of all.
  void off(std::string_view event) const;
  void off() const;
  // Every event that comes in, before its handlers; every one that goes out. The former may take
  // `const Arguments&` in place of the values, and with them the Ack.
  template <class F>
  void on_any(F&& handler) const {
    if constexpr (std::is_invocable_v<F&, std::string_view, const Arguments&>) {
      add_any(std::forward<F>(handler));
    } else {
      add_any([handler = std::forward<F>(handler)](std::string_view event,
                                                   const Arguments& arguments) mutable {
        handler(event, arguments.values);
      });
    }
  }
  void on_any_outgoing(Callback<void(std::string_view event, const Json& values)> handler) const;
  // All handlers of either.
  void off_any() const;
  void off_any_outgoing() const;
  // Every event without bytes as it came, before any of it is parsed or checked: `json` is its
  // array, the name first, valid during the call. True: that was all; the Ack is the handler's to
  // take. False: it goes its usual way. With Parser::msgpack there is no such text.
  void on_raw(Callback<bool(std::string_view json, Ack& ack)> handler) const;

  // --- the way in and out ---

  // Both do nothing where there is nothing to do.
  void connect() const;
  void disconnect() const;

  friend bool operator==(const ClientSocket&, const ClientSocket&) = default;

 private:
  friend class EventVerbs<ClientSocket>;
  friend class Emitter<ClientSocket>;

  void add_listener(std::string_view event, EventHandler handler, bool once) const;
  void add_any(Callback<void(std::string_view, const Arguments&)> handler) const;
  bool send(Emission emission, const Flags& flags) const;

  ClientSocketState* state_ = nullptr;
};

}  // namespace hilo::socketio

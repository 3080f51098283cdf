// SPDX-License-Identifier: MIT
//
// Socket: one client in one namespace, as the application holds it. A small value that may be kept,
// copied and captured for as long as the Server lives: once the socket is gone it does nothing, and
// says so.
//
//   io.on_connection([](socketio::Socket socket) {
//     socket.on("whisper", [socket](std::string_view room, std::string_view text) {
//       socket.to(room).emit("whisper", text);
//     });
//     socket.on("sum", [](int a, int b, Ack ack) { ack(a + b); });
//     socket.on("disconnect", [](std::string_view reason) { ... });
//   });
//
//   handlers   What their parameters may be: arguments.h. One that throws costs its own client.
//   emit       True if the packet was accepted: then it arrives, or the socket ends. With a handler
//              as its last value it is an event that wants an answer. Middleware may emit, too: the
//              client hears it once it is let in. To one that is away and may come back
//              (recovery.h), emit to its id: io.to(id).
//   end        disconnect() calls nothing: "disconnecting" and "disconnect" come later in the same
//              turn, with the reason, in that order, once. In the former it is still in its rooms.
//   thread     the server's loop

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"
#include "ws/request.h"
#include "ws/socketio/arguments.h"
#include "ws/socketio/broadcast.h"
#include "ws/socketio/event_verbs.h"
#include "ws/socketio/socket_key.h"
#include "ws/socketio/targets.h"

namespace hilo::engineio {
class Socket;
}

namespace hilo::socketio {

struct SocketState;

class Socket : public EventVerbs<Socket> {
 public:
  Socket() noexcept = default;
  explicit Socket(SocketKey key) noexcept : key_(std::move(key)) {}

  // --- facts ---

  const SocketKey& key() const noexcept { return key_; }
  bool connected() const noexcept;
  // Empty once it is gone; valid until then. Of protocol 4 it is what those clients make of the id
  // of their session ("/news#" in front, but for "/"). Whoever has that can speak for them while
  // they poll, so it is for themselves.
  std::string_view id() const noexcept;
  // While the socket is there, its "disconnect" included. Of the default Socket there is none.
  Namespace& nsp() const noexcept { return *key_.nsp.get(); }
  // What the client sent along to be let in: an object, or null. Of Socket.IO 1 and 2 the query
  // behind the namespace, texts by their names.
  const Json& auth() const noexcept;
  // A parameter of the URL that the session was opened with, decoded; nothing: it is not there.
  std::optional<std::string> query(std::string_view name) const;
  // That URL's path and query, as they came.
  std::string url() const;
  // When it came to its namespace, in milliseconds since 1970 UTC. 0 once it is gone.
  std::int64_t since() const noexcept;
  // The request that opened the session: path, query, fields. Null once it is gone.
  const ws::KeptRequest* request() const noexcept;
  net::PeerAddress peer() const noexcept;
  // Whether that request came over TLS; a proxy in front of us tells of itself in its fields.
  bool secure() const noexcept;
  // What carries it. Null once it is gone.
  engineio::Socket* engine() const noexcept;
  // The application's own, for as long as the socket is there: null at first. Of a socket that is
  // gone it is a value that nobody else sees.
  Json& data() const;
  // Whether it took up where an earlier connection ended: then id, rooms and data are those, and
  // what was missed has been sent (recovery.h).
  bool recovered() const noexcept;

  // --- events ---

  // on(), once(), emit(), volatile_(), compress(), timeout(): event_verbs.h.

  // All handlers of an event; without one, all of all.
  void off(std::string_view event) const;
  void off() const;
  // Every event that comes in, before middleware and handlers; every one that goes out.
  void on_any(Callback<void(std::string_view event, Json& values)> handler) const;
  // All handlers of either.
  void off_any() const;
  void off_any_outgoing() const;
  // What is sent to many by another server is not heard here.
  void on_any_outgoing(Callback<void(std::string_view event, const Json& values)> handler) const;
  // Asked about every event that comes in: false, and it goes no further, nor is anybody told (the
  // reference emits "error" to the socket's own handlers; here middleware says what it likes). It
  // cannot take its time: the events behind this one would overtake it, as they do in the
  // reference. A handler may.
  void use(Callback<bool(std::string_view event, Json& values)> middleware) const;

  // --- rooms ---

  void join(std::string_view room) const;
  void leave(std::string_view room) const;
  // Its own id, and those it has joined.
  std::vector<std::string> rooms() const;

  // To others: all but this one.
  Broadcast to(std::string_view room) const { return broadcast().to(room); }
  Broadcast in(std::string_view room) const { return broadcast().to(room); }
  Broadcast except(std::string_view room) const { return broadcast().except(room); }
  Broadcast broadcast() const;

  // --- the end ---

  // Of this socket; with `close`, of all that its client has, and of the connection.
  void disconnect(bool close = false) const;

  friend bool operator==(const Socket&, const Socket&) = default;

 private:
  friend class EventVerbs<Socket>;
  friend class Emitter<Socket>;

  SocketState* state() const noexcept;
  void add_listener(std::string_view event, EventHandler handler, bool once) const;
  bool send(Emission emission, const Flags& flags) const;

  SocketKey key_;
};

}  // namespace hilo::socketio

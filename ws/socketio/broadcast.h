// SPDX-License-Identifier: MIT
//
// Broadcast: an event to many, encoded once. An immutable value: each of its verbs gives another
// one, so that one may be kept and used again.
//
//   io.to("room1").to("room2").except("muted").emit("news", text);    // each gets it once
//   io.timeout(5_s).emit("vote", [](std::error_code error, std::vector<Json> answers) { ... });
//
//   thread   the server's loop
//   lifetime as long as one likes: to a namespace that is gone it sends nothing

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "ws/socketio/arguments.h"
#include "ws/socketio/socket_key.h"
#include "ws/socketio/targets.h"

namespace hilo::socketio {

class Socket;

// What is known of a socket, here or in another loop, at the time of asking. To speak with it: its
// id is a room.
struct RemoteSocket {
  std::string id;
  std::vector<std::string> rooms;  // without that of its id
  Json auth;                       // Socket::auth()
  Json data;                       // Socket::data()
};
using FetchHandler = Callback<void(std::error_code error, std::vector<RemoteSocket> sockets)>;

class Broadcast {
 public:
  Broadcast(Weak<Namespace> nsp, Targets targets) noexcept
      : nsp_(std::move(nsp)), targets_(std::move(targets)) {}

  Broadcast to(std::string_view room) const {
    return with([room](Targets& t) { t.rooms.emplace_back(room); });
  }
  Broadcast in(std::string_view room) const { return to(room); }
  Broadcast except(std::string_view room) const {
    return with([room](Targets& t) { t.except.emplace_back(room); });
  }
  Broadcast local() const {
    return with([](Targets& t) { t.local = true; });  // not those of other loops
  }
  Broadcast volatile_() const {
    return with([](Targets& t) { t.flags.volatile_ = true; });
  }
  Broadcast compress(bool on) const {
    return with([on](Targets& t) { t.flags.compress = on; });
  }
  Broadcast timeout(net::Duration duration) const {
    return with([duration](Targets& t) { t.flags.timeout = duration; });
  }

  // With a handler as its last value it wants an answer of each: the handler is called once, with
  // the first values of all answers, and the AckErrc of one that did not come, if there is such a
  // one: timed_out, or disconnected where its socket has gone. Without timeout() it waits until
  // every socket has answered or is gone; where there are other servers, no longer than
  // Options::servers_timeout says. How many of this loop got it; none, where the event has a name
  // of the protocol's own (event_verbs.h).
  template <class... V>
  std::size_t emit(std::string_view event, V&&... values) const {
    return send(make_emission(event, std::forward<V>(values)...));
  }
  std::size_t emit(std::string_view event, Json::initializer_list_t value) const {
    return emit(event, std::move(*value_of(value)));
  }

  void sockets_join(std::string_view room) const;
  void sockets_leave(std::string_view room) const;
  void disconnect_sockets(bool close = false) const;
  // Calls the handler later, once, with every socket that is meant, of all loops; if some of those
  // did not answer, with the rest of them and AckErrc::timed_out or disconnected.
  void fetch_sockets(FetchHandler handler) const;
  // Every socket of this loop that is meant. The visit may do anything but destroy the server.
  void for_each(Callback<void(Socket)> visit) const;

 private:
  template <class Change>
  Broadcast with(Change&& change) const {
    Broadcast changed = *this;
    change(changed.targets_);
    return changed;
  }
  std::size_t send(Emission emission) const;

  Weak<Namespace> nsp_;
  Targets targets_;
};

}  // namespace hilo::socketio

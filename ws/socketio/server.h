// SPDX-License-Identifier: MIT
//
// Server: Socket.IO at one path of a ws::Server, in the protocol of Socket.IO 3 and 4, and of 1 and
// 2 by option.
//
//   ws::Server http{loop};
//   socketio::Server io{http};
//   io.on("connection", [&](socketio::Socket socket) {
//     socket.on("chat message", [&io](std::string_view text) { io.emit("chat message", text); });
//   });
//   http.listen({.port = 3000});
//
//   threads   the ws::Server's loop, and no other: a plain ++clients in a handler is right. With
//             several loops on one port, gather_from() those of the others.
//   lifetime  Loop and ws::Server first, this after them and before listen(). Destroy it before
//             them; what is connected then is gone without "disconnect". Not within a handler.
//   errors    values. A handler that throws costs its client, and nobody else.
//   peers     What breaks a rule is closed (error.h): one log line, one counter.

#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/entropy_store.h"
#include "net/loop.h"
#include "ws/engineio/server.h"
#include "ws/guard.h"
#include "ws/server.h"
#include "ws/socketio/adapter.h"
#include "ws/socketio/farewell.h"
#include "ws/socketio/metrics.h"
#include "ws/socketio/namespace.h"
#include "ws/socketio/options.h"

namespace hilo::socketio {

class Server final : private net::Watcher {
 public:
  explicit Server(ws::Server& http, Options options = {}, std::string_view path = "/socket.io/");
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Clients that come in at `other`, a server of another thread, live here, too: their connections
  // move, and handlers run in this thread alone. Before the loops run.
  void gather_from(ws::Server& other) { engine_.gather_from(other); }

  // In place of that: a server in each of several loops, all set up alike, each with the clients
  // that came in there. Handlers run in as many threads. What goes to many reaches those of all
  // loops, unless it is local(); what counts or shows sockets is of this loop alone. Before the
  // loops run.
  static void meet(std::span<Server* const> servers);
  // Other ways to servers elsewhere: adapter.h. Before the loop runs.
  void set_adapter(std::unique_ptr<Adapter> adapter);
  // For adapters: what came in from another server.
  void receive(const ServerMessage& message, ServerReply reply);
  void receive(ServerAnswer answer);

  // The namespace of this name, made if it is not there, and here to stay. The slash in front may
  // be left out. If a `may_be` of those below wants it (asked with null for auth), its `made` sets
  // it up; one whose predicate or set-up throws lets nobody in.
  Namespace& of(std::string_view name);
  // Namespaces that are made when a client asks: `may_be` says which names, `made` sets one up. One
  // that throws makes none. Each is gone when its last socket has left.
  Server& of(Callback<bool(std::string_view name, const Json& auth)> may_be,
             Callback<void(Namespace&)> made);

  // Of "/": Namespace has the rest of the verbs.
  Server& use(Namespace::Middleware middleware) { return main_->use(std::move(middleware)), *this; }
  Server& on_connection(Callback<void(Socket)> callback) {
    return main_->on_connection(std::move(callback)), *this;
  }
  template <class... V>
  std::size_t emit(std::string_view event, V&&... values) {
    return main_->emit(event, std::forward<V>(values)...);
  }
  std::size_t emit(std::string_view event, Json::initializer_list_t value) {
    return main_->emit(event, std::move(*value_of(value)));
  }
  Broadcast to(std::string_view room) { return main_->to(room); }
  Broadcast in(std::string_view room) { return main_->to(room); }
  Broadcast except(std::string_view room) { return main_->except(room); }
  Broadcast local() { return main_->local(); }
  Broadcast volatile_() { return main_->volatile_(); }
  Broadcast compress(bool on) { return main_->compress(on); }
  Broadcast timeout(net::Duration duration) { return main_->timeout(duration); }
  void sockets_join(std::string_view room) { main_->sockets_join(room); }
  void sockets_leave(std::string_view room) { main_->sockets_leave(room); }
  void disconnect_sockets(bool close = false) { main_->disconnect_sockets(close); }
  void fetch_sockets(FetchHandler handler) { main_->fetch_sockets(std::move(handler)); }
  Broadcast broadcast() { return main_->broadcast(); }
  template <class F>
  Server& on(std::string_view event, F&& handler) {
    return main_->on(event, std::forward<F>(handler)), *this;
  }
  template <class... V>
  std::size_t server_side_emit(std::string_view event, V&&... values) {
    return main_->server_side_emit(event, std::forward<V>(values)...);
  }

  // An event whose values do not fit its handler, which was not called.
  Server& on_misfit(Callback<void(Socket, std::string_view event)> callback) {
    on_misfit_ = std::move(callback);
    return *this;
  }

  // Ends every client ("server shutting down") and lets no more in.
  void close();
  // The part of ws::Server::drain() and stop() that is Socket.IO's: see engineio::Server::drain().
  void drain(bool handed_over = false) { engine_.drain(handed_over); }

  // Connections, of which each has its sockets.
  std::size_t client_count() const noexcept { return engine_.socket_count(); }
  const Options& options() const noexcept { return options_; }
  const Metrics& metrics() const noexcept { return metrics_; }
  // Its callbacks are the application's, and called behind what Socket.IO does itself.
  engineio::Server& engine() noexcept { return engine_; }
  // Of the events that are listened to.
  Names& names() noexcept { return names_; }

 private:
  friend class Client;
  friend class Namespace;  // and what is nested in it
  friend class Socket;
  struct Dynamic {
    Callback<bool(std::string_view, const Json&)> may_be;
    Callback<void(Namespace&)> made;
  };

  // net::Watcher
  void on_ready(net::Ready ready) override;
  void on_reap() override;

  // Calls the application; false if it threw.
  template <class Call>
  bool guarded(Call&& call) {
    return ws::guarded(std::forward<Call>(call));
  }
  // Null if there is none, and none may be made.
  Namespace* find(std::string_view name, const Json& auth);
  Namespace& add(std::string_view with_slash);
  Namespace& make(std::string_view with_slash);
  // A dynamic one, once nobody is in it.
  void let_go_later(std::string_view name) noexcept;
  void tell_later(SocketState& socket, Namespace& nsp) noexcept;
  void tell_unlisted();
  // By the loop's clock; not at all once the server is gone. At the soonest in the next turn.
  net::Loop::TimerId later(net::Duration after, Callback<void()> callback);
  void reject(Errc error, const engineio::Socket* engine);
  EncodedPacket encoded(const PacketHead& head, OwnedJson data) const {
    return EncodedPacket(head, std::move(data), options_.parser);
  }
  net::Loop& loop() const noexcept { return engine_.http().loop(); }

  // What an answer is written in; more than this is not kept.
  static constexpr std::size_t scratch_bytes_max = std::size_t{64} << 10;

  Options options_;
  Metrics metrics_;
  std::string scratch_;
  std::size_t message_bytes_ = 0;  // of the one that is being read: for the log
  // The values of the latest event, whose memory the next one takes; those of a longer one are
  // given back.
  static constexpr std::size_t spare_bytes_max = 512;
  OwnedJson spare_;
  Farewell farewell_;
  Names names_;
  bool hears_raw_ = false;       // a namespace does (Namespace::on_raw)
  bool hears_outgoing_ = false;  // a socket does (Socket::on_any_outgoing)
  Callback<void(Socket, std::string_view)> on_misfit_;
  std::unordered_map<std::string_view, std::unique_ptr<Namespace>> namespaces_;  // by its name
  std::deque<Dynamic> dynamic_;
  std::size_t dynamic_count_ = 0;
  Namespace* main_ = nullptr;
  net::EntropyStore entropy_;
  net::Token token_{};
  std::unique_ptr<Adapter> adapter_;  // none: this server is alone
  std::uint64_t next_question_ = 1;   // to other servers
  std::vector<SocketKey> ended_;      // to be told in the reap phase
  bool has_unlisted_ = false;         // some ended for whom there was no memory there
  bool tells_unlisted_ = false;
  std::vector<std::string> deserted_;  // and these looked at behind that
  std::shared_ptr<Server*> self_;      // by which later calls find it, or that it is gone
  engineio::Server engine_;            // first to go: its sockets hold the clients
};

}  // namespace hilo::socketio

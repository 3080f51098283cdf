// SPDX-License-Identifier: MIT
//
// Server: Engine.IO at one path of a ws::Server, over polling and WebSocket, revisions 4 and 3.
//
//   ws::Server http{loop};
//   engineio::Server engine{http, "/engine.io/"};
//   engine.on_message([](engineio::Socket& s, engineio::Message m) { s.send(m); });
//   http.listen({.port = 3000});
//
// A Socket is one session, whatever carries it. It begins with on_open and ends with on_close; the
// change from polling to WebSocket in between loses, doubles and reorders nothing.
//
//   threads   the ws::Server's loop, and no other. Where several share a port one of them has all
//             sessions, and the others send it who asks for them: gather_from().
//   lifetime  Loop and ws::Server first, this after them and before listen(). Destroy it before
//             them; sockets that are there then are gone without on_close, and its path is 404.
//   errors    values; a handler that throws costs its session
//   limits    Options, and the ws::Server's own for what is below: heads, queues, stalls. Its
//             message_bytes_max should be at least payload_bytes_max, and its OriginPolicy decides
//             about WebSockets, as Options::cors does about polling.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/callback.h"
#include "net/base/intrusive_list.h"
#include "net/base/slab.h"
#include "net/entropy_store.h"
#include "net/loop.h"
#include "ws/admission.h"
#include "ws/engineio/metrics.h"
#include "ws/engineio/options.h"
#include "ws/engineio/payload.h"
#include "ws/engineio/permission.h"
#include "ws/engineio/query.h"
#include "ws/engineio/sid_misses.h"
#include "ws/engineio/socket.h"
#include "ws/guard.h"
#include "ws/memory_holder.h"
#include "ws/server.h"

namespace hilo::engineio {

class Server final : private net::Watcher {
 public:
  // Serves `path`, with and without a slash at its end, but nothing below it.
  explicit Server(ws::Server& http, std::string_view path = "/engine.io/", Options options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Who asks `other`, a server of another thread, for this path is served here: the connection
  // moves (ws/transfer.h), so that a session's requests find it wherever they come in. Before the
  // loops run.
  void gather_from(ws::Server& other);
  // In place of that: each thread has a server, and each of them the sessions that began there. A
  // sid tells whose it is (ServerOptions::loop_index, which must differ), and a request that comes
  // in elsewhere moves. Same path and options for all; before the loops run.
  static void meet(std::span<Server* const> servers);

  // Whether a session may begin; a refusal is 403. Neither later requests of it nor its upgrade
  // are asked about.
  Server& allow(Callback<bool(const ws::Request&)> callback) {
    return set(allow_, std::move(callback));
  }

  // The same where the answer takes its time (permission.h), instead of or behind allow(). Before
  // the loop runs.
  Server& allow_later(Callback<void(const ws::Request&, Permission)> callback);

  // Fields of the application's own in the answer that opens a session, Set-Cookie for example. It
  // is asked for them when the request comes, before allow_later().
  // What could not be sent as a field costs the answer (500).
  Server& on_initial_headers(
      Callback<void(const ws::Request&, std::vector<ws::Field>& fields)> callback) {
    return set(on_initial_headers_, std::move(callback));
  }

  // All run in the loop's thread, and none from within a call of the application's own. They may
  // call anything of any Socket, but not destroy a server, nor put another callback in their own
  // place.
  Server& on_open(Callback<void(Socket&)> callback) { return set(on_open_, std::move(callback)); }
  Server& on_message(Callback<void(Socket&, Message)> callback) {
    return set(on_message_, std::move(callback));
  }
  // The session goes on over a WebSocket.
  Server& on_upgraded(Callback<void(Socket&)> callback) {
    return set(on_upgraded_, std::move(callback));
  }
  // All that was sent is on its way: to the kernel, or in the answer to a poll.
  Server& on_drained(Callback<void(Socket&)> callback) {
    return set(on_drained_, std::move(callback));
  }
  // Exactly once for every on_open, and the last call of all. send() is Sent::closed then.
  Server& on_close(Callback<void(Socket&, CloseReason)> callback) {
    return set(on_close_, std::move(callback));
  }

  // A protocol that stands on this one, as Socket.IO does: it hears everything before the callbacks
  // above, which stay the application's, and keeps what it has of a session in Socket::layer(). It
  // may have ended a session of which on_open then tells.
  struct Layer {
    Callback<void(Socket&)> on_open;
    Callback<void(Socket&, Message)> on_message;
    Callback<void(Socket&, CloseReason)> on_close;
  };
  Server& set_layer(Layer layer) { return set(layer_, std::move(layer)); }

  // Null once it is closed.
  Socket* find(SocketId id) noexcept;
  // With those whose client is still to fetch the end.
  std::size_t socket_count() const noexcept { return sockets_.size(); }
  // Every open socket. The visit may close sockets, not destroy the server.
  template <class Visit>
  void for_each(Visit&& visit) {
    sockets_.for_each([&](Socket& socket, SlabHandle) {
      if (socket.is_open()) visit(socket);
    });
  }

  // Closes every session and opens no more (503). Those that poll are told with their next answer.
  void close_all(CloseReason reason = CloseReason::server_shutdown);
  // Beside ws::Server::drain() and stop(), which end WebSockets: ends the sessions that poll, and
  // opens no more unless `handed_over` (ws::DrainOptions).
  void drain(bool handed_over = false);
  // Sessions that poll, and those that did and have not fetched their end.
  std::size_t poll_count() const noexcept { return admission_->open_count(); }
  // Behind drain(), and before ws::Server::drain(), which accepts no more connections: calls back
  // once, later, when every session that polled has fetched its end, and `at_most` so late.
  void when_told(net::Duration at_most, Callback<void()> callback);

  const Options& options() const noexcept { return options_; }
  const Metrics& metrics() const noexcept { return metrics_; }
  ws::Server& http() const noexcept { return *http_; }

 private:
  friend class Permission;
  friend class Socket;
  using Gate = detail::Gate;
  using SharedGate = std::shared_ptr<Gate>;
  // What hangs on a WebSocket.
  struct Link {
    SocketId socket;
  };
  // What goes out over HTTP.
  struct Answer;
  // A request that opens a session, as far as it is needed behind the call that shows it.
  struct Opening {
    ws::KeptRequest request = {};  // by polling
    net::PeerAddress peer = {};
    std::string origin = {};             // the page that may read the answer
    std::vector<ws::Field> fields = {};  // of the application's own
    std::string subprotocol = {};        // over a WebSocket
  };
  // One that waits for the application's answer.
  struct Asked {
    Opening opening = {};
    ws::http::ExchangeId exchange = {};         // by polling, or
    std::optional<ws::UpgradeId> upgrade = {};  // a WebSocket
    std::optional<std::string> refusal = {};
    bool is_decided = false;
    net::Loop::TimerId timer = {};
  };

  template <class Target>
  Server& set(Target& target, Target callback) {
    target = std::move(callback);
    return *this;
  }
  template <class Target, class... Arguments>
  void call(Socket& socket, Target& target, Arguments&&... arguments) {
    if (!target) return;
    const bool done = ws::guarded([&] { target(socket, std::forward<Arguments>(arguments)...); });
    if (!done) handler_threw(socket);
  }
  void handler_threw(Socket& socket);
  net::Loop& loop() const noexcept { return http_->loop(); }

  // net::Watcher
  void on_ready(net::Ready ready) override;
  void on_reap() override;
  void on_flush() override;

  // Sessions: server.cc.
  Socket* find_slot(SocketId id) noexcept;
  Socket* find_sid(std::string_view sid) noexcept;
  // Errc::none and a socket, or why there is none.
  struct Made {
    Errc error = Errc::none;
    Socket* socket = nullptr;
  };
  Made make(const Query& query, ws::KeptRequest request, const net::PeerAddress& peer);
  ws::Destination owner_of(const ws::Request& request) const;
  Errc unknown_sid(const net::PeerAddress& peer) noexcept;
  Errc may_open(const Query& query, const Arrival& arrival, const ws::Request& request);
  Errc receive(Socket& socket, const Packet& packet);
  void opened(Socket& socket);
  void end(Socket& socket, CloseReason reason, PacketType last_word);
  void fail(Socket& socket, Errc error);
  void settle(Socket& socket, CloseReason reason) noexcept;
  void leave(Socket& socket) noexcept;
  void give_up_websockets(Socket& socket, ws::CloseCode code) noexcept;
  void erase(Socket& socket) noexcept;
  // When all together hold too much.
  class Holder;
  void count_memory(ws::Largest& largest);
  void give_up_memory(ws::Largest& largest);
  void flush(Socket& socket);
  void tell_drained(Socket& socket);
  void check_told();
  static void tell_told(Gate& gate);
  void expire(Socket& socket, net::Time now);
  void mark_dirty(Socket& socket) noexcept;
  void flush_later(Socket& socket);
  // What it was answered with: the status of its rule, or of a WebSocket the code that its peer
  // sees.
  struct Told {
    std::uint64_t bytes_in = 0;  // of what broke the rule
    bool is_websocket = false;
  };
  void reject(Errc error, const net::PeerAddress& peer, std::uint64_t number, Told told);
  void reject(Errc error, const net::PeerAddress& peer, std::uint64_t number = 0) {
    reject(error, peer, number, Told{});
  }
  std::vector<ws::Field> own_fields(const ws::Request& request);
  std::string subprotocol_of(const ws::Request& request) const;

  // Who may open one, later: server_permission.cc.
  std::optional<SlabHandle> ask(const ws::Request& request, Opening opening);
  void ask_for_polling(ws::http::Exchange& exchange, Opening opening);
  void ask_for_websocket(ws::PendingUpgrade& upgrade);
  void answer_upgrade(ws::UpgradeId id, ws::Decision decision);
  void decided(SlabHandle asked, std::optional<std::string> refusal);
  void carry_out(SlabHandle asked);
  void carry_out(Asked& found, SlabHandle asked);
  void forget(SlabHandle asked) noexcept;
  void refuse_asked();

  // Polling: server_polling.cc.
  void mount_polling(std::string_view pattern);
  void serve(ws::http::Exchange& exchange);
  void serve_preflight(ws::http::Exchange& exchange);
  void open_polling(ws::http::Exchange& exchange, const Query& query);
  void begin_polling(ws::http::Exchange& exchange, Opening opening);
  void greet(ws::http::Exchange& exchange, Socket& socket, const Query& query, Opening opening);
  struct Refusal {
    Errc error;
    std::string_view readable_by = {};
    std::string_view message = {};  // none: the protocol's
    std::uint64_t bytes_in = 0;
  };
  void begin_poll(ws::http::Exchange& exchange, Socket& socket);
  void begin_post(ws::http::Exchange& exchange, Socket& socket);
  void take_piece(ws::http::Exchange& exchange, SocketId id, Bytes piece, bool final);
  void append_piece(ws::http::Exchange& exchange, SocketId id, Bytes piece, bool final);
  void finish_post(ws::http::Exchange& exchange, Socket& socket);
  Errc read_payload(Socket& socket, MutableBytes body, Framing framing);
  void undo_double_utf8(Socket& socket, MutableBytes& text);
  void lose_poll(SocketId id);
  void lose_post(SocketId id);
  void answer_poll(Socket& socket);
  void write_answer(ws::http::Exchange& exchange, Socket& socket,
                    std::span<const ws::Field> fields = {});
  bool write_poll(ws::http::Exchange& exchange, Socket& socket, std::span<const ws::Field> fields);
  // Within the route's call; later; and with words and figures of the caller's own.
  void refuse(ws::http::Exchange& exchange, Errc error);
  void refuse(ws::http::Exchange& exchange, Errc error, std::string_view readable_by);
  void refuse(ws::http::Exchange& exchange, const Refusal& refusal);
  void write_refusal(ws::http::Exchange& exchange, const Refusal& refusal);
  static std::string error_json(Errc error, std::string_view message);
  Status respond(ws::http::Exchange& exchange, const Answer& answer);
  std::string_view readable_by(const ws::Request& request) const noexcept;

  // WebSockets: server_websocket.cc.
  void mount_websocket(std::string_view pattern);
  ws::Decision decide(const ws::Request& request);
  ws::Decision refuse(const ws::Request& request, Errc error);
  void open_websocket(ws::Connection& connection);
  void open_probe(ws::Connection& connection, Socket& socket);
  void receive_message(ws::Connection& connection, ws::Message message);
  void receive_probe(ws::Connection& connection, Socket& socket, const Packet& packet);
  void end_probe(Socket& socket, Errc error);
  void upgraded(Socket& socket);
  void drained(ws::Connection& connection);
  void gone(ws::Connection& connection, ws::CloseInfo info);
  Socket* linked(ws::Connection& connection) noexcept;

  ws::Server* http_;
  std::string path_;                     // without a slash at its end, but for "/"
  std::vector<ws::Destination> owners_;  // by their loop_index; empty: this has all sessions
  Options options_;
  std::vector<std::string> origins_;            // whose views are
  std::vector<std::string_view> origin_views_;  // the list of Options::cors
  Metrics metrics_;
  Callback<bool(const ws::Request&)> allow_;
  Callback<void(const ws::Request&, Permission)> allow_later_;
  Callback<void(const ws::Request&, std::vector<ws::Field>&)> on_initial_headers_;
  Layer layer_;
  Callback<void(Socket&)> on_open_;
  Callback<void(Socket&, Message)> on_message_;
  Callback<void(Socket&)> on_upgraded_;
  Callback<void(Socket&)> on_drained_;
  Callback<void(Socket&, CloseReason)> on_close_;
  SharedGate gate_;
  std::shared_ptr<Holder> holder_;
  std::unique_ptr<ws::Admission> admission_;  // of sessions that poll
  SidMisses misses_;
  net::EntropyStore entropy_;
  net::Token token_{};
  std::vector<SlabHandle> slots_;  // by the slot that a sid names
  IntrusiveList<Socket, detail::Dirty> dirty_;
  IntrusiveList<Socket, detail::Ended> ended_;
  Slab<Socket> sockets_;
  Slab<Asked> asked_;
  bool closing_ = false;
  Callback<void()> on_told_;
  net::Loop::TimerId told_timer_{};
};

}  // namespace hilo::engineio

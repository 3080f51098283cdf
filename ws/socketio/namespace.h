// SPDX-License-Identifier: MIT
//
// Namespace: one name under which sockets meet ("/", "/news"). Clients connect to each on their
// own, over one connection.
//
//   io.of("/admin")
//       .use([](Socket socket, Next next) { next(may(socket.auth()) ? "" : "not you"); })
//       .on("connection", [](Socket socket) { ... });
//
//   middleware   in the order of use(), before the socket is connected: each calls its Next, now or
//                later. A text that is not empty refuses the client with that message
//                (CONNECT_ERROR), and its data beside it. Protocol 4 has one value for both: the
//                data, or the message where there is none, or it is false, empty or a number.
//   thread       the server's loop
//   lifetime     the server's. One that was made because a client asked (the other of()) goes when
//   its
//                last socket has left, unless the application asks for it by its name: so what is
//                kept of such a one is its name.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "net/base/slab.h"
#include "ws/socketio/adapter.h"
#include "ws/socketio/broadcast.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/gathering.h"
#include "ws/socketio/recovery.h"
#include "ws/socketio/rooms.h"
#include "ws/socketio/socket.h"
#include "ws/socketio/socket_state.h"

namespace hilo::socketio {

class Client;
class Server;

// The rest of the way in. Move-only; does nothing a second time, or if the client or the server is
// gone. A middleware that lets go of it without a call has refused ("refused").
class Next {
 public:
  Next(SocketKey socket, std::size_t index) noexcept : socket_(std::move(socket)), index_(index) {}
  Next(Next&& other) noexcept : socket_(std::exchange(other.socket_, {})), index_(other.index_) {}
  Next& operator=(Next&&) = delete;
  ~Next() { (*this)("refused"); }

  void operator()() { (*this)({}); }
  void operator()(std::string_view refusal, const Json& data = nullptr);

 private:
  SocketKey socket_;
  std::size_t index_;  // of the middleware that comes next
};

class Namespace final : private AckTarget {
 public:
  using Middleware = Callback<void(Socket, Next)>;

  Namespace(Server& server, std::string_view name);
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;
  ~Namespace();

  std::string_view name() const noexcept { return name_; }
  Server& server() const noexcept { return *server_; }

  Namespace& use(Middleware middleware) {
    middleware_.push_back(std::move(middleware));
    return *this;
  }
  Namespace& on_connection(Callback<void(Socket)> callback) {
    on_connection_.push_back(std::move(callback));
    return *this;
  }
  // Every event without bytes as it came, before any of it is parsed or checked: `json` is its
  // array, the name first, valid during the call. True: that was all; the Ack is the callback's to
  // take. False: it goes its usual way. With Parser::msgpack there is no such text.
  using RawHandler = Callback<bool(Socket, std::string_view json, Ack& ack)>;
  Namespace& on_raw(RawHandler handler);

  // "connection" (or "connect") with a handler that takes a Socket or nothing is on_connection(),
  // as in JavaScript. All else is what other servers say, of those that met this one
  // (Server::meet): the parameters are those of a socket's events; an Ack answers the server that
  // asked. A handler that throws is left alone.
  template <class F>
  Namespace& on(std::string_view event, F&& handler) {
    const bool is_connection = event == "connection" || event == "connect";
    if constexpr (std::is_invocable_v<F&, Socket>) {
      HILO_DCHECK(is_connection);
      return on_connection(std::forward<F>(handler));
    } else {
      if constexpr (std::is_invocable_v<F&>) {
        if (is_connection) {
          return on_connection([handler = std::forward<F>(handler)](Socket) mutable { handler(); });
        }
      }
      add_listener(event, bind_event(std::forward<F>(handler)));
      return *this;
    }
  }
  // To this namespace of those servers, not to this one; how many there are. With a handler as its
  // last value it wants an answer of each: the handler is called once with an error_code and the
  // std::vector<Json> of the answers' first values. The error is AckErrc::disconnected if a server
  // has nobody who listens, and timed_out behind Options::servers_timeout; reserved for what means
  // something else ("connect", "connection", "new_namespace") and is not sent.
  template <class... V>
  std::size_t server_side_emit(std::string_view event, V&&... values) {
    return tell_servers(make_emission(event, std::forward<V>(values)...));
  }

  // To everybody here: Broadcast has the rest of the verbs.
  template <class... V>
  std::size_t emit(std::string_view event, V&&... values) {
    return broadcast().emit(event, std::forward<V>(values)...);
  }
  std::size_t emit(std::string_view event, Json::initializer_list_t value) {
    return broadcast().emit(event, std::move(*value_of(value)));
  }
  Broadcast to(std::string_view room) { return broadcast().to(room); }
  Broadcast in(std::string_view room) { return broadcast().to(room); }
  Broadcast except(std::string_view room) { return broadcast().except(room); }
  Broadcast local() { return broadcast().local(); }
  Broadcast volatile_() { return broadcast().volatile_(); }
  Broadcast compress(bool on) { return broadcast().compress(on); }
  Broadcast timeout(net::Duration duration) { return broadcast().timeout(duration); }
  void sockets_join(std::string_view room) { broadcast().sockets_join(room); }
  void sockets_leave(std::string_view room) { broadcast().sockets_leave(room); }
  void disconnect_sockets(bool close = false) { broadcast().disconnect_sockets(close); }
  void fetch_sockets(FetchHandler handler) { broadcast().fetch_sockets(std::move(handler)); }
  Broadcast broadcast() { return Broadcast(anchor_.weak(), {}); }

  std::size_t socket_count() const noexcept { return connected_; }
  std::size_t room_count() const noexcept { return rooms_.size(); }
  // Null unless Options::recovery is enabled. Servers that met (Server::meet) have none: a client
  // may come back to any of them.
  const Recovery* recovery() const noexcept;
  // The socket of this id, or one that is not connected.
  Socket find(std::string_view id) noexcept;
  template <class Visit>
  void for_each(Visit&& visit) {
    sockets_.for_each([&](SocketState& state, SlabHandle handle) {
      if (state.stage == SocketState::Stage::connected) visit(Socket(key(handle)));
    });
  }

 private:
  friend class Broadcast;
  friend class Client;
  friend class Next;
  friend class Server;
  friend class Socket;

  SocketState* state(SlabHandle handle) noexcept { return sockets_.find(handle); }
  SocketKey key(SlabHandle handle) const noexcept { return {anchor_.weak(), handle}; }
  SocketKey key(const SocketState& socket) const noexcept { return key(socket.handle); }
  // Nobody finds it any more.
  void raise_anchors() noexcept;
  // Nobody is here, and no question is open.
  bool is_deserted() const noexcept;
  void let_go_if_deserted();

  // The way in: namespace.cc.
  SocketState* make(Client& client, std::unique_ptr<OwnedJson> auth);
  void index(SocketState& socket);
  void index_by_id(SocketState& socket);
  void come_in(SocketState& socket);
  void go_on(SocketState& socket, std::size_t middleware);
  void refuse(SocketState& socket, std::string_view message, const Json& data);
  void connect(SocketState& socket);
  void recover(SocketState& socket);
  // The way out. No callback but from tell().
  void end(SocketState& socket, std::string_view reason);
  void tell(SocketState& socket);
  // "disconnecting" or "disconnect", with the reason.
  void tell(SocketState& socket, std::string_view event);
  // All that have ended.
  void tell_ended();
  void keep(SocketState& socket);
  void erase(SocketState& socket) noexcept;

  // What comes in.
  void receive_event(SocketState& socket, std::optional<std::uint64_t> id, Json& values);
  bool receive_raw(SocketState& socket, const PacketHead& head);
  void receive_ack(SocketState& socket, std::optional<std::uint64_t> id, OwnedJson values);
  void dispatch(SocketState& socket, std::string_view event, const Arguments& arguments);
  template <class Call>
  void call(SocketState& socket, Call&& call);
  void handler_threw(SocketState& socket);

  // What goes out: namespace_output.cc.
  bool send(SocketState& socket, Emission emission, const Flags& flags);
  bool may_hear(const SocketState& socket) const noexcept;
  bool keeps(const Flags& flags) const noexcept;
  bool refuse_emission(Emission& emission, AckErrc error);
  void tell_outgoing(SocketState& socket, const Json& values);
  // AckTarget
  void answer(SlabHandle socket, std::uint64_t id, OwnedJson answers) override;
  void answer_with(SlabHandle socket, std::uint64_t id,
                   std::span<const ValueView> answers) override;
  // To many, in other loops too: namespace_relay.cc.
  std::size_t broadcast(const Targets& targets, Emission emission);
  std::size_t write(const Targets& targets, const EncodedPacket& packet);
  std::size_t ask(const Targets& targets, Emission emission);
  std::vector<Socket> matching(const Targets& targets);
  bool is_relayed(const Targets& targets) const noexcept;
  void relay(const Targets& targets, EncodedPacket packet);
  void tell_others(const Targets& targets, ServerMessage message);

  // What servers ask and tell each other: namespace_servers.cc.
  class Questions;
  void ask_others(const Targets& targets, ServerMessage message,
                  const std::shared_ptr<Gathering>& gathering);
  void limit_answers(net::Duration patience, const std::shared_ptr<Gathering>& gathering,
                     std::uint64_t id);
  void limit_waiting(const std::shared_ptr<Gathering>& gathering);
  void end_waiting(std::uint64_t question);
  void tell_later(const std::shared_ptr<Gathering>& gathering);
  void fetch(const Targets& targets, FetchHandler handler);
  std::size_t tell_servers(Emission emission);
  void add_listener(std::string_view event, EventHandler handler);
  void receive(const ServerMessage& message, ServerReply reply);
  void receive(ServerAnswer answer);
  OwnedJson describe(const Targets& targets);
  void hear(OwnedJson values, ServerReply reply);

  bool wait_for_ack(SocketState& socket, std::uint64_t id, AckHandler handler,
                    std::optional<net::Duration> timeout = {});
  void give_up_ack(SlabHandle socket, std::uint64_t id, AckErrc error);
  void drop_acks(SocketState& socket);
  void unsent(SocketState& socket, std::uint64_t id);
  void tell_no_answer(AckHandler handler, AckErrc error);
  template <class Visit>
  void visit(const Targets& targets, Visit&& visit);
  template <class Visit>
  void visit_room(std::string_view room, Visit&& visit);

  Server* server_;
  std::string name_;
  Anchor<Namespace> anchor_;
  std::deque<Middleware> middleware_;  // which may add some while it is called
  std::deque<Callback<void(Socket)>> on_connection_;
  RawHandler on_raw_;
  Rooms rooms_;
  std::vector<SlabHandle> slots_;  // by the slot that an id names
  std::unique_ptr<Recovery> recovery_;
  std::unordered_map<std::string_view, SlabHandle> by_id_;  // whose ids do not say their slots
  std::size_t connected_ = 0;
  std::uint64_t next_ack_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<Gathering>> asked_;  // of other servers
  Listeners server_listeners_;
  std::shared_ptr<Questions> questions_;  // of other servers
  std::uint32_t mark_ = 0;                // of the latest broadcast
  bool dynamic_ = false;                  // made because a client asked
  Slab<SocketState> sockets_;
};

}  // namespace hilo::socketio

// SPDX-License-Identifier: MIT
//
// Sockets of a namespace: how they come in, what they say, and how they go.

#include "ws/socketio/namespace.h"

#include <algorithm>
#include <utility>

#include "ws/socketio/client.h"
#include "ws/socketio/server.h"
#include "ws/socketio/socket_id.h"

namespace hilo::socketio {

template <class Call>
void Namespace::call(SocketState& socket, Call&& call) {
  if (server_->guarded(std::forward<Call>(call))) return;
  server_->reject(Errc::handler_threw, socket.client->engine());
  socket.client->close("forced server close");
}

Socket Namespace::find(std::string_view id) noexcept {
  const std::optional<std::uint32_t> slot = slot_of(id);
  if (!slot || *slot >= slots_.size()) return Socket({this, {}});
  const SocketState* const found = state(slots_[*slot]);
  const bool is_it = found != nullptr && found->id_view() == id;
  return is_it ? Socket({this, found->handle}) : Socket({this, {}});
}

// --- the way in ----------------------------------------------------------------------------------

SocketState* Namespace::make(Client& client, std::unique_ptr<Json> auth) {
  SocketIdRandom random;
  if (!server_->entropy_.fill(random)) return nullptr;
  const auto entry = sockets_.emplace();
  if (entry.object == nullptr) return nullptr;
  SocketState& socket = *entry.object;
  socket.handle = entry.handle;
  socket.client = &client;
  socket.auth = std::move(auth);
  socket.id = make_socket_id(random, entry.handle.index);
  if (slots_.size() <= entry.handle.index) slots_.resize(entry.handle.index + 1);
  slots_[entry.handle.index] = entry.handle;
  return &socket;
}

void Namespace::go_on(SocketState& socket, std::size_t middleware) {
  if (middleware == middleware_.size()) return connect(socket);
  call(socket,
       [&] { middleware_[middleware](Socket(key(socket)), Next(key(socket), middleware + 1)); });
}

void Next::operator()(std::string_view refusal, Json data) {
  const SocketKey key = std::exchange(socket_, {});
  if (key.nsp == nullptr) return;
  SocketState* const socket = key.nsp->state(key.handle);
  if (socket == nullptr || socket->stage != SocketState::Stage::connecting) return;
  if (!refusal.empty()) return key.nsp->refuse(*socket, refusal, data);
  key.nsp->go_on(*socket, index_);
}

void Namespace::refuse(SocketState& socket, std::string_view message, const Json& data) {
  Json error = {{"message", message}};
  if (!data.is_null()) error["data"] = data;
  if (socket.client->revision() == engineio::Revision::v3) error = message;
  socket.client->send(EncodedPacket({.type = PacketType::connect_error, .nsp = name_}, error), {});
  // Not here and now: it may be a middleware that has refused it.
  socket.stage = SocketState::Stage::ended;
  server_->tell_later(socket, *this);
}

void Namespace::connect(SocketState& socket) {
  socket.stage = SocketState::Stage::connected;
  socket.told = true;
  ++connected_;
  ++server_->metrics_.connected;
  Json data = {{"sid", socket.id_view()}};
  if (socket.client->revision() == engineio::Revision::v3) data = nullptr;
  socket.client->send(EncodedPacket({.type = PacketType::connect, .nsp = name_}, std::move(data)),
                      {});
  // By number: one of them may add another.
  for (std::size_t i = 0; i < on_connection_.size(); ++i) {
    if (socket.stage != SocketState::Stage::connected) return;
    call(socket, [&] { on_connection_[i](Socket(key(socket))); });
  }
}

// --- what comes in -------------------------------------------------------------------------------

void Namespace::receive_event(SocketState& socket, std::optional<std::uint64_t> id, Json values) {
  ++server_->metrics_.events_received;
  Json& front = values.front();
  if (front.is_number()) front = front.dump();
  std::string_view event = *front.get_ptr<const Json::string_t*>();
  std::string kept;
  if (SocketState::Extra* const extra = socket.extra_.get()) {
    // What is called may change the values, and add to the lists.
    kept = event;
    event = kept;
    for (std::size_t i = 0; i < extra->middleware.size(); ++i) {
      bool goes_on = false;
      call(socket, [&] { goes_on = extra->middleware[i](event, values); });
      if (!goes_on) return;
    }
    for (std::size_t i = 0; i < extra->on_any.size(); ++i) {
      call(socket, [&] { extra->on_any[i](event, values); });
    }
  }
  // Middleware may have left anything there.
  if (!values.is_array() || values.empty()) return;
  Ack ack = id ? Ack(*this, socket.handle, *id) : Ack();
  dispatch(socket, event, {values, 1, &ack});
}

void Namespace::dispatch(SocketState& socket, std::string_view event, const Arguments& arguments) {
  const std::uint32_t name = server_->names_.find(event);
  if (name == Names::none) return;
  socket.listeners.for_each(name, [&](EventHandler& handler) {
    bool fits = true;
    call(socket, [&] { fits = handler(arguments); });
    if (fits) return;
    server_->reject(Errc::arguments, socket.client->engine());
    if (!server_->on_misfit_) return;
    call(socket, [&] { server_->on_misfit_(Socket(key(socket)), event); });
  });
}

void Namespace::receive_ack(SocketState& socket, std::optional<std::uint64_t> id, Json values) {
  PendingAck ack;
  if (id && socket.extra_ != nullptr) ack = socket.extra_->acks.take(*id);
  if (ack.handler) return call(socket, [&] { ack.handler({}, values); });
  server_->reject(Errc::ack_unknown, socket.client->engine());
}

// --- the way out ---------------------------------------------------------------------------------

void Namespace::end(SocketState& socket, std::string_view reason) {
  if (socket.stage == SocketState::Stage::ended) return;
  if (socket.stage == SocketState::Stage::connected) --connected_;
  socket.stage = SocketState::Stage::ended;
  socket.reason = reason;
  server_->tell_later(socket, *this);
}

// The last that is heard of it.
void Namespace::tell(SocketState& socket) {
  if (socket.told) {
    ++server_->metrics_.disconnected;
    Json values = Json::array({socket.reason});
    dispatch(socket, "disconnecting", {values});
    rooms_.leave_all(socket);
    dispatch(socket, "disconnect", {values});
    drop_acks(socket);
  }
  erase(socket);
}

void Namespace::erase(SocketState& socket) noexcept {
  rooms_.leave_all(socket);
  socket.client->remove(socket);
  sockets_.erase(socket.handle);
}

}  // namespace hilo::socketio

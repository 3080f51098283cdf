// SPDX-License-Identifier: MIT

#include "ws/socketio/socket.h"

#include "ws/core/percent.h"
#include "ws/socketio/client.h"
#include "ws/socketio/namespace.h"
#include "ws/socketio/server.h"

namespace hilo::socketio {
namespace {

SocketState* connected(SocketState* socket) noexcept {
  const bool is_it = socket != nullptr && socket->stage == SocketState::Stage::connected;
  return is_it ? socket : nullptr;
}

}  // namespace

SocketState* Socket::state() const noexcept {
  Namespace* const nsp = key_.nsp.get();
  return nsp != nullptr ? nsp->state(key_.handle) : nullptr;
}

// --- facts ---------------------------------------------------------------------------------------

bool Socket::connected() const noexcept {
  return socketio::connected(state()) != nullptr;
}

std::string_view Socket::id() const noexcept {
  const SocketState* const socket = state();
  return socket != nullptr ? socket->id_view() : std::string_view{};
}

// NOLINTNEXTLINE(bugprone-exception-escape): a null asks for no memory, so making one cannot throw
const Json& Socket::auth() const noexcept {
  static const Json none;
  const SocketState* const socket = state();
  return socket != nullptr && socket->auth != nullptr ? **socket->auth : none;
}

engineio::Socket* Socket::engine() const noexcept {
  const SocketState* const socket = state();
  return socket != nullptr ? socket->client->engine() : nullptr;
}

const ws::KeptRequest* Socket::request() const noexcept {
  const engineio::Socket* const engine = this->engine();
  return engine != nullptr ? &engine->request() : nullptr;
}

std::optional<std::string> Socket::query(std::string_view name) const {
  const ws::KeptRequest* const request = this->request();
  if (request == nullptr) return std::nullopt;
  const auto decoded = [](std::string_view text) {
    std::string room(text.size(), '\0');
    return std::string(ws::percent_decode(text, room, ws::Plus::is_space).value_or(text));
  };
  ws::QueryReader reader(request->query());
  while (const auto each = reader.next()) {
    if (decoded(each->name) == name) return decoded(each->value);
  }
  return std::nullopt;
}

std::string Socket::url() const {
  const ws::KeptRequest* const request = this->request();
  if (request == nullptr) return {};
  std::string text(request->path());
  return text.append("?").append(request->query());
}

std::int64_t Socket::since() const noexcept {
  const SocketState* const socket = state();
  return socket != nullptr ? socket->since : 0;
}

net::PeerAddress Socket::peer() const noexcept {
  const engineio::Socket* const engine = this->engine();
  return engine != nullptr ? engine->peer() : net::PeerAddress{};
}

bool Socket::secure() const noexcept {
  const engineio::Socket* const engine = this->engine();
  return engine != nullptr && engine->is_secure();
}

Json& Socket::data() const {
  thread_local OwnedJson nobodys;
  if (SocketState* const socket = state()) return *socket->extra().data;
  return *(nobodys = nullptr);
}

bool Socket::recovered() const noexcept {
  const SocketState* const socket = state();
  return socket != nullptr && socket->recovered;
}

// --- events --------------------------------------------------------------------------------------

void Socket::add_listener(std::string_view event, EventHandler handler, bool once) const {
  SocketState* const socket = state();
  if (socket == nullptr) return;
  socket->listeners.add(nsp().server().names().add(event), std::move(handler), once);
}

void Socket::off(std::string_view event) const {
  SocketState* const socket = state();
  if (socket == nullptr) return;
  const std::uint32_t name = nsp().server().names().find(event);
  if (name != Names::none) socket->listeners.remove(name);
}

void Socket::off() const {
  if (SocketState* const socket = state()) socket->listeners.remove(Names::none);
}

void Socket::on_any(Callback<void(std::string_view event, Json& values)> handler) const {
  if (SocketState* const socket = state()) socket->extra().on_any.push_back(std::move(handler));
}

// One that runs goes on to its end: they are destroyed in a later turn.
void Socket::off_any() const {
  SocketState* const socket = state();
  if (socket == nullptr || socket->extra_ == nullptr) return;
  nsp().server().later({}, [old = std::exchange(socket->extra_->on_any, {})] {});
}

void Socket::off_any_outgoing() const {
  SocketState* const socket = state();
  if (socket == nullptr || socket->extra_ == nullptr) return;
  nsp().server().later({}, [old = std::exchange(socket->extra_->on_any_outgoing, {})] {});
}

void Socket::on_any_outgoing(
    Callback<void(std::string_view event, const Json& values)> handler) const {
  if (SocketState* const socket = state()) {
    socket->extra().on_any_outgoing.push_back(std::move(handler));
    nsp().server().hears_outgoing_ = true;
  }
}

void Socket::use(Callback<bool(std::string_view event, Json& values)> middleware) const {
  if (SocketState* const socket = state()) {
    socket->extra().middleware.push_back(std::move(middleware));
  }
}

bool Socket::send(Emission emission, const Flags& flags) const {
  if (SocketState* const socket = state()) return nsp().send(*socket, std::move(emission), flags);
  Namespace* const left = key_.nsp.get();
  return left != nullptr && left->refuse_emission(emission, AckErrc::disconnected);
}

// --- rooms ---------------------------------------------------------------------------------------

void Socket::join(std::string_view room) const {
  if (SocketState* const socket = state();
      socket != nullptr && socket->stage != SocketState::Stage::ended) {
    nsp().rooms_.join(*socket, room);
  }
}

void Socket::leave(std::string_view room) const {
  if (SocketState* const socket = state()) nsp().rooms_.leave(*socket, room);
}

std::vector<std::string> Socket::rooms() const {
  std::vector<std::string> names;
  const SocketState* const socket = state();
  if (socket == nullptr) return names;
  names.emplace_back(socket->id_view());
  for (const SocketState::Membership& in : socket->rooms) names.emplace_back(in.room->name());
  return names;
}

Broadcast Socket::broadcast() const {
  return Broadcast(key_.nsp, {.sender = key_.handle});
}

// --- the end -------------------------------------------------------------------------------------

void Socket::disconnect(bool close) const {
  SocketState* const socket = socketio::connected(state());
  if (socket == nullptr) return;
  Client& client = *socket->client;
  if (close) return client.disconnect();
  client.send_disconnect(nsp().name());
  nsp().end(*socket, "server namespace disconnect");
}

// --- many ----------------------------------------------------------------------------------------

std::size_t Broadcast::send(Emission emission) const {
  Namespace* const nsp = nsp_.get();
  return nsp != nullptr ? nsp->broadcast(targets_, std::move(emission)) : 0;
}

void Broadcast::for_each(Callback<void(Socket)> visit) const {
  Namespace* const nsp = nsp_.get();
  if (nsp == nullptr) return;
  for (const Socket& socket : nsp->matching(targets_)) visit(socket);
}

}  // namespace hilo::socketio

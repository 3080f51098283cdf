// SPDX-License-Identifier: MIT

#include "ws/socketio/client_socket.h"

#include "ws/socketio/client_socket_state.h"
#include "ws/socketio/manager.h"

namespace hilo::socketio {

void GiveAuth::operator()(Json auth) {
  const Weak<ClientSocketState> once = std::exchange(socket_, {});
  if (ClientSocketState* const socket = once.get()) socket->give_auth(std::move(auth), session_);
}

// --- facts ---------------------------------------------------------------------------------------

bool ClientSocket::connected() const noexcept {
  return state_ != nullptr && state_->stage_ == ClientSocketState::Stage::connected;
}

bool ClientSocket::active() const noexcept {
  return state_ != nullptr && state_->is_active();
}

bool ClientSocket::recovered() const noexcept {
  return state_ != nullptr && state_->recovered_;
}

std::string_view ClientSocket::id() const noexcept {
  return state_ != nullptr ? std::string_view(state_->id_) : std::string_view{};
}

std::string_view ClientSocket::nsp() const noexcept {
  return state_ != nullptr ? state_->name_ : std::string_view{};
}

std::size_t ClientSocket::waiting_events() const noexcept {
  return state_ != nullptr ? state_->waiting_.size() + state_->queue_.size() : 0;
}

Manager& ClientSocket::manager() const noexcept {
  return *state_->manager_;
}

// --- events --------------------------------------------------------------------------------------

void ClientSocket::add_listener(std::string_view event, EventHandler handler, bool once) const {
  if (state_ == nullptr) return;
  state_->listeners_.add(state_->manager_->names_.add(event), std::move(handler), once);
}

void ClientSocket::off(std::string_view event) const {
  if (state_ == nullptr) return;
  const std::uint32_t name = state_->manager_->names_.find(event);
  if (name != Names::none) state_->listeners_.remove(name);
}

void ClientSocket::off() const {
  if (state_ != nullptr) state_->listeners_.remove(Names::none);
}

void ClientSocket::add_any(Callback<void(std::string_view, const Arguments&)> handler) const {
  if (state_ != nullptr) state_->on_any_.push_back(std::move(handler));
}

void ClientSocket::on_any_outgoing(
    Callback<void(std::string_view event, const Json& values)> handler) const {
  if (state_ != nullptr) state_->on_any_outgoing_.push_back(std::move(handler));
}

bool ClientSocket::send(Emission emission, const Flags& flags) const {
  return state_ != nullptr && state_->send(std::move(emission), flags);
}

// One that runs goes on to its end: they are destroyed in a later phase.
void ClientSocket::off_any() const {
  if (state_ == nullptr) return;
  state_->manager_->at_reap([old = std::exchange(state_->on_any_, {})] {});
}

void ClientSocket::off_any_outgoing() const {
  if (state_ == nullptr) return;
  state_->manager_->at_reap([old = std::exchange(state_->on_any_outgoing_, {})] {});
}

void ClientSocket::on_raw(Callback<bool(std::string_view json, Ack& ack)> handler) const {
  if (state_ == nullptr) return;
  // None is one that takes nothing, so that receive_raw() can tell whether it was replaced.
  if (!handler) handler = [](std::string_view, Ack&) { return false; };
  state_->on_raw_ = std::move(handler);
  state_->manager_->hears_raw_ = true;
}

// --- the way in and out --------------------------------------------------------------------------

void ClientSocket::connect() const {
  if (state_ != nullptr) state_->connect();
}

void ClientSocket::disconnect() const {
  if (state_ != nullptr) state_->disconnect();
}

}  // namespace hilo::socketio

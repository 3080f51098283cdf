// SPDX-License-Identifier: MIT

#include "ws/socketio/client.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "net/base/guard.h"
#include "ws/core/percent.h"
#include "ws/socketio/namespace.h"
#include "ws/socketio/plain_json.h"
#include "ws/socketio/server.h"
#include "ws/socketio/shared_packet.h"

namespace hilo::socketio {
namespace {

// The parameters of a namespace ("/news?token=x"), which protocol 4 has in the place of auth.
OwnedJson query_values(std::string_view query) {
  const auto decoded = [](std::string_view text) {
    std::string room(text.size(), '\0');
    return std::string(ws::percent_decode(text, room, ws::Plus::is_space).value_or(text));
  };
  OwnedJson values(Json::object());
  ws::QueryReader reader(query);
  while (const auto each = reader.next()) (*values)[decoded(each->name)] = decoded(each->value);
  return values;
}

}  // namespace

Client::Client(Server& server, engineio::Socket& engine) noexcept
    : server_(&server),
      engine_(engine.id()),
      revision_(engine.revision()),
      decoder_(server.options().packet, Side::server, server.options().parser) {}

Client::~Client() {
  server_->loop().timers().cancel(*this);
}

engineio::Socket* Client::engine() const noexcept {
  return server_->engine().find(engine_);
}

// Protocol 4 knows no CONNECT for "/": whoever is there is in it.
void Client::open() {
  if (revision_ == engineio::Revision::v3) {
    if (const Errc error = connect({.type = PacketType::connect}, nullptr); error != Errc::none) {
      fail(error);
    }
    return;
  }
  arm(server_->options().connect_timeout);
}

// --- what comes in -------------------------------------------------------------------------------

void Client::receive(engineio::Message message) {
  if (ended_) return;
  server_->message_bytes_ = message.payload.size();
  read(message);
  server_->message_bytes_ = 0;
}

void Client::read(engineio::Message message) {
  const bool was_waiting = decoder_.waiting();
  if (server_->hears_raw_ && !message.binary && !was_waiting && receive_raw(message.text())) return;
  Packet packet{.head = {}, .data = std::move(*server_->spare_)};
  bool is_whole = false;
  Errc error = message.binary ? decoder_.take_binary(message.payload, packet, is_whole)
                              : decoder_.take_text(message.text(), packet, is_whole);
  if (error == Errc::none && is_whole) error = dispatch(packet);
  // An attachment is the last of a packet that was larger than it.
  if (!was_waiting && message.payload.size() <= Server::spare_bytes_max) {
    *server_->spare_ = std::move(packet.data);
  }
  if (error != Errc::none) return fail(error);
  if (was_waiting == decoder_.waiting()) return;
  if (decoder_.waiting()) {
    arm(server_->options().attachment_timeout);
  } else {
    server_->loop().timers().cancel(*this);
  }
}

// What is wrong with it is found on the usual way.
bool Client::receive_raw(std::string_view text) {
  PacketHead head;
  if (server_->options().parser == Parser::msgpack) return false;
  if (split_packet(text, server_->options().packet, head) != Errc::none) return false;
  if (head.type != PacketType::event || head.attachments != 0) return false;
  const Place* const place = find(head.nsp);
  if (place == nullptr || place->second->stage != SocketState::Stage::connected) return false;
  return place->first->receive_raw(*place->second, head);
}

Errc Client::dispatch(Packet& packet) {
  if (packet.head.type == PacketType::connect) return connect(packet.head, std::move(packet.data));
  const Place* const place = find(packet.head.nsp);
  if (place == nullptr) {
    // What it sent before it knew of the end is lost, and no harm.
    return has_left(packet.head.nsp) ? Errc::none : Errc::not_connected;
  }
  const auto [nsp, socket] = *place;
  if (socket->stage != SocketState::Stage::connected) return Errc::not_connected;
  switch (packet.head.type) {
    case PacketType::event: nsp->receive_event(*socket, packet.head.id, packet.data); break;
    case PacketType::ack: nsp->receive_ack(*socket, packet.head.id, std::move(packet.data)); break;
    case PacketType::disconnect: nsp->end(*socket, "client namespace disconnect"); break;
    case PacketType::connect:
    case PacketType::connect_error:
    case PacketType::binary_event:
    case PacketType::binary_ack: break;
  }
  return Errc::none;
}

Errc Client::connect(const PacketHead& head, OwnedJson auth) {
  if (find(head.nsp) != nullptr) return Errc::connect_twice;
  if (revision_ == engineio::Revision::v3 && !head.query.empty()) auth = query_values(head.query);
  if (sockets_.size() >= server_->options().namespaces_per_client_max) {
    refuse(head.nsp, Errc::namespaces_too_many, "Too many namespaces");
    return Errc::none;
  }
  Namespace* const nsp = server_->find(head.nsp, *auth);
  if (engine() == nullptr) {
    // The application has ended it meanwhile.
    if (nsp != nullptr) nsp->let_go_if_deserted();
    return Errc::none;
  }
  if (nsp == nullptr) {
    refuse(head.nsp, Errc::namespace_unknown, "Invalid namespace");
    return Errc::none;
  }
  sockets_.reserve(sockets_.size() + 1);
  SocketState* const socket =
      nsp->make(*this, auth->is_null() ? nullptr : std::make_unique<OwnedJson>(std::move(auth)));
  if (socket == nullptr) {
    nsp->let_go_if_deserted();
    return Errc::namespaces_too_many;
  }
  sockets_.emplace_back(nsp, socket);
  nsp->come_in(*socket);
  return Errc::none;
}

void Client::came_in() noexcept {
  if (!decoder_.waiting()) server_->loop().timers().cancel(*this);
}

void Client::refuse(std::string_view nsp, Errc error, std::string_view message) {
  const bool is_v3 = revision_ == engineio::Revision::v3;
  OwnedJson data = is_v3 ? OwnedJson(Json(message)) : object_of("message", message);
  send(server_->encoded({.type = PacketType::connect_error, .nsp = nsp}, std::move(data)), {});
  server_->reject(error, engine());
}

const Client::Place* Client::find(std::string_view nsp) const noexcept {
  const auto is_it = [&](const Place& place) {
    return place.second->stage != SocketState::Stage::ended && place.first->name() == nsp;
  };
  const auto found = std::find_if(sockets_.begin(), sockets_.end(), is_it);
  return found == sockets_.end() ? nullptr : &*found;
}

bool Client::has_left(std::string_view nsp) const noexcept {
  const auto is_ending = [&](const Place& place) { return place.first->name() == nsp; };
  return std::find(left_.begin(), left_.end(), nsp) != left_.end() ||
         std::any_of(sockets_.begin(), sockets_.end(), is_ending);
}

void Client::on_timer(net::Time) {
  fail(decoder_.waiting() ? Errc::attachment_timeout : Errc::connect_timeout);
}

void Client::arm(net::Duration after) noexcept {
  if (after.nanoseconds != 0) server_->loop().timers().arm(*this, server_->loop().now() + after);
}

// --- what goes out -------------------------------------------------------------------------------

bool Client::send_text(std::string_view packet, const Flags& flags) {
  engineio::Socket* const engine = this->engine();
  if (engine == nullptr || (flags.volatile_ && !engine->is_writable())) return false;
  const ws::SendOptions options{.compress = flags.compress};
  if (engine->send_packet(packet, options) != ws::Sent::accepted) return false;
  ++server_->metrics_.packets_sent;
  return true;
}

bool Client::send(const EncodedPacket& packet, const Flags& flags) {
  const std::string_view text = packet.text(revision_);
  if (!text.empty() && !send_text(text, flags)) return false;
  if (packet.attachments().empty()) return true;
  engineio::Socket* const engine = this->engine();
  if (engine == nullptr) return false;
  if (text.empty() && flags.volatile_ && !engine->is_writable()) return false;
  const ws::SendOptions options{.compress = flags.compress};
  for (const Json::binary_t& attachment : packet.attachments()) {
    if (engine->send_binary(Bytes{attachment}, options) != ws::Sent::accepted) return false;
  }
  if (text.empty()) ++server_->metrics_.packets_sent;
  return true;
}

bool Client::send(SharedPacket& packet, const Flags& flags) {
  engineio::Socket* const engine = this->engine();
  if (engine == nullptr || (flags.volatile_ && !engine->is_writable())) return false;
  ws::EncodedMessage* const text = packet.text(revision_);
  if (text != nullptr && engine->send_packet(*text) != ws::Sent::accepted) return false;
  for (ws::EncodedMessage& attachment : packet.attachments()) {
    if (engine->send_packet(attachment) != ws::Sent::accepted) return false;
  }
  ++server_->metrics_.packets_sent;
  return true;
}

void Client::send_disconnect(std::string_view nsp) {
  send(server_->encoded({.type = PacketType::disconnect, .nsp = nsp}, nullptr), {});
}

// --- the end -------------------------------------------------------------------------------------

void Client::remove(const SocketState& socket) noexcept {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(),
                                  [&](const Place& place) { return place.second == &socket; });
  Namespace* const nsp = found->first;
  sockets_.erase(found);
  if (ended_ || std::find(left_.begin(), left_.end(), nsp->name()) != left_.end()) return;
  if (left_.size() >= server_->options().namespaces_per_client_max) left_.erase(left_.begin());
  // Without memory for that late packets are refused.
  static_cast<void>(guarded([&] { left_.emplace_back(nsp->name()); }));
}

void Client::fail(Errc error) {
  server_->reject(error, engine());
  close("parse error");
}

// With a DISCONNECT for each namespace first, or the client would come back by itself.
void Client::disconnect() {
  for (const auto& [nsp, socket] : sockets_) {
    if (socket->stage != SocketState::Stage::connected) continue;
    send_disconnect(nsp->name());
  }
  close("server namespace disconnect");
}

void Client::close(std::string_view reason) {
  if (ended_) return;
  ended_ = true;
  server_->loop().timers().cancel(*this);
  for (const auto& [nsp, socket] : sockets_) nsp->end(*socket, reason);
  if (engineio::Socket* const engine = this->engine()) engine->close();
}

void Client::gone(std::string_view reason) {
  ended_ = true;
  server_->loop().timers().cancel(*this);
  for (const auto& [nsp, socket] : sockets_) nsp->end(*socket, reason);
  while (!sockets_.empty()) {
    const auto [nsp, socket] = sockets_.front();
    nsp->tell(*socket);
  }
}

}  // namespace hilo::socketio

// SPDX-License-Identifier: MIT
//
// What a namespace sends to one socket, and the answers that it waits for.

#include <algorithm>
#include <memory>
#include <utility>

#include "ws/socketio/client.h"
#include "ws/socketio/namespace.h"
#include "ws/socketio/server.h"

namespace hilo::socketio {

// --- to one --------------------------------------------------------------------------------------

bool Namespace::send(SocketState& socket, Emission emission, const Flags& flags) {
  if (emission.is_reserved()) return refuse_emission(emission, AckErrc::reserved);
  if (may_hear(socket) && server_->hears_outgoing_) tell_outgoing(socket, *emission.values);
  // One that threw has cost the client.
  if (!may_hear(socket)) return refuse_emission(emission, AckErrc::disconnected);
  PacketHead head{.type = PacketType::event, .nsp = name_};
  if (emission.ack) {
    const std::uint64_t id = next_ack_++;
    if (!wait_for_ack(socket, id, std::move(emission.ack), flags.timeout)) return false;
    head.id = id;
  }
  if (!keeps(flags) || head.id) {
    const bool is_sent =
        socket.client->send(server_->encoded(head, std::move(emission.values)), flags);
    if (!is_sent && head.id) unsent(socket, *head.id);
    return is_sent;
  }
  emission.values->push_back(recovery_->next_offset());
  EncodedPacket packet = server_->encoded(head, std::move(emission.values));
  static_cast<void>(socket.client->send(packet, flags));
  recovery_->keep_event({.rooms = {std::string(socket.id_view())}}, {}, std::move(packet));
  return true;
}

// What middleware says is heard once the client is let in. Where sessions are recovered it would
// have no place among what is missed, and nothing is said that early, as in the reference.
bool Namespace::may_hear(const SocketState& socket) const noexcept {
  if (socket.stage == SocketState::Stage::connecting) return recovery() == nullptr;
  return socket.stage == SocketState::Stage::connected;
}

bool Namespace::refuse_emission(Emission& emission, AckErrc error) {
  if (emission.ack) tell_no_answer(std::move(emission.ack), error);
  return false;
}

void Namespace::tell_outgoing(SocketState& socket, const Json& values) {
  if (socket.extra_ == nullptr) return;
  const std::string_view event = *values.front().get_ptr<const Json::string_t*>();
  auto& on_any = socket.extra_->on_any_outgoing;
  for (std::size_t i = 0; i < on_any.size(); ++i) {
    if (!server_->guarded([&] { on_any[i](event, values); })) return handler_threw(socket);
  }
}

// Whether what goes out in this way can be asked for again.
bool Namespace::keeps(const Flags& flags) const noexcept {
  return recovery() != nullptr && !flags.volatile_;
}

void Namespace::answer(SlabHandle handle, std::uint64_t id, OwnedJson answers) {
  const SocketState* const socket = state(handle);
  if (socket == nullptr || socket->stage != SocketState::Stage::connected) return;
  const PacketHead head{.type = PacketType::ack, .nsp = name_, .id = id};
  socket->client->send(server_->encoded(head, std::move(answers)), {});
}

// What needs no attachments is written at once, in memory that the server keeps for that.
void Namespace::answer_with(SlabHandle handle, std::uint64_t id,
                            std::span<const ValueView> answers) {
  const SocketState* const socket = state(handle);
  if (socket == nullptr || socket->stage != SocketState::Stage::connected) return;
  const auto has_binary = [](const ValueView& each) { return each.has_binary(); };
  if (server_->options().parser != Parser::json ||
      std::any_of(answers.begin(), answers.end(), has_binary)) {
    return AckTarget::answer_with(handle, id, answers);
  }
  const bool is_ascii = socket->client->revision() == engineio::Revision::v3;
  std::string& text = server_->scratch_;
  text.assign(1, engineio::type_digit(engineio::PacketType::message));
  write_head({.type = PacketType::ack, .nsp = name_, .id = id}, text);
  text += '[';
  for (const ValueView& each : answers) {
    if (&each != answers.data()) text += ',';
    each.write(is_ascii, text);
  }
  text += ']';
  socket->client->send_text(text, {});
  if (text.capacity() > Server::scratch_bytes_max) text = {};
}

// --- answers -------------------------------------------------------------------------------------

bool Namespace::wait_for_ack(SocketState& socket, std::uint64_t id, AckHandler handler,
                             std::optional<net::Duration> timeout) {
  PendingAcks& acks = socket.extra().acks;
  if (acks.size() < server_->options().acks_max) {
    PendingAck ack{.id = id, .handler = std::move(handler)};
    if (timeout) {
      // At the end of its socket it is cancelled.
      ack.timer = server_->later(*timeout, [this, handle = socket.handle, id] {
        give_up_ack(handle, id, AckErrc::timed_out);
      });
    }
    acks.add(std::move(ack));
    return true;
  }
  tell_no_answer(std::move(handler), AckErrc::too_many);
  return false;
}

// Nothing of the application's is called within its own call.
void Namespace::tell_no_answer(AckHandler handler, AckErrc error) {
  server_->later({}, [server = server_, error, handler = std::move(handler)]() mutable {
    Json none = no_values();
    server->guarded([&] { handler(error, none); });
  });
}

// Nobody will answer what did not leave.
void Namespace::unsent(SocketState& socket, std::uint64_t id) {
  PendingAck ack = socket.extra().acks.take(id);
  server_->loop().cancel(ack.timer);
  if (ack.handler) tell_no_answer(std::move(ack.handler), AckErrc::disconnected);
}

void Namespace::give_up_ack(SlabHandle handle, std::uint64_t id, AckErrc error) {
  SocketState* const socket = state(handle);
  if (socket == nullptr || socket->extra_ == nullptr) return;
  PendingAck ack = socket->extra_->acks.take(id);
  if (!ack.handler) return;
  Json none = no_values();
  server_->guarded([&] { ack.handler(error, none); });
}

void Namespace::drop_acks(SocketState& socket) {
  if (socket.extra_ == nullptr) return;
  for (PendingAck& ack : socket.extra_->acks.take_all()) {
    server_->loop().cancel(ack.timer);
    Json none = no_values();
    server_->guarded([&] { ack.handler(AckErrc::disconnected, none); });
  }
}

}  // namespace hilo::socketio

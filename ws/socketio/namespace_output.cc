// SPDX-License-Identifier: MIT
//
// What a namespace sends: to one socket, to many, and the answers that it waits for.

#include <algorithm>
#include <memory>
#include <utility>

#include "ws/socketio/client.h"
#include "ws/socketio/namespace.h"
#include "ws/socketio/server.h"

namespace hilo::socketio {
namespace {

// The answers to one broadcast.
struct Gathering {
  AckHandler handler;
  Json answers = Json::array();
  std::size_t missing = 0;
  std::error_code error = {};

  void tell() {
    if (!handler) return;
    AckHandler once = std::exchange(handler, nullptr);
    Json values = Json::array({std::move(answers)});
    once(error, values);
  }
};

}  // namespace

// --- to one --------------------------------------------------------------------------------------

bool Namespace::send(SocketState& socket, Emission emission, const Flags& flags) {
  if (socket.stage != SocketState::Stage::connected) return false;
  if (socket.extra_ != nullptr && !socket.extra_->on_any_outgoing.empty()) {
    const Json& values = emission.values;
    const std::string_view event = *values.front().get_ptr<const Json::string_t*>();
    auto& on_any = socket.extra_->on_any_outgoing;
    for (std::size_t i = 0; i < on_any.size(); ++i) on_any[i](event, values);
  }
  PacketHead head{.type = PacketType::event, .nsp = name_};
  if (emission.ack) {
    const std::uint64_t id = next_ack_++;
    if (!wait_for_ack(socket, id, std::move(emission.ack))) return false;
    head.id = id;
    if (flags.timeout) {
      server_->later(*flags.timeout, [this, handle = socket.handle, id] {
        give_up_ack(handle, id, AckErrc::timed_out);
      });
    }
  }
  return socket.client->send(EncodedPacket(head, std::move(emission.values)), flags);
}

void Namespace::answer(SlabHandle handle, std::uint64_t id, Json answers) {
  const SocketState* const socket = state(handle);
  if (socket == nullptr || socket->stage != SocketState::Stage::connected) return;
  const PacketHead head{.type = PacketType::ack, .nsp = name_, .id = id};
  socket->client->send(EncodedPacket(head, std::move(answers)), {});
}

// --- answers -------------------------------------------------------------------------------------

bool Namespace::wait_for_ack(SocketState& socket, std::uint64_t id, AckHandler handler) {
  PendingAcks& acks = socket.extra().acks;
  if (acks.size() < server_->options().acks_max) {
    acks.add({.id = id, .handler = std::move(handler)});
    return true;
  }
  // Nothing of the application's is called within its own call.
  server_->later({}, [this, handler = std::move(handler)]() mutable {
    Json none = Json::array();
    server_->guarded([&] { handler(AckErrc::too_many, none); });
  });
  return false;
}

void Namespace::give_up_ack(SlabHandle handle, std::uint64_t id, AckErrc error) {
  SocketState* const socket = state(handle);
  if (socket == nullptr || socket->extra_ == nullptr) return;
  PendingAck ack = socket->extra_->acks.take(id);
  if (!ack.handler) return;
  Json none = Json::array();
  server_->guarded([&] { ack.handler(error, none); });
}

void Namespace::drop_acks(SocketState& socket) {
  if (socket.extra_ == nullptr) return;
  for (PendingAck& ack : socket.extra_->acks.take_all()) {
    Json none = Json::array();
    server_->guarded([&] { ack.handler(AckErrc::disconnected, none); });
  }
}

// --- to many -------------------------------------------------------------------------------------

template <class Visit>
void Namespace::visit_room(std::string_view name, Visit&& visit) {
  if (const Room* const room = rooms_.find(name)) {
    for (SocketState* const member : room->members()) visit(*member);
  }
  const SocketKey of_id = find(name).key();
  if (SocketState* const socket = state(of_id.handle)) visit(*socket);
}

// Each once: who was seen in this broadcast bears its mark.
template <class Visit>
void Namespace::visit(const Targets& targets, Visit&& visit) {
  const std::uint32_t mark = ++mark_;
  for (const std::string_view room : targets.except) {
    visit_room(room, [mark](SocketState& socket) { socket.mark = mark; });
  }
  if (targets.sender) {
    if (SocketState* const sender = state(*targets.sender)) sender->mark = mark;
  }
  const auto once = [&](SocketState& socket) {
    if (std::exchange(socket.mark, mark) == mark) return;
    if (socket.stage == SocketState::Stage::connected) visit(socket);
  };
  if (targets.rooms.empty()) {
    return sockets_.for_each([&](SocketState& socket, SlabHandle) { once(socket); });
  }
  for (const std::string_view room : targets.rooms) visit_room(room, once);
}

std::vector<Socket> Namespace::matching(const Targets& targets) {
  std::vector<Socket> sockets;
  visit(targets, [&](SocketState& socket) { sockets.emplace_back(key(socket)); });
  return sockets;
}

std::size_t Namespace::broadcast(const Targets& targets, Emission emission) {
  PacketHead head{.type = PacketType::event, .nsp = name_};
  std::shared_ptr<Gathering> gathering;
  if (emission.ack) {
    head.id = next_ack_++;
    gathering = std::make_shared<Gathering>();
    gathering->handler = std::move(emission.ack);
  }
  const EncodedPacket packet(head, std::move(emission.values));
  std::size_t count = 0;
  visit(targets, [&](SocketState& socket) {
    if (!socket.client->send(packet, targets.flags)) return;
    ++count;
    if (gathering == nullptr) return;
    ++gathering->missing;
    wait_for_ack(socket, *head.id, [gathering](std::error_code error, Json& answers) {
      if (error) gathering->error = error;
      if (!error && !answers.empty()) gathering->answers.push_back(std::move(answers.front()));
      if (--gathering->missing == 0) gathering->tell();
    });
  });
  if (gathering == nullptr) return count;
  if (count == 0) {
    server_->later({}, [this, gathering] { server_->guarded([&] { gathering->tell(); }); });
  } else if (targets.flags.timeout) {
    server_->later(*targets.flags.timeout, [this, id = *head.id] {
      sockets_.for_each(
          [&](SocketState&, SlabHandle handle) { give_up_ack(handle, id, AckErrc::timed_out); });
    });
  }
  return count;
}

}  // namespace hilo::socketio

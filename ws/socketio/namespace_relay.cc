// SPDX-License-Identifier: MIT
//
// What a namespace sends to many: to its own sockets and, by an Adapter, to those of other servers;
// and the answers that come from all of them. What servers ask each other: namespace_servers.cc.

#include <memory>
#include <utility>

#include "ws/socketio/client.h"
#include "ws/socketio/server.h"
#include "ws/socketio/shared_packet.h"

namespace hilo::socketio {

// --- whom ----------------------------------------------------------------------------------------

template <class Visit>
void Namespace::visit_room(std::string_view name, Visit&& visit) {
  if (const Room* const room = rooms_.find(name)) {
    for (SocketState* const member : room->members()) visit(*member);
  }
  const SlabHandle of_id = find(name).key().handle;
  if (SocketState* const socket = state(of_id)) visit(*socket);
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

// --- events --------------------------------------------------------------------------------------

std::size_t Namespace::broadcast(const Targets& targets, Emission emission) {
  if (emission.is_reserved()) {
    return static_cast<std::size_t>(refuse_emission(emission, AckErrc::reserved));
  }
  if (server_->hears_outgoing_) {
    for (const Socket& each : matching(targets)) {
      if (SocketState* const socket = state(each.key().handle)) {
        tell_outgoing(*socket, *emission.values);
      }
    }
  }
  if (emission.ack) return ask(targets, std::move(emission));
  const bool is_kept = keeps(targets.flags);
  if (is_kept) emission.values->push_back(recovery_->next_offset());
  EncodedPacket packet =
      server_->encoded({.type = PacketType::event, .nsp = name_}, std::move(emission.values));
  const std::size_t count = write(targets, packet);
  if (is_kept) {
    const SocketState* const sender = targets.sender ? state(*targets.sender) : nullptr;
    recovery_->keep_event(targets, sender != nullptr ? sender->id_view() : std::string_view{},
                          std::move(packet));
  } else if (is_relayed(targets)) {
    relay(targets, std::move(packet));
  }
  return count;
}

std::size_t Namespace::write(const Targets& targets, const EncodedPacket& packet) {
  std::size_t count = 0;
  SharedPacket shared(packet, targets.flags.compress);
  visit(targets, [&](SocketState& socket) {
    if (socket.client->send(shared, targets.flags)) ++count;
  });
  return count;
}

// --- elsewhere -----------------------------------------------------------------------------------

bool Namespace::is_relayed(const Targets& targets) const noexcept {
  return !targets.local && server_->adapter_ != nullptr;
}

void Namespace::tell_others(const Targets& targets, ServerMessage message) {
  if (!is_relayed(targets)) return;
  message.nsp = name_;
  message.targets = targets;
  message.targets.local = true;
  message.targets.sender.reset();
  server_->metrics_.relays_lost +=
      server_->adapter_->tell(std::make_shared<const ServerMessage>(std::move(message)));
}

void Namespace::relay(const Targets& targets, EncodedPacket packet) {
  const auto shared = std::make_shared<const EncodedPacket>(std::move(packet));
  // Both are written now: from here on nothing of it changes.
  static_cast<void>(shared->text(engineio::Revision::v4));
  if (server_->options().engine.revision3) static_cast<void>(shared->text(engineio::Revision::v3));
  tell_others(targets, {.type = ServerMessage::Type::emit, .packet = shared});
}

void Broadcast::sockets_join(std::string_view room) const {
  Namespace* const nsp = nsp_.get();
  if (nsp == nullptr) return;
  for (const Socket& socket : nsp->matching(targets_)) socket.join(room);
  nsp->tell_others(targets_, {.type = ServerMessage::Type::join, .room = std::string(room)});
}

void Broadcast::sockets_leave(std::string_view room) const {
  Namespace* const nsp = nsp_.get();
  if (nsp == nullptr) return;
  for (const Socket& socket : nsp->matching(targets_)) socket.leave(room);
  nsp->tell_others(targets_, {.type = ServerMessage::Type::leave, .room = std::string(room)});
}

void Broadcast::disconnect_sockets(bool close) const {
  Namespace* const nsp = nsp_.get();
  if (nsp == nullptr) return;
  for (const Socket& socket : nsp->matching(targets_)) socket.disconnect(close);
  nsp->tell_others(targets_, {.type = ServerMessage::Type::disconnect, .close = close});
}

// --- answers -------------------------------------------------------------------------------------

// Each server numbers its questions itself, asks its own sockets and answers for all of them.
std::size_t Namespace::ask(const Targets& asked, Emission emission) {
  Targets targets = asked;
  const bool has_others = is_relayed(targets) && server_->adapter_->others() != 0;
  // Sockets answer or go, but a server elsewhere may do neither.
  if (has_others && !targets.flags.timeout) {
    targets.flags.timeout = server_->options().servers_timeout;
  }
  const std::uint64_t id = next_ack_++;
  const auto gathering = std::make_shared<Gathering>();
  gathering->handler = std::move(emission.ack);
  if (has_others) {
    ask_others(targets, {.type = ServerMessage::Type::ask, .values = *emission.values}, gathering);
  }
  const PacketHead head{.type = PacketType::event, .nsp = name_, .id = id};
  const EncodedPacket packet = server_->encoded(head, std::move(emission.values));
  std::size_t count = 0;
  SharedPacket shared(packet, targets.flags.compress);
  visit(targets, [&](SocketState& socket) {
    if (!socket.client->send(shared, targets.flags)) return;
    ++count;
    ++gathering->missing;
    wait_for_ack(socket, id, [server = server_, gathering](std::error_code error, Json& answers) {
      if (error) gathering->error = error;
      // Each has its place, also who answers with nothing.
      if (!error) {
        gathering->answers->push_back(answers.empty() ? Json() : std::move(answers.front()));
      }
      if (--gathering->missing != 0) return;
      server->loop().cancel(gathering->timer);
      gathering->tell();
    });
  });
  if (gathering->missing == 0) {
    tell_later(gathering);
  } else if (targets.flags.timeout) {
    limit_answers(*targets.flags.timeout, gathering, id);
  }
  return count;
}

void Namespace::limit_answers(net::Duration patience, const std::shared_ptr<Gathering>& gathering,
                              std::uint64_t id) {
  gathering->timer = server_->later(patience, [nsp = anchor_.weak(), gathering, id] {
    if (nsp.get() == nullptr) return;
    nsp.get()->sockets_.for_each([&](SocketState&, SlabHandle handle) {
      nsp.get()->give_up_ack(handle, id, AckErrc::timed_out);
    });
    // Other servers gave theirs as long, and what they have is on its way.
    if (gathering->missing != 0) nsp.get()->limit_waiting(gathering);
  });
}

}  // namespace hilo::socketio

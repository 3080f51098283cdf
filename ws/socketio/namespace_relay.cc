// SPDX-License-Identifier: MIT
//
// What a namespace sends to many: here and, where servers of several loops have met, to its like in
// the other loops (neighbour.h); and the answers that come from all of them.

#include <memory>
#include <utility>

#include "ws/socketio/client.h"
#include "ws/socketio/namespace.h"
#include "ws/socketio/server.h"

namespace hilo::socketio {
namespace {

// What a task counts for beside its bytes.
constexpr std::size_t relay_overhead_bytes = 512;

// The same sockets, as they are told elsewhere: the sender is none of those.
Targets seen_from_elsewhere(const Targets& targets) {
  Targets there = targets;
  there.local = true;
  there.sender.reset();
  return there;
}

}  // namespace

// The answers to one broadcast. Lives in the loop that asked.
struct Namespace::Gathering {
  AckHandler handler;
  Json answers = Json::array();
  std::size_t missing = 0;            // of this loop's sockets, and of other loops
  std::size_t missing_elsewhere = 0;  // of other loops
  std::error_code error = {};

  void tell() {
    if (!handler) return;
    AckHandler once = std::exchange(handler, nullptr);
    Json values = Json::array({std::move(answers)});
    once(error, values);
  }
};

// The duty of another loop to answer for its sockets: whoever lets go of it has answered, too.
class Namespace::Answerer {
 public:
  Answerer(std::shared_ptr<Neighbour> asker, std::string_view nsp, std::uint64_t question)
      : asker_(std::move(asker)), nsp_(nsp), question_(question) {}
  Answerer(Answerer&& other) noexcept = default;
  Answerer& operator=(Answerer&&) = delete;
  ~Answerer() { send(AckErrc::disconnected, Json::array()); }

  void send(std::error_code error, Json answers) {
    if (asker_ == nullptr) return;
    const std::shared_ptr<Neighbour> to = std::move(asker_);
    static_cast<void>(Neighbour::answer(to, [nsp = std::move(nsp_), question = question_, error,
                                             answers = std::move(answers)](Server& server) mutable {
      const auto found = server.namespaces_.find(nsp);
      found->second->take_answers(question, error, std::move(answers));
    }));
  }

 private:
  std::shared_ptr<Neighbour> asker_;
  std::string nsp_;
  std::uint64_t question_;
};

// --- whom ----------------------------------------------------------------------------------------

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

// --- events --------------------------------------------------------------------------------------

std::size_t Namespace::broadcast(const Targets& targets, Emission emission) {
  if (emission.ack) return ask(targets, std::move(emission));
  const bool is_kept = keeps(targets.flags);
  if (is_kept) emission.values.push_back(recovery_->next_offset());
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
  visit(targets, [&](SocketState& socket) {
    if (socket.client->send(packet, targets.flags)) ++count;
  });
  return count;
}

bool Namespace::is_relayed(const Targets& targets) const noexcept {
  return !targets.local && !server_->neighbours_.empty();
}

template <class Do>
void Namespace::relay(const Targets& targets, std::size_t bytes, const Do& action) {
  const auto there = std::make_shared<const Targets>(seen_from_elsewhere(targets));
  for (const std::shared_ptr<Neighbour>& each : server_->neighbours_) {
    const bool is_sent = Neighbour::post(each, bytes + relay_overhead_bytes,
                                         [action, there, nsp = name_](Server& server) {
                                           const auto found = server.namespaces_.find(nsp);
                                           if (found == server.namespaces_.end()) return;
                                           server.guarded([&] { action(*found->second, *there); });
                                         });
    if (!is_sent) ++server_->metrics_.relays_lost;
  }
}

void Namespace::relay(const Targets& targets, EncodedPacket packet) {
  const auto shared = std::make_shared<const EncodedPacket>(std::move(packet));
  // Both are written now: from here on nothing of it changes.
  std::size_t bytes = shared->text(engineio::Revision::v4).size();
  if (server_->options().engine.revision3) bytes += shared->text(engineio::Revision::v3).size();
  for (const Json::binary_t& each : shared->attachments()) bytes += each.size();
  relay(targets, bytes, [shared](Namespace& nsp, const Targets& there) {
    static_cast<void>(nsp.write(there, *shared));
  });
}

// --- rooms and ends ------------------------------------------------------------------------------

void Broadcast::sockets_join(std::string_view room) const {
  for (const Socket& socket : nsp_->matching(targets_)) socket.join(room);
  if (!nsp_->is_relayed(targets_)) return;
  nsp_->relay(targets_, room.size(),
              [name = std::string(room)](Namespace& nsp, const Targets& there) {
                Broadcast(nsp, there).sockets_join(name);
              });
}

void Broadcast::sockets_leave(std::string_view room) const {
  for (const Socket& socket : nsp_->matching(targets_)) socket.leave(room);
  if (!nsp_->is_relayed(targets_)) return;
  nsp_->relay(targets_, room.size(),
              [name = std::string(room)](Namespace& nsp, const Targets& there) {
                Broadcast(nsp, there).sockets_leave(name);
              });
}

void Broadcast::disconnect_sockets(bool close) const {
  for (const Socket& socket : nsp_->matching(targets_)) socket.disconnect(close);
  if (!nsp_->is_relayed(targets_)) return;
  nsp_->relay(targets_, 0, [close](Namespace& nsp, const Targets& there) {
    Broadcast(nsp, there).disconnect_sockets(close);
  });
}

// --- answers -------------------------------------------------------------------------------------

// Each loop numbers its questions itself, asks its own sockets and answers for all of them.
std::size_t Namespace::ask(const Targets& targets, Emission emission) {
  const std::uint64_t question = next_ack_++;
  const auto gathering = std::make_shared<Gathering>();
  gathering->handler = std::move(emission.ack);
  if (is_relayed(targets)) relay_question(targets, question, emission.values, gathering);
  const PacketHead head{.type = PacketType::event, .nsp = name_, .id = question};
  const EncodedPacket packet = server_->encoded(head, std::move(emission.values));
  std::size_t count = 0;
  visit(targets, [&](SocketState& socket) {
    if (!socket.client->send(packet, targets.flags)) return;
    ++count;
    ++gathering->missing;
    wait_for_ack(socket, question, [gathering](std::error_code error, Json& answers) {
      if (error) gathering->error = error;
      if (!error && !answers.empty()) gathering->answers.push_back(std::move(answers.front()));
      if (--gathering->missing == 0) gathering->tell();
    });
  });
  if (gathering->missing == 0) {
    server_->later({}, [this, gathering] { server_->guarded([&] { gathering->tell(); }); });
  } else if (count != 0 && targets.flags.timeout) {
    server_->later(*targets.flags.timeout, [this, question] {
      sockets_.for_each([&](SocketState&, SlabHandle handle) {
        give_up_ack(handle, question, AckErrc::timed_out);
      });
    });
  }
  return count;
}

void Namespace::relay_question(const Targets& targets, std::uint64_t question, const Json& values,
                               const std::shared_ptr<Gathering>& gathering) {
  const auto there = std::make_shared<const Targets>(seen_from_elsewhere(targets));
  const auto shared = std::make_shared<const Json>(values);
  asked_.emplace(question, gathering);
  gathering->missing_elsewhere = server_->neighbours_.size();
  gathering->missing = gathering->missing_elsewhere;
  for (const std::shared_ptr<Neighbour>& each : server_->neighbours_) {
    auto task = [shared, there, nsp = name_,
                 answerer =
                     Answerer(server_->neighbour_, name_, question)](Server& server) mutable {
      const auto found = server.namespaces_.find(nsp);
      if (found == server.namespaces_.end()) return answerer.send({}, Json::array());
      AckHandler answer = [answerer = std::move(answerer)](std::error_code error,
                                                           Json& answers) mutable {
        answerer.send(error, std::move(answers.front()));
      };
      server.guarded([&] {
        static_cast<void>(found->second->ask(*there, {*shared, std::move(answer)}));
      });
    };
    if (!Neighbour::post(each, relay_overhead_bytes, std::move(task))) {
      ++server_->metrics_.relays_lost;
    }
  }
}

void Namespace::take_answers(std::uint64_t question, std::error_code error, Json answers) {
  const auto found = asked_.find(question);
  if (found == asked_.end()) return;
  const std::shared_ptr<Gathering> gathering = found->second;
  if (--gathering->missing_elsewhere == 0) asked_.erase(found);
  if (error) gathering->error = error;
  if (answers.is_array()) {
    for (Json& each : answers) gathering->answers.push_back(std::move(each));
  }
  if (--gathering->missing == 0) server_->guarded([&] { gathering->tell(); });
}

}  // namespace hilo::socketio

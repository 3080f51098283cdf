// SPDX-License-Identifier: MIT
//
// Sessions: how they begin, what happens to their packets whatever carries them, and how they end.

#include "ws/engineio/server.h"

#include <algorithm>
#include <string>

#include "ws/log.h"

namespace hilo::engineio {
namespace {

// Of sessions, in the words of connections.
ws::Limits session_limits(const Options& options) noexcept {
  ws::Limits limits;
  limits.connections_max = options.polling_sessions_max;
  limits.connections_per_ip_max = options.polling_sessions_per_ip_max;
  limits.handshakes_per_second_max = 0;
  return limits;
}

CloseReason reason_for(Errc error) noexcept {
  switch (error) {
    case Errc::packet_empty:
    case Errc::packet_type:
    case Errc::packet_base64:
    case Errc::packet_binary:
    case Errc::payload_utf8:
    case Errc::payload_length:
    case Errc::payload_frame:
    case Errc::payload_form:
    case Errc::payload_packets: return CloseReason::parse_error;
    case Errc::heartbeat_timeout: return CloseReason::ping_timeout;
    case Errc::none:
    case Errc::transport_unknown:
    case Errc::transport_handshake:
    case Errc::transport_mismatch:
    case Errc::sid_unknown:
    case Errc::sid_flood:
    case Errc::method_handshake:
    case Errc::method_not_allowed:
    case Errc::query_repeated:
    case Errc::version_unsupported:
    case Errc::version_mismatch:
    case Errc::refused:
    case Errc::origin:
    case Errc::server_full:
    case Errc::poll_overlap:
    case Errc::post_overlap:
    case Errc::content_type:
    case Errc::packet_too_big:
    case Errc::packet_unexpected:
    case Errc::server_revision:
    case Errc::heartbeat_direction:
    case Errc::queue_full:
    case Errc::memory_pressure:
    case Errc::upgrade_probe:
    case Errc::upgrade_overlap:
    case Errc::upgrade_timeout:
    case Errc::upgrade_disabled: return CloseReason::transport_error;
  }
  return CloseReason::transport_error;
}

// With and without a slash at its end.
std::vector<std::string> patterns_of(std::string_view path) {
  std::vector<std::string> patterns{std::string(path)};
  if (path != "/") patterns.push_back(patterns.front() + '/');
  return patterns;
}

}  // namespace

// By which the ws::Server finds what the sessions hold. Those over WebSockets hold it there.
class Server::Holder final : public ws::MemoryHolder {
 public:
  explicit Holder(SharedGate gate) noexcept : gate_(std::move(gate)) {}
  void count_memory(ws::Largest& largest) override {
    if (gate_->server != nullptr) gate_->server->count_memory(largest);
  }
  void give_up_memory(ws::Largest& largest) override {
    if (gate_->server != nullptr) gate_->server->give_up_memory(largest);
  }

 private:
  SharedGate gate_;
};

Server::Server(ws::Server& http, std::string_view path, Options options)
    : http_(&http),
      options_(std::move(options)),
      gate_(std::make_shared<Gate>(Gate{this})),
      holder_(std::make_shared<Holder>(gate_)),
      admission_(std::make_unique<ws::Admission>(session_limits(options_), options_.admission)),
      misses_(options_.sid_misses_max, options_.sid_misses_window) {
  const std::span<const std::string_view> origins = options_.cors.origin.list;
  origins_.assign(origins.begin(), origins.end());
  origin_views_.assign(origins_.begin(), origins_.end());
  options_.cors.origin.list = origin_views_;
  options_.payload_bytes_max =
      std::min(options_.payload_bytes_max, http.limits().message_bytes_max);
  if (const auto token = loop().watch(-1, net::Interest::none, *this)) token_ = *token;
  http.add_memory_holder(holder_);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  path_ = path;
  for (const auto& pattern : patterns_of(path_)) {
    mount_polling(pattern);
    mount_websocket(pattern);
  }
}

void Server::gather_from(ws::Server& other) {
  if (&other == http_) return;
  for (const auto& pattern : patterns_of(path_)) {
    other.transfer(pattern, http_->destination());
  }
}

Server::~Server() {
  gate_->server = nullptr;
  refuse_asked();
  loop().unwatch(token_);
  while (dirty_.pop_front() != nullptr) {
  }
  while (ended_.pop_front() != nullptr) {
  }
  sockets_.for_each([this](Socket& socket, SlabHandle) {
    loop().timers().cancel(socket);
    give_up_websockets(socket, ws::CloseCode::going_away);
    if (!socket.session_.poll_waits()) return;
    if (auto* exchange = http_->exchange(socket.polling_->poll))
      refuse(*exchange, Errc::server_full, socket.polling_->origin);
  });
}

void Server::meet(std::span<Server* const> servers) {
  std::vector<ws::Destination> owners;
  for (const Server* const each : servers) {
    const std::size_t index = each->http_->loop_index();
    if (owners.size() <= index) owners.resize(index + 1);
    owners[index] = each->http_->destination();
  }
  for (Server* const each : servers) {
    each->owners_ = owners;
    for (const auto& pattern : patterns_of(each->path_)) {
      each->http_->transfer_by(pattern, [gate = each->gate_](const ws::Request& request) {
        return gate->server != nullptr ? gate->server->owner_of(request) : nullptr;
      });
    }
  }
}

// Whose session the request is for; null: nobody's, which is to be answered here.
ws::Destination Server::owner_of(const ws::Request& request) const {
  const std::optional<SidPlace> place = Sid::place(read_query(request.query(), options_).sid);
  if (!place || place->loop_index >= owners_.size()) return nullptr;
  return owners_[place->loop_index];
}

void Server::on_ready(net::Ready ready) {
  static_cast<void>(ready);
}

// --- who is there --------------------------------------------------------------------------------

Socket* Server::find_slot(SocketId id) noexcept {
  if (id.loop_index() != http_->loop_index()) return nullptr;
  return sockets_.find(id.handle());
}

Socket* Server::find(SocketId id) noexcept {
  Socket* const socket = find_slot(id);
  return socket != nullptr && socket->is_open() ? socket : nullptr;
}

// The session that requests with this sid are for. Its deadlines go first, or a request could
// overtake one that has passed.
Socket* Server::find_sid(std::string_view sid) noexcept {
  const std::optional<SidPlace> place = Sid::place(sid);
  if (!place || place->slot >= slots_.size()) return nullptr;
  Socket* const socket = sockets_.find(slots_[place->slot]);
  if (socket == nullptr || !socket->session_.sid().equals(sid)) return nullptr;
  expire(*socket, loop().now());
  return socket->session_.state() == Session::State::closed ? nullptr : socket;
}

// What somebody is told who asks for a session that is not there.
Errc Server::unknown_sid(const net::PeerAddress& peer) noexcept {
  if (admission_->is_exempt(peer) || misses_.count(peer, loop().now())) return Errc::sid_unknown;
  return Errc::sid_flood;
}

// --- the beginning -------------------------------------------------------------------------------

Server& Server::allow_later(Callback<void(const ws::Request&, Permission)> callback) {
  allow_later_ = std::move(callback);
  for (const auto& pattern : patterns_of(path_)) {
    http_->at(pattern).on_upgrade(nullptr).on_upgrade_later(
        [gate = gate_](ws::PendingUpgrade& upgrade) {
          if (gate->server != nullptr) gate->server->ask_for_websocket(upgrade);
        });
  }
  return *this;
}

Errc Server::may_open(const Query& query, const Arrival& arrival, const ws::Request& request) {
  if (const Errc error = check_opening(query, arrival); error != Errc::none) return error;
  if (closing_) return Errc::server_full;
  if (!allow_) return Errc::none;
  bool is_allowed = false;
  const bool done = ws::guarded([&] { is_allowed = allow_(request); });
  return done && is_allowed ? Errc::none : Errc::refused;
}

Server::Made Server::make(const Query& query, ws::KeptRequest request,
                          const net::PeerAddress& peer) {
  const bool polls = query.transport == Transport::polling;
  if (polls && admission_->admit(peer, loop().now()) != ws::Errc::none) return {Errc::server_full};
  const Session::Start start{.revision = query.revision.value_or(Revision::v4),
                             .transport = query.transport.value_or(Transport::polling),
                             .base64 = query.base64 || query.is_jsonp(),
                             .framing3 = options_.framing3};
  SidRandom random;
  Slab<Socket>::Entry entry{};
  if (entropy_.fill(random)) {
    entry = sockets_.emplace(*this, start, random, peer, std::move(request));
  }
  if (entry.object != nullptr && entry.handle.index >= sid_slots_max) {
    sockets_.erase(entry.handle);
    entry = {};
  }
  if (entry.object == nullptr) {
    if (polls) admission_->release(peer);
    return {Errc::server_full};
  }
  Socket& socket = *entry.object;
  const bool is_made = ws::guarded([&] {
    if (slots_.size() <= entry.handle.index) slots_.resize(entry.handle.index + 1);
    if (polls) socket.polling_ = std::make_unique<Socket::Polling>(loop().pool());
  });
  if (!is_made) {
    sockets_.erase(entry.handle);
    if (polls) admission_->release(peer);
    return {Errc::server_full};
  }
  slots_[entry.handle.index] = entry.handle;
  socket.counted_ = polls;
  socket.arm();
  ++metrics_.opened;
  return {Errc::none, &socket};
}

// Its open packet is on its way.
void Server::opened(Socket& socket) {
  socket.opened_ = true;
  call(socket, layer_.on_open);
  call(socket, on_open_);
}

std::vector<ws::Field> Server::own_fields(const ws::Request& request) {
  std::vector<ws::Field> fields;
  if (on_initial_headers_) {
    static_cast<void>(ws::guarded([&] { on_initial_headers_(request, fields); }));
  }
  return fields;
}

// --- packets -------------------------------------------------------------------------------------

// One packet that came by the session's transport. The error, if it broke a rule: then the owner of
// the request or the WebSocket answers, and calls fail().
Errc Server::receive(Socket& socket, const Packet& packet) {
  const Reaction reaction = socket.session_.receive(packet, loop().now());
  switch (reaction.kind) {
    case Reaction::Kind::message:
      ++metrics_.messages_received;
      call(socket, layer_.on_message, Message{.binary = packet.binary, .payload = packet.data});
      if (socket.is_open()) {
        call(socket, on_message_, Message{.binary = packet.binary, .payload = packet.data});
      }
      break;
    case Reaction::Kind::ended: end(socket, CloseReason::transport_close, PacketType::noop); break;
    case Reaction::Kind::nothing:
      // A heartbeat: it may have an answer, and it moves the next deadline.
      if (!socket.session_.queue().empty()) mark_dirty(socket);
      socket.arm();
      break;
    case Reaction::Kind::failed: return reaction.error;
    case Reaction::Kind::answer:
    case Reaction::Kind::wait:
    case Reaction::Kind::upgraded: break;
  }
  return Errc::none;
}

void Server::handler_threw(Socket& socket) {
  http_->log().line(ws::LogLevel::error, "eio_handler_threw", {});
  end(socket, CloseReason::forced_close, PacketType::close);
}

void Server::mark_dirty(Socket& socket) noexcept {
  if (socket.ListNode<detail::Dirty>::linked()) return;
  dirty_.push_back(socket);
  loop().schedule(token_, net::Phase::flush);
}

void Server::on_flush() {
  IntrusiveList<Socket, detail::Dirty> now;
  now.take(dirty_);
  while (Socket* socket = now.pop_front()) flush(*socket);
}

void Server::flush_later(Socket& socket) {
  if (socket.spaced_) return;
  const net::Loop::TimerId timer =
      loop().call_after(options_.message_spacing, [gate = gate_, id = socket.id()] {
        Socket* const found = gate->server != nullptr ? gate->server->find_slot(id) : nullptr;
        if (found == nullptr) return;
        found->spaced_ = false;
        gate->server->flush(*found);
      });
  if (timer == net::Loop::TimerId{}) return mark_dirty(socket);
  socket.spaced_ = true;
}

void Server::flush(Socket& socket) {
  if (socket.spaced_) return;
  if (socket.connection_ != nullptr) {
    socket.write_queue();
  } else if (socket.session_.poll_is_due()) {
    answer_poll(socket);
  }
}

// What had to wait is on its way.
void Server::tell_drained(Socket& socket) {
  if (!socket.waited_ || !socket.session_.queue().empty()) return;
  socket.waited_ = false;
  if (socket.is_open()) call(socket, on_drained_);
}

// --- time ----------------------------------------------------------------------------------------

void Server::expire(Socket& socket, net::Time now) {
  for (;;) {
    switch (socket.session_.expire(now)) {
      case Session::Expired::nothing: return socket.arm();
      case Session::Expired::output: mark_dirty(socket); break;
      case Session::Expired::probe: end_probe(socket, Errc::upgrade_timeout); break;
      case Session::Expired::silence:
        reject(Errc::heartbeat_timeout, socket.peer(), socket.id().value,
               {.is_websocket = socket.connection_ != nullptr});
        return fail(socket, Errc::heartbeat_timeout);
      case Session::Expired::closing: return leave(socket);
    }
  }
}

// --- memory --------------------------------------------------------------------------------------

void Server::count_memory(ws::Largest& largest) {
  sockets_.for_each(
      [&](Socket& socket, SlabHandle) { largest.count(socket.held_bytes(), socket.held_bytes()); });
}

void Server::give_up_memory(ws::Largest& largest) {
  sockets_.for_each([&](Socket& socket, SlabHandle) {
    if (!largest.takes(socket.held_bytes(), socket.held_bytes())) return;
    reject(Errc::memory_pressure, socket.peer(), socket.id().value,
           {.is_websocket = socket.connection_ != nullptr});
    fail(socket, Errc::memory_pressure);
  });
}

// --- the end -------------------------------------------------------------------------------------

void Server::fail(Socket& socket, Errc error) {
  end(socket, reason_for(error), PacketType::close);
}

// Here and now. Calls nothing of the application's: on_close comes in the reap phase.
void Server::end(Socket& socket, CloseReason reason, PacketType last_word) {
  if (socket.session_.state() == Session::State::closed) return;
  metrics_.packets_lost += socket.session_.queue().count();
  socket.session_.end(last_word);
  if (socket.polling_ != nullptr) socket.polling_->body.release();
  settle(socket, reason);
  if (socket.session_.poll_waits()) answer_poll(socket);
  leave(socket);
}

// Why it ended: the first reason counts.
void Server::settle(Socket& socket, CloseReason reason) noexcept {
  if (socket.ended_) return;
  socket.ended_ = true;
  socket.reason_ = reason;
}

// The session is closed, or closing and to be told: its transports are given up with the former.
void Server::leave(Socket& socket) noexcept {
  if (socket.session_.state() == Session::State::closed) {
    loop().timers().cancel(socket);
    // As the reference does it: a Close without a code.
    give_up_websockets(socket, ws::CloseCode::none);
  }
  if (socket.ListNode<detail::Ended>::linked()) return;
  ended_.push_back(socket);
  loop().schedule(token_, net::Phase::reap);
}

void Server::give_up_websockets(Socket& socket, ws::CloseCode code) noexcept {
  if (ws::Connection* const connection = std::exchange(socket.connection_, nullptr)) {
    static_cast<void>(connection->close(code));
  }
  if (socket.polling_ == nullptr || socket.polling_->probe == nullptr) return;
  ws::Connection* const probe = std::exchange(socket.polling_->probe, nullptr);
  static_cast<void>(probe->close(code));
  probe->resume();
}

void Server::on_reap() {
  IntrusiveList<Socket, detail::Ended> now;
  now.take(ended_);
  while (Socket* socket = now.pop_front()) {
    if (!socket->told_) {
      socket->told_ = true;
      ++metrics_.closed;
      for (auto* each : {&layer_.on_close, &on_close_}) {
        if (!socket->opened_ || !*each) continue;
        static_cast<void>(ws::guarded([&] { (*each)(*socket, socket->reason_); }));
      }
      socket->layer_.reset();
      socket->attachment_.reset();
    }
    if (socket->session_.state() == Session::State::closed) erase(*socket);
  }
}

void Server::erase(Socket& socket) noexcept {
  loop().timers().cancel(socket);
  if (socket.counted_) admission_->release(socket.peer());
  slots_[socket.id().handle().index] = {};
  sockets_.erase(socket.id().handle());
  check_told();
}

void Server::close_all(CloseReason reason) {
  closing_ = true;
  for_each([reason](Socket& socket) { socket.close(reason); });
}

void Server::drain(bool handed_over) {
  if (!handed_over) closing_ = true;
  for_each([](Socket& socket) {
    if (socket.connection_ == nullptr) socket.close(CloseReason::server_shutdown);
  });
}

void Server::when_told(net::Duration at_most, Callback<void()> callback) {
  on_told_ = std::move(callback);
  told_timer_ = loop().call_after(at_most, [gate = gate_] { tell_told(*gate); });
  check_told();
}

void Server::check_told() {
  if (!on_told_ || poll_count() != 0) return;
  // Without memory it is told when its patience ends.
  if (ws::guarded([this] { loop().post([gate = gate_] { tell_told(*gate); }); })) {
    loop().cancel(told_timer_);
  }
}

// It may destroy the server.
void Server::tell_told(Gate& gate) {
  if (gate.server != nullptr && gate.server->on_told_) {
    std::exchange(gate.server->on_told_, nullptr)();
  }
}

void Server::reject(Errc error, const net::PeerAddress& peer, std::uint64_t number, Told told) {
  ++metrics_.rejects[static_cast<std::size_t>(error)];
  std::uint16_t code = rule(error).status;
  if (told.is_websocket) {
    const bool is_big = error == Errc::packet_too_big;
    code = static_cast<std::uint16_t>(is_big ? ws::CloseCode::message_too_big
                                             : ws::CloseCode::no_status);
  }
  http_->log().reject("eio", rule(error).label,
                      {.peer = peer, .connection = number, .bytes_in = told.bytes_in, .code = code},
                      loop().now());
}

}  // namespace hilo::engineio

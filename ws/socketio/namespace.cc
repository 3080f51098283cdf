// SPDX-License-Identifier: MIT
//
// Sockets of a namespace: how they come in, what they say, and how they go.

#include "ws/socketio/namespace.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/base/guard.h"
#include "net/clock.h"
#include "ws/socketio/client.h"
#include "ws/socketio/server.h"
#include "ws/socketio/socket_id.h"

namespace hilo::socketio {

namespace {

// Ends that nobody wished for.
bool may_come_back(std::string_view reason) noexcept {
  constexpr std::array<std::string_view, 6> reasons = {
      "transport error", "transport close",      "forced close",
      "ping timeout",    "server shutting down", "forced server close"};
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

// What the reference takes for data in place of a message, but for a number: behind the name of a
// namespace that would be read as that of an answer.
bool stands_alone(const Json& data) {
  if (const auto* const text = data.get_ptr<const Json::string_t*>()) return !text->empty();
  return data.is_structured() || data == true;
}

// Of what a client sends along; empty if it is not there.
std::string_view text_at(const OwnedJson* auth, const char* key) {
  if (auth == nullptr || !(*auth)->is_object()) return {};
  const auto found = (*auth)->find(key);
  const auto* const text =
      found != (*auth)->end() ? found->get_ptr<const Json::string_t*>() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view{};
}

}  // namespace

Namespace::Namespace(Server& server, std::string_view name)
    : server_(&server), name_(name), anchor_(*this) {
  const RecoveryOptions& options = server.options().recovery;
  if (options.enabled) recovery_ = std::make_unique<Recovery>(server.loop(), options);
}

Namespace::~Namespace() {
  raise_anchors();
}

// What is destroyed along with it may hold an Ack or a Next, and those may call.
void Namespace::raise_anchors() noexcept {
  anchor_.raise();
  end_answers();
}

const Recovery* Namespace::recovery() const noexcept {
  return server_->adapter_ == nullptr ? recovery_.get() : nullptr;
}

template <class Call>
void Namespace::call(SocketState& socket, Call&& call) {
  if (!server_->guarded(std::forward<Call>(call))) handler_threw(socket);
}

void Namespace::handler_threw(SocketState& socket) {
  server_->reject(Errc::handler_threw, socket.client->engine());
  socket.client->close("forced server close");
}

Socket Namespace::find(std::string_view id) noexcept {
  const std::uint32_t slot = slot_of(id).value_or(UINT32_MAX);
  const SocketState* const found = slot < slots_.size() ? state(slots_[slot]) : nullptr;
  if (found != nullptr && found->id_view() == id) return Socket(key(*found));
  const auto other = by_id_.find(id);
  return Socket(key(other != by_id_.end() ? other->second : SlabHandle{}));
}

// --- the way in ----------------------------------------------------------------------------------

SocketState* Namespace::make(Client& client, std::unique_ptr<OwnedJson> auth) {
  SocketIdRandom random;
  if (!server_->entropy_.fill(random)) return nullptr;
  const auto entry = sockets_.emplace();
  if (entry.object == nullptr) return nullptr;
  SocketState& socket = *entry.object;
  socket.handle = entry.handle;
  socket.client = &client;
  socket.auth = std::move(auth);
  socket.since = net::clock_wall_milliseconds();
  socket.id = make_socket_id(random, entry.handle.index);
  if (server_->guarded([&] { index(socket); })) return &socket;
  sockets_.erase(entry.handle);
  return nullptr;
}

// So that find() does. Clients of protocol 4 are not told their ids: they make them of that of
// their session.
void Namespace::index(SocketState& socket) {
  const std::uint32_t slot = socket.handle.index;
  if (slots_.size() <= slot) slots_.resize(slot + 1);
  slots_[slot] = socket.handle;
  if (socket.client->revision() != engineio::Revision::v3) return;
  std::string id = name_ == "/" ? std::string() : name_ + '#';
  id += socket.client->engine()->sid();
  socket.session_id = std::make_unique<std::string>(std::move(id));
  index_by_id(socket);
}

// Who has come again in the same session has the id of one that is about to go. The key is in the
// socket itself.
void Namespace::index_by_id(SocketState& socket) {
  by_id_.erase(socket.id_view());
  by_id_.emplace(socket.id_view(), socket.handle);
}

void Namespace::come_in(SocketState& socket) {
  const Recovery* const recovery = this->recovery();
  const bool is_known =
      recovery != nullptr && recovery->options().skip_middlewares &&
      recovery->can_take(text_at(socket.auth.get(), "pid"), text_at(socket.auth.get(), "offset"));
  go_on(socket, is_known ? middleware_.size() : 0);
}

void Namespace::go_on(SocketState& socket, std::size_t middleware) {
  if (middleware == middleware_.size()) return connect(socket);
  call(socket,
       [&] { middleware_[middleware](Socket(key(socket)), Next(key(socket), middleware + 1)); });
}

void Next::operator()(std::string_view refusal, const Json& data) {
  const SocketKey key = std::exchange(socket_, {});
  Namespace* const nsp = key.nsp.get();
  SocketState* const socket = nsp != nullptr ? nsp->state(key.handle) : nullptr;
  if (socket == nullptr || socket->stage != SocketState::Stage::connecting) return;
  if (!refusal.empty()) return nsp->refuse(*socket, refusal, data);
  nsp->go_on(*socket, index_);
}

void Namespace::refuse(SocketState& socket, std::string_view message, const Json& data) {
  OwnedJson error;
  if (socket.client->revision() == engineio::Revision::v3) {
    // Protocol 4 has one value for both.
    error = stands_alone(data) ? OwnedJson(data) : OwnedJson(Json(message));
  } else {
    error = object_of("message", message);
    if (!data.is_null()) (*error)["data"] = std::move(*OwnedJson(data));
  }
  const PacketHead head{.type = PacketType::connect_error, .nsp = name_};
  socket.client->send(server_->encoded(head, std::move(error)), {});
  // Not here and now: it may be a middleware that has refused it.
  socket.stage = SocketState::Stage::ended;
  server_->tell_later(socket, *this);
}

void Namespace::connect(SocketState& socket) {
  // Its end is on its way.
  if (socket.client->engine() == nullptr) return;
  socket.stage = SocketState::Stage::connected;
  socket.told = true;
  socket.client->came_in();
  ++connected_;
  ++server_->metrics_.connected;
  OwnedJson data;
  if (socket.client->revision() == engineio::Revision::v4) {
    if (recovery() != nullptr) recover(socket);
    data = object_of("sid", socket.id_view());
    if (socket.pid) (*data)["pid"] = std::string_view(socket.pid->data(), socket.pid->size());
  }
  socket.client->send(
      server_->encoded({.type = PacketType::connect, .nsp = name_}, std::move(data)), {});
  // By number: one of them may add another.
  for (std::size_t i = 0; i < on_connection_.size(); ++i) {
    if (socket.stage != SocketState::Stage::connected) return;
    call(socket, [&] { on_connection_[i](Socket(key(socket))); });
  }
}

// What was missed goes out before the answer to CONNECT, in which the client sees that it is the
// same session. Where there is none to go on with, this one may be lost, too.
void Namespace::recover(SocketState& socket) {
  const std::string_view pid = text_at(socket.auth.get(), "pid");
  const std::string_view offset = text_at(socket.auth.get(), "offset");
  std::optional<Recovery::Session> session = recovery_->take_session(pid, offset);
  socket.pid = std::make_unique<PrivateId>();
  if (!session) {
    PrivateIdRandom random;
    if (!server_->entropy_.fill(random)) return socket.pid.reset();
    *socket.pid = make_private_id(random);
    return;
  }
  std::copy(pid.begin(), pid.end(), socket.pid->begin());
  socket.id = session->id;
  socket.recovered = true;
  index_by_id(socket);
  for (const std::string_view room : session->rooms) rooms_.join(socket, room);
  // What middleware has put there is newer.
  OwnedJson& data = socket.extra().data;
  if (data->is_object() && session->data->is_object()) {
    merge(*session->data, *data);
    data = nullptr;
  }
  if (data->is_null()) data = std::move(session->data);
  ++server_->metrics_.recovered;
  bool is_whole = true;
  recovery_->for_each_missed(*session, offset, [&](const EncodedPacket& packet) {
    is_whole = is_whole && socket.client->send(packet, {});
  });
  if (!is_whole) socket.client->close("transport error");
}

// --- what comes in -------------------------------------------------------------------------------

void Namespace::receive_event(SocketState& socket, std::optional<std::uint64_t> id, Json& values) {
  ++server_->metrics_.events_received;
  Json& front = values.front();
  if (front.is_number()) front = front.dump();
  std::string_view event = *front.get_ptr<const Json::string_t*>();
  std::string kept;
  if (SocketState::Extra* const extra = socket.extra_.get()) {
    // What is called may change the values, and add to the lists.
    kept = event;
    event = kept;
    for (std::size_t i = 0; i < extra->on_any.size(); ++i) {
      call(socket, [&] { extra->on_any[i](event, values); });
    }
    for (std::size_t i = 0; i < extra->middleware.size(); ++i) {
      bool goes_on = false;
      call(socket, [&] { goes_on = extra->middleware[i](event, values); });
      if (!goes_on) return;
    }
    // They may have ended it.
    if (socket.stage != SocketState::Stage::connected) return;
  }
  // Middleware may have left anything there.
  if (!values.is_array() || values.empty()) return;
  Ack ack = id ? Ack(*this, socket.handle, *id) : Ack();
  dispatch(socket, event, {values, 1, &ack});
}

Namespace& Namespace::on_raw(RawHandler handler) {
  // None is one that takes nothing, so that receive_raw() can tell whether it was replaced.
  if (!handler) handler = [](const Socket&, std::string_view, Ack&) { return false; };
  on_raw_ = std::move(handler);
  server_->hears_raw_ = true;
  return *this;
}

bool Namespace::receive_raw(SocketState& socket, const PacketHead& head) {
  if (!on_raw_) return false;
  Ack ack = head.id ? Ack(*this, socket.handle, *head.id) : Ack();
  // It may put another one in its place.
  RawHandler running = std::move(on_raw_);
  bool is_taken = true;
  call(socket, [&] { is_taken = running(Socket(key(socket)), head.json, ack); });
  if (!on_raw_) on_raw_ = std::move(running);
  return is_taken;
}

void Namespace::dispatch(SocketState& socket, std::string_view event, const Arguments& arguments) {
  const std::uint32_t name = server_->names_.find(event);
  if (name == Names::none) return;
  socket.listeners.for_each(name, [&](EventHandler& handler, bool is_last) {
    bool fits = true;
    call(socket, [&] { fits = call_handler(handler, arguments, is_last); });
    if (fits) return;
    server_->reject(Errc::arguments, socket.client->engine());
    if (!server_->on_misfit_) return;
    call(socket, [&] { server_->on_misfit_(Socket(key(socket)), event); });
  });
}

void Namespace::receive_ack(SocketState& socket, std::optional<std::uint64_t> id,
                            OwnedJson values) {
  PendingAck ack;
  if (id && socket.extra_ != nullptr) ack = socket.extra_->acks.take(*id);
  server_->loop().cancel(ack.timer);
  if (ack.handler) return call(socket, [&] { ack.handler({}, *values); });
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

void Namespace::tell_ended() {
  sockets_.for_each([this](SocketState& socket, SlabHandle) {
    if (socket.stage == SocketState::Stage::ended) tell(socket);
  });
}

// The last that is heard of it.
void Namespace::tell(SocketState& socket) {
  if (socket.told) {
    ++server_->metrics_.disconnected;
    tell(socket, "disconnecting");
    if (socket.pid && may_come_back(socket.reason)) {
      static_cast<void>(hilo::guarded([&] { keep(socket); }));
    }
    rooms_.leave_all(socket);
    tell(socket, "disconnect");
  }
  drop_acks(socket);
  erase(socket);
}

void Namespace::keep(SocketState& socket) {
  Recovery::Session session{.id = socket.id};
  for (const SocketState::Membership& in : socket.rooms) {
    session.rooms.emplace_back(in.room->name());
  }
  if (socket.extra_ != nullptr) session.data = *socket.extra_->data;
  recovery_->keep_session({socket.pid->data(), socket.pid->size()}, std::move(session));
}

void Namespace::erase(SocketState& socket) noexcept {
  if (!socket.id_is_of_slot()) {
    const auto found = by_id_.find(socket.id_view());
    if (found != by_id_.end() && found->second == socket.handle) by_id_.erase(found);
  }
  rooms_.leave_all(socket);
  socket.client->remove(socket);
  sockets_.erase(socket.handle);
  let_go_if_deserted();
}

void Namespace::tell(SocketState& socket, std::string_view event) {
  OwnedJson values = server_->farewell_.take(socket.reason);
  dispatch(socket, event, {*values});
  server_->farewell_.give_back(std::move(values));
}

bool Namespace::is_deserted() const noexcept {
  const bool is_awaited = recovery_ != nullptr && recovery_->session_count() != 0;
  return dynamic_ && sockets_.size() == 0 && asked_.empty() && !is_awaited;
}

// Who may come back finds it for as long as that is kept; nobody looks again sooner.
void Namespace::let_go_if_deserted() {
  if (is_deserted()) return server_->let_go_later(name_);
  if (!dynamic_ || sockets_.size() != 0 || recovery_ == nullptr) return;
  // Without memory for that it stays until the next one has left it.
  static_cast<void>(hilo::guarded([&] {
    server_->later(recovery_->options().max_disconnection_duration, [nsp = anchor_.weak()] {
      if (nsp.get() != nullptr) nsp.get()->let_go_if_deserted();
    });
  }));
}

}  // namespace hilo::socketio

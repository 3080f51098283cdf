// SPDX-License-Identifier: MIT

#include "ws/socketio/manager.h"

#include <algorithm>
#include <array>

#include "net/base/bytes.h"
#include "net/entropy.h"
#include "ws/socketio/client_socket_state.h"

namespace hilo::socketio {

Manager::Manager(net::Loop& loop, std::string_view url, ManagerOptions options)
    : loop_(&loop),
      url_(url),
      options_(std::move(options)),
      volatile_bytes_max_(options_.engine.websocket.limits.queue_bytes_pause),
      self_(std::make_shared<Manager*>(this)),
      decoder_(options_.packet, Side::client, options_.parser),
      engine_(loop, std::move(options_.engine)) {
  own_texts();
  if (const auto token = loop.watch(-1, net::Interest::none, *this)) token_ = *token;
  engine_.on_open([this](engineio::Client&) { opened(); })
      .on_message([this](engineio::Client&, engineio::Message message) { receive(message); })
      .on_ping([this](engineio::Client&) { tell(on_ping_); })
      .on_close([this](engineio::Client&, engineio::CloseReason reason) {
        ended(engineio::to_string(reason));
      })
      .on_failed([this](engineio::Client&, std::error_code error) { failed(error); });
}

Manager::~Manager() {
  *self_ = nullptr;
  for (const auto& each : sockets_) each->raise_anchors();
  loop_->timers().cancel(*this);
  loop_->unwatch(token_);
}

// They are used again for every connection.
void Manager::own_texts() {
  const auto own = [this](std::string_view& text) { text = texts_.emplace_back(text); };
  engineio::ConnectOptions& connect = options_.connect;
  connect.url = {};
  own(connect.path);
  own(connect.query);
  ws::ConnectOptions& more = connect.websocket;
  more.url = {};
  for (std::string_view* text :
       {&more.origin, &more.user, &more.password, &more.proxy, &more.tls_server_name}) {
    own(*text);
  }
  for (std::string_view& each : more.subprotocols) own(each);
  for (ws::FieldView& field : more.fields) {
    own(field.name);
    own(field.value);
  }
}

ClientSocket Manager::socket(std::string_view nsp, ClientSocketOptions options) {
  std::string address(nsp);
  if (!address.starts_with('/')) address.insert(0, 1, '/');
  const std::string_view name = std::string_view(address).substr(0, address.find('?'));
  const bool connects = options.connect;
  ClientSocketState* socket = find(name);
  if (socket == nullptr) {
    sockets_.push_back(std::make_unique<ClientSocketState>(*this, address, std::move(options)));
    socket = sockets_.back().get();
  }
  if (connects) socket->connect();
  return ClientSocket(*socket);
}

// --- the way in ----------------------------------------------------------------------------------

Status Manager::open() {
  switch (state_) {
    case State::open:
    case State::opening: return {};
    case State::closing:
      // If it comes back anyway, then in its time.
      reopens_ = reopens_ || !wanted_;
      wanted_ = true;
      return {};
    case State::waiting:
    case State::closed: break;
  }
  wanted_ = true;
  return start();
}

Status Manager::start() {
  loop_->timers().cancel(*this);
  state_ = State::closed;
  engineio::ConnectOptions connect = options_.connect;
  connect.url = url_;
  if (Status status = engine_.connect(connect); !status) return status;
  state_ = State::opening;
  return {};
}

void Manager::want(ClientSocketState& socket) {
  if (state_ == State::open) return socket.session_opened();
  if (state_ == State::waiting) return;
  const Status status = open();
  if (status) return;
  wanted_ = false;
  at_reap([this, error = status.error()] { failed(error); });
}

void Manager::opened() {
  state_ = State::open;
  ++session_;
  decoder_ = Decoder(options_.packet, is_v3() ? Side::client_v3 : Side::client, options_.parser);
  main_given_ = false;
  const bool is_back = std::exchange(retrying_, false);
  const std::uint32_t attempt = failures_;
  // By number: what is called may make more of them.
  for (std::size_t i = 0; i < sockets_.size(); ++i) sockets_[i]->session_opened();
  tell(on_open_);
  if (is_back) tell(on_reconnect_, attempt);
}

void Manager::failed(std::error_code error) {
  const bool was_closing = state_ == State::closing;
  const bool was_retrying = std::exchange(retrying_, false);
  if (was_closing) return ended({});
  // Whoever is told and connects again waits for the next attempt like all others.
  const bool goes_on = wanted_ && options_.reconnection.enabled;
  state_ = goes_on ? State::waiting : State::closed;
  tell(on_error_, error);
  static_cast<void>(ws::guarded([&] {
    const std::string message = error.message();
    for (std::size_t i = 0; i < sockets_.size(); ++i) sockets_[i]->session_failed(message);
  }));
  if (was_retrying) tell(on_reconnect_error_, error);
  if (wanted_ && state_ == (goes_on ? State::waiting : State::closed)) reconnect();
}

// --- the way out ---------------------------------------------------------------------------------

void Manager::ended(std::string_view reason) {
  const bool was_closing = state_ == State::closing;
  loop_->timers().cancel(*this);
  state_ = State::closed;
  if (!was_closing) {
    lose_sockets(reason, reason);
    tell_closed_later(reason);
  }
  if (!wanted_) {
    if (was_closing) tell(on_gone_);
    return;
  }
  if (!std::exchange(reopens_, false)) return reconnect();
  if (const Status status = start(); !status) failed(status.error());
}

// The sockets are told now, and not when the connection is gone at last.
void Manager::end(std::string_view reason, std::string_view why) {
  switch (state_) {
    case State::open: tell_closed_later(reason); break;
    case State::opening: break;
    case State::waiting:
      loop_->timers().cancel(*this);
      state_ = State::closed;
      return;
    case State::closed:
    case State::closing: return;
  }
  state_ = State::closing;
  loop_->timers().cancel(*this);
  lose_sockets(reason, why);
  engine_.close();
}

// What there is no memory to tell is not told, and keeps nothing from going on.
void Manager::tell_closed_later(std::string_view reason) noexcept {
  static_cast<void>(ws::guarded([&] { at_reap([this, reason] { tell(on_close_, reason); }); }));
}

void Manager::lose_sockets(std::string_view reason, std::string_view why) noexcept {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    static_cast<void>(ws::guarded([&] { sockets_[i]->session_lost(reason, why); }));
  }
}

void Manager::close() {
  wanted_ = reopens_ = retrying_ = false;
  failures_ = 0;
  for (std::size_t i = 0; i < sockets_.size(); ++i) sockets_[i]->give_up("forced close");
  end("forced close", "forced close");
}

void Manager::close_if_unwanted() {
  const bool is_wanted = std::any_of(sockets_.begin(), sockets_.end(),
                                     [](const auto& each) { return each->is_active(); });
  if (!is_wanted) close();
}

// Whoever leaves, or is told of it, may want to come back over the same connection. Where there is
// none, who comes back does not wait for the time of the next attempt.
void Manager::close_later_if_unwanted() {
  if (state_ == State::waiting) return close_if_unwanted();
  const bool is_listed = ws::guarded([&] { at_reap([this] { close_if_unwanted(); }); });
  if (!is_listed) close_if_unwanted();
}

// --- time ----------------------------------------------------------------------------------------

void Manager::reconnect() {
  const ReconnectionOptions& options = options_.reconnection;
  state_ = State::closed;
  if (!options.enabled) {
    wanted_ = false;
  } else if (options.attempts_max != 0 && failures_ >= options.attempts_max) {
    wanted_ = false;
    failures_ = 0;
    tell(on_reconnect_failed_);
  } else {
    state_ = State::waiting;
    loop_->timers().arm(*this, loop_->now() + next_delay());
  }
}

net::Duration Manager::next_delay() {
  std::array<std::uint8_t, 8> random{};
  static_cast<void>(net::entropy_fill(random));
  const net::Duration delay =
      reconnection_delay(options_.reconnection, failures_, load_be64(random.data()));
  if (failures_ != UINT32_MAX) ++failures_;
  return delay;
}

void Manager::on_timer(net::Time) {
  if (state_ == State::open) return fail(Errc::attachment_timeout);
  if (state_ != State::waiting) return;
  tell(on_reconnect_attempt_, failures_);
  if (state_ != State::waiting) return;
  retrying_ = true;
  if (const Status status = start(); !status) failed(status.error());
}

net::Loop::TimerId Manager::later(net::Duration after, Callback<void()> callback) {
  return loop_->call_after(after, [self = self_, callback = std::move(callback)]() mutable {
    if (*self != nullptr) callback();
  });
}

void Manager::at_reap(Callback<void()> callback) {
  at_reap_.push_back(std::move(callback));
  loop_->schedule(token_, net::Phase::reap);
}

// Without memory for the list all are looked at.
void Manager::tell_ends_later(ClientSocketState& socket) noexcept {
  const bool is_listed = ws::guarded([&] { at_reap_.push_back([&socket] { socket.tell_end(); }); });
  if (!is_listed) has_unlisted_ = true;
  loop_->schedule(token_, net::Phase::reap);
}

void Manager::on_ready(net::Ready) {}

void Manager::on_reap() {
  std::vector<Callback<void()>> callbacks;
  callbacks.swap(at_reap_);
  for (Callback<void()>& callback : callbacks) static_cast<void>(ws::guarded(callback));
  while (std::exchange(has_unlisted_, false)) {
    for (std::size_t i = 0; i < sockets_.size(); ++i) sockets_[i]->tell_end();
  }
}

// --- what comes in and goes out ------------------------------------------------------------------

void Manager::receive(engineio::Message message) {
  if (state_ != State::open) return;
  const bool was_waiting = decoder_.waiting();
  if (hears_raw_ && !message.binary && !was_waiting && receive_raw(message.text())) return;
  Packet packet;
  bool is_whole = false;
  packet_bytes_ = message.payload.size() + (was_waiting ? packet_bytes_ : 0);
  Errc error = message.binary ? decoder_.take_binary(message.payload, packet, is_whole)
                              : decoder_.take_text(message.text(), packet, is_whole);
  if (error == Errc::none && is_whole) error = dispatch(packet);
  if (error != Errc::none) return fail(error);
  if (was_waiting == decoder_.waiting() || state_ != State::open) return;
  loop_->timers().cancel(*this);
  if (decoder_.waiting() && options_.attachment_timeout.nanoseconds != 0) {
    loop_->timers().arm(*this, loop_->now() + options_.attachment_timeout);
  }
}

// What is wrong with it is found on the usual way.
bool Manager::receive_raw(std::string_view text) {
  PacketHead head;
  if (options_.parser == Parser::msgpack) return false;
  if (split_packet(text, options_.packet, head) != Errc::none) return false;
  if (head.type != PacketType::event || head.attachments != 0) return false;
  ClientSocketState* const socket = find(head.nsp);
  return socket != nullptr && socket->receive_raw(head);
}

ClientSocketState* Manager::find(std::string_view nsp) const noexcept {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(),
                                  [&](const auto& each) { return each->name() == nsp; });
  return found != sockets_.end() ? found->get() : nullptr;
}

Errc Manager::dispatch(Packet& packet) {
  ClientSocketState* const socket = find(packet.head.nsp);
  if (is_v3() && packet.head.nsp == "/" && (socket == nullptr || !socket->is_talking())) {
    if (packet.head.type == PacketType::connect) main_given_ = true;
    if (packet.head.type == PacketType::disconnect) main_given_ = false;
    return Errc::none;
  }
  if (socket != nullptr) return socket->receive(packet);
  return packet.head.type == PacketType::connect ? Errc::connect_unasked : Errc::not_connected;
}

void Manager::reject(Errc error) {
  ++metrics_.rejects[static_cast<std::size_t>(error)];
}

void Manager::fail(Errc error) {
  reject(error);
  // One that throws has nobody left to tell.
  static_cast<void>(ws::guarded([&] {
    at_reap([this, error] {
      call_replaceable(on_error_, [&](auto& running) {
        static_cast<void>(ws::guarded([&] { running(error); }));
      });
    });
  }));
  if (error == Errc::handler_threw) return close();
  end("parse error", rule(error).text);
}

bool Manager::send(const EncodedPacket& packet, const Flags& flags) {
  if (state_ != State::open) return false;
  if (flags.volatile_ && engine_.buffered_bytes() > volatile_bytes_max_) return false;
  const std::string_view text = packet.text(engine_.revision());
  const ws::SendOptions options{.compress = flags.compress};
  if (!text.empty() && engine_.send_packet(text, options) != ws::Sent::accepted) return false;
  ++metrics_.packets_sent;
  for (const Json::binary_t& attachment : packet.attachments()) {
    if (engine_.send_binary(Bytes{attachment}, options) == ws::Sent::accepted) continue;
    // The server would wait for the rest.
    end("transport error", "transport error");
    return false;
  }
  return true;
}

}  // namespace hilo::socketio

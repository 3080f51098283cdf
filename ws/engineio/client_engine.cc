// SPDX-License-Identifier: MIT

#include "ws/engineio/client_engine.h"

#include <algorithm>

#include "net/clock.h"
#include "ws/core/http_tokens.h"

namespace hilo::engineio {
namespace {

constexpr std::size_t sid_bytes_max = 256;
constexpr std::size_t cookies_max = 16;
constexpr std::size_t cookie_bytes_max = 4096;

// "ws://host:port/path?EIO=4&transport=" for an URL of either scheme; empty if it has none of ours.
std::string address_of(const ConnectOptions& options) {
  struct Scheme {
    std::string_view from;
    std::string_view to;
  };
  constexpr Scheme schemes[] = {
      {"http://", "ws://"}, {"https://", "wss://"}, {"ws://", "ws://"}, {"wss://", "wss://"}};
  for (const Scheme& each : schemes) {
    if (!options.url.starts_with(each.from)) continue;
    const std::string_view rest = options.url.substr(each.from.size());
    std::string address{each.to};
    address.append(rest.substr(0, rest.find_first_of("/?#"))).append(options.path);
    address.append(options.revision == Revision::v4 ? "?EIO=4" : "?EIO=3");
    return address.append("&transport=");
  }
  return {};
}

}  // namespace

Client::Engine::Engine(Client& client, net::Loop& loop, ClientOptions options)
    : client_(&client),
      loop_(&loop),
      options_(std::move(options)),
      upgrade_timer_(*this),
      queue_(loop.pool()) {}

Client::Engine::~Engine() {
  static_cast<void>(retire());
}

bool Client::Engine::retire() {
  retired_ = true;
  state_ = State::idle;
  loop_->timers().cancel(*this);
  loop_->timers().cancel(upgrade_timer_);
  websocket_.reset();
  if (polling_) polling_->stop();
  return calls_ != 0;
}

// --- connecting ----------------------------------------------------------------------------------

Status Client::Engine::connect(const ConnectOptions& options) {
  if (retired_) return std::make_error_code(std::errc::operation_canceled);
  if (state_ != State::idle) return std::make_error_code(std::errc::already_connected);
  address_ = address_of(options);
  if (address_.empty()) return std::make_error_code(std::errc::invalid_argument);
  query_ = options.query.empty() ? std::string{} : "&" + std::string(options.query);
  transports_ = options.transports;
  revision_ = options.revision;
  upgrades_ = options.upgrade;
  base64_ = options.base64 && revision_ == Revision::v3;
  cookies_ = options.cookies;
  origin_.plan = ws::ClientPlan(options.websocket);
  origin_.plan.url = address_ + "polling" + (base64_ ? "&b64=1" : "") + query_;
  origin_.cookie.clear();
  if (Status ready = origin_.prepare(options_.websocket.limits); !ready) return ready;
  error_ = {};
  was_open_ = false;
  awaiting_pong_ = false;
  upgrade_ = Upgrade::none;
  const bool polls = transports_ == Transports::polling || transports_ == Transports::polling_first;
  if (Status begun = polls ? begin_polling() : begin_websocket({}); !begun) return begun;
  state_ = State::connecting;
  if (options_.open_timeout.nanoseconds != 0) {
    loop_->timers().arm(*this, net::clock_now() + options_.open_timeout);
  }
  return {};
}

Status Client::Engine::begin_polling() {
  transport_ = Transport::polling;
  ClientPolling::Owner& owner = *this;
  polling_ = std::make_unique<ClientPolling>(
      *loop_, origin_,
      ClientPolling::Settings{.revision = revision_,
                              .base64 = base64_,
                              .poll_bytes_max = options_.poll_bytes_max,
                              .post_timeout = options_.post_timeout,
                              .packets_per_post_max = options_.packets_per_post_max},
      queue_, owner);
  std::string target{origin_.url.path};
  return polling_->start(target.append("?").append(origin_.url.query));
}

// One that opens a session, or that is to be the upgrade of one.
Status Client::Engine::begin_websocket(std::string_view sid) {
  if (sid.empty()) transport_ = Transport::websocket;
  // First, so that its last words find no other.
  websocket_.reset();
  ws::ClientOptions options{
      .limits = options_.websocket.limits,
      .log_rejects_per_second_max = options_.websocket.log_rejects_per_second_max};
  if (options_.websocket.log) {
    // Which may destroy the client, as all callbacks may.
    options.log = [this](ws::LogLevel level, std::string_view line) {
      ++calls_;
      static_cast<void>(ws::guarded([&] { options_.websocket.log(level, line); }));
      --calls_;
    };
  }
  websocket_ = std::make_unique<ws::Client>(*loop_, std::move(options));
  websocket_
      ->on_open([this](ws::Connection& connection) {
        if (!websocket_ || upgrade_ != Upgrade::connecting) return;
        upgrade_ = Upgrade::probing;
        static_cast<void>(connection.send_text("2probe"));
      })
      .on_message([this](ws::Connection&, ws::Message message) {
        if (websocket_) receive_message(message);
      })
      .on_drained([this](ws::Connection&) {
        if (websocket_ && is_open() && transport_ == Transport::websocket) call(on_drained);
      })
      .on_close([this](ws::Connection&, const ws::CloseInfo& info) {
        if (websocket_) websocket_closed(info);
      })
      .on_failed([this](std::error_code error) {
        if (websocket_) websocket_failed(error);
      });
  const ws::ClientPlan& plan = origin_.plan;
  ws::ConnectOptions connect;
  std::string url = address_ + "websocket" + (base64_ ? "&b64=1" : "") + query_;
  if (!sid.empty()) url.append("&sid=").append(sid);
  connect.url = url;
  connect.subprotocols.assign(plan.subprotocols.begin(), plan.subprotocols.end());
  connect.origin = plan.origin;
  bool has_cookie = false;
  for (const auto& [name, value] : plan.fields) {
    connect.fields.push_back({name, value});
    has_cookie = has_cookie || ws::equals_ignoring_case(name, "Cookie");
  }
  if (!has_cookie && !origin_.cookie.empty()) connect.fields.push_back({"Cookie", origin_.cookie});
  connect.user = plan.credentials.user;
  connect.password = plan.credentials.password;
  connect.proxy = plan.proxy;
  connect.redirects_max = plan.redirects_left;
  connect.tls = origin_.tls;
  connect.tls_server_name = plan.tls_server_name;
  connect.observers = plan.observers;
  connect.deflate = plan.deflate;
  return websocket_->connect(connect);
}

// --- what the server sends -----------------------------------------------------------------------

void Client::Engine::polled(const Packet& packet) {
  take(packet);
}

void Client::Engine::receive_message(ws::Message message) {
  if (transport_ == Transport::polling) return receive_probe(message);
  if (state_ != State::connecting && state_ != State::open) return;
  Packet packet;
  const Errc error = message.is_text() ? decode_text(revision_, message.payload, packet)
                                       : decode_binary(revision_, message.payload, packet);
  if (error != Errc::none) return end(CloseReason::parse_error, error);
  take(packet);
}

void Client::Engine::take(const Packet& packet) {
  Errc error = Errc::none;
  if (state_ == State::connecting) {
    error = open(packet);
  } else if (state_ == State::open) {
    error = receive_packet(packet);
  }
  if (error != Errc::none) end(CloseReason::parse_error, error);
}

// The first packet.
Errc Client::Engine::open(const Packet& packet) {
  if (packet.type != PacketType::open || packet.binary) return Errc::packet_unexpected;
  Handshake said;
  if (!read_handshake(as_text(packet.data), said)) return Errc::packet_unexpected;
  if (said.sid.size() > sid_bytes_max) return Errc::packet_unexpected;
  // Before it counts as open: it may lack memory.
  if (transport_ == Transport::polling) {
    polling_->opened(percent_encoded(said.sid), said.payload_bytes_max);
  }
  handshake_ = std::move(said);
  state_ = State::open;
  was_open_ = true;
  arm_heartbeat();
  if (transport_ == Transport::polling) begin_upgrade();
  call(on_open);
  return Errc::none;
}

// Cookies of the answer that opens the session, without their attributes.
void Client::Engine::polled_first(const ws::ResponseHead& head) {
  if (!cookies_) return;
  std::size_t count = 0;
  for (const ws::FieldView field : head.fields) {
    if (!ws::equals_ignoring_case(field.name, "Set-Cookie") || ++count > cookies_max) continue;
    const std::string_view cookie = field.value.substr(0, field.value.find(';'));
    if (origin_.cookie.size() + cookie.size() > cookie_bytes_max) return;
    if (!origin_.cookie.empty()) origin_.cookie.append("; ");
    origin_.cookie.append(cookie);
  }
}

Errc Client::Engine::receive_packet(const Packet& packet) {
  const bool is_server_first = revision_ == Revision::v4;
  switch (packet.type) {
    case PacketType::message:
      call(on_message, Message{.binary = packet.binary, .payload = packet.data});
      return Errc::none;
    case PacketType::ping:
      if (!is_server_first) return Errc::heartbeat_direction;
      arm_heartbeat();
      static_cast<void>(send(PacketType::pong, false, packet.data));
      call(on_ping);
      return Errc::none;
    case PacketType::pong:
      if (is_server_first) return Errc::heartbeat_direction;
      awaiting_pong_ = false;
      arm_heartbeat();
      return Errc::none;
    case PacketType::close: end(CloseReason::transport_close, {}); return Errc::none;
    case PacketType::noop: return Errc::none;
    case PacketType::open:
    case PacketType::upgrade: break;
  }
  return Errc::packet_unexpected;
}

// --- time ----------------------------------------------------------------------------------------

void Client::Engine::arm_heartbeat() {
  net::Duration patience = handshake_.ping_interval;
  if (revision_ == Revision::v4) patience = patience + handshake_.ping_timeout;
  loop_->timers().arm(*this, loop_->now() + patience);
}

void Client::Engine::on_timer(net::Time now) {
  switch (state_) {
    case State::connecting:
      return end(CloseReason::transport_error, std::make_error_code(std::errc::timed_out));
    case State::open: break;
    case State::closing: return finish();
    case State::idle: return;
  }
  if (revision_ == Revision::v4 || awaiting_pong_) {
    // Who does not answer a ping will not answer a Close.
    return end(CloseReason::ping_timeout, Errc::heartbeat_timeout);
  }
  awaiting_pong_ = true;
  static_cast<void>(send(PacketType::ping, false, {}));
  loop_->timers().arm(*this, now + handshake_.ping_timeout);
}

// --- the end -------------------------------------------------------------------------------------

void Client::Engine::close() {
  if (state_ == State::connecting || state_ == State::open) {
    end(CloseReason::forced_close, std::make_error_code(std::errc::operation_canceled));
  }
}

// The first reason counts. The callback comes later: with the end of the WebSocket, when the server
// was told by a POST, or with the timer.
void Client::Engine::end(CloseReason reason, std::error_code error) {
  if (state_ != State::connecting && state_ != State::open) return;
  const bool was_open = state_ == State::open;
  state_ = State::closing;
  reason_ = reason;
  error_ = error;
  loop_->timers().cancel(*this);
  if (transport_ == Transport::websocket) {
    ws::Connection* const connection = websocket_->connection();
    const bool is_lost = reason == CloseReason::ping_timeout;
    if (is_lost || connection == nullptr || !connection->close(ws::CloseCode::none)) {
      websocket_->abort();
    }
    return;
  }
  end_upgrade();
  const bool tells = reason == CloseReason::forced_close || reason == CloseReason::parse_error;
  const net::Duration patience = options_.websocket.limits.close_timeout;
  if (!was_open || !tells || patience.nanoseconds == 0) return finish_later();
  // What was accepted goes first, in as many POSTs as it takes, and each has its time.
  const bool owes = !queue_.empty() || polling_->is_posting();
  loop_->timers().arm(*this, loop_->now() + (owes ? post_patience() : patience));
  if (!queue_.push(PacketType::close, false, {})) return finish_later();
  polling_->finish();
}

void Client::Engine::polling_advanced() {
  if (state_ == State::closing) loop_->timers().arm(*this, loop_->now() + post_patience());
}

net::Duration Client::Engine::post_patience() const noexcept {
  return std::max(options_.websocket.limits.close_timeout, options_.post_timeout);
}

void Client::Engine::finish_later() {
  if (polling_) polling_->stop();
  loop_->timers().arm(*this, loop_->now());
}

void Client::Engine::finish() {
  loop_->timers().cancel(*this);
  state_ = State::idle;
  queue_.clear();
  polling_.reset();
  if (was_open_) return call(on_close, reason_);
  call(on_failed, error_);
}

void Client::Engine::polling_drained() {
  if (state_ == State::closing) return finish_later();
  if (is_open()) call(on_drained);
}

void Client::Engine::polling_failed(CloseReason reason, std::error_code error) {
  if (state_ == State::closing) return finish_later();
  if (state_ == State::idle) return;
  // There is nobody who could be told.
  const bool is_told = reason != CloseReason::parse_error;
  end(is_told ? reason : CloseReason::transport_error, error);
  reason_ = reason;
}

void Client::Engine::websocket_closed(const ws::CloseInfo& info) {
  if (transport_ == Transport::polling) return end_upgrade();
  if (state_ != State::closing) {
    // A server that hangs up has broken nothing: the reference calls that a close, too.
    const bool is_broken =
        info.error != ws::Errc::none && info.error != ws::Errc::end_without_close;
    reason_ = is_broken ? CloseReason::transport_error : CloseReason::transport_close;
    error_ =
        is_broken ? make_error_code(info.error) : std::make_error_code(std::errc::connection_reset);
  }
  finish();
}

void Client::Engine::websocket_failed(std::error_code error) {
  if (transport_ == Transport::polling) return end_upgrade();
  if (state_ == State::connecting && transports_ == Transports::websocket_first) {
    const Status begun = begin_polling();
    if (begun) return;
    error = begun.error();
  }
  if (state_ != State::closing || !error_) error_ = error;
  finish();
}

}  // namespace hilo::engineio

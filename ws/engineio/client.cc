// SPDX-License-Identifier: MIT

#include "ws/engineio/client.h"

#include "net/base/buffer.h"
#include "net/clock.h"

namespace hilo::engineio {
namespace {

// "ws://host:port/path?EIO=4&transport=websocket&query" for an URL of either scheme; empty if it
// has none of ours.
std::string websocket_url(const ConnectOptions& options) {
  struct Scheme {
    std::string_view from;
    std::string_view to;
  };
  constexpr Scheme schemes[] = {
      {"http://", "ws://"}, {"https://", "wss://"}, {"ws://", "ws://"}, {"wss://", "wss://"}};
  for (const Scheme& each : schemes) {
    if (!options.url.starts_with(each.from)) continue;
    const std::string_view rest = options.url.substr(each.from.size());
    std::string url{each.to};
    url.append(rest.substr(0, rest.find_first_of("/?#"))).append(options.path);
    url.append(options.revision == Revision::v4 ? "?EIO=4" : "?EIO=3");
    url.append("&transport=websocket");
    if (!options.query.empty()) url.append("&").append(options.query);
    return url;
  }
  return {};
}

}  // namespace

Client::Client(net::Loop& loop, ClientOptions options)
    : loop_(&loop),
      open_timeout_(options.open_timeout),
      websocket_(loop, std::move(options.websocket)) {
  websocket_.on_message([this](ws::Connection&, ws::Message message) { receive(message); })
      .on_drained([this](ws::Connection&) {
        if (is_open()) call(on_drained_);
      })
      .on_close([this](ws::Connection&, const ws::CloseInfo& info) { ended(info); })
      .on_failed([this](std::error_code error) { failed(error); });
}

Client::~Client() {
  loop_->timers().cancel(*this);
  // What comes from the WebSocket's own end is nobody's any more.
  on_close_ = nullptr;
  on_failed_ = nullptr;
}

Status Client::connect(const ConnectOptions& options) {
  if (state_ != State::idle) return std::make_error_code(std::errc::already_connected);
  const std::string url = websocket_url(options);
  if (url.empty()) return std::make_error_code(std::errc::invalid_argument);
  ws::ConnectOptions websocket = options.websocket;
  websocket.url = url;
  websocket.reconnect = {};
  if (Status status = websocket_.connect(websocket); !status) return status;
  state_ = State::connecting;
  revision_ = options.revision;
  error_ = {};
  was_open_ = false;
  awaiting_pong_ = false;
  if (open_timeout_.nanoseconds != 0) {
    loop_->timers().arm(*this, net::clock_now() + open_timeout_);
  }
  return {};
}

// --- what the server sends -----------------------------------------------------------------------

void Client::receive(ws::Message message) {
  if (state_ != State::connecting && state_ != State::open) return;
  Packet packet;
  Errc error = message.is_text() ? decode_text(revision_, message.payload, packet)
                                 : decode_binary(revision_, message.payload, packet);
  if (error == Errc::none) {
    error = state_ == State::connecting ? open(packet) : receive_packet(packet);
  }
  if (error != Errc::none) end(CloseReason::parse_error, error);
}

// The first packet.
Errc Client::open(const Packet& packet) {
  if (packet.type != PacketType::open) return Errc::packet_unexpected;
  if (!read_handshake(as_text(packet.data), handshake_)) return Errc::packet_unexpected;
  state_ = State::open;
  was_open_ = true;
  arm_heartbeat();
  call(on_open_);
  return Errc::none;
}

Errc Client::receive_packet(const Packet& packet) {
  const bool is_server_first = revision_ == Revision::v4;
  switch (packet.type) {
    case PacketType::message:
      call(on_message_, Message{.binary = packet.binary, .payload = packet.data});
      return Errc::none;
    case PacketType::ping:
      if (!is_server_first) return Errc::heartbeat_direction;
      arm_heartbeat();
      static_cast<void>(write("3", packet.data, ws::Opcode::text));
      call(on_ping_);
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

void Client::arm_heartbeat() {
  net::Duration patience = handshake_.ping_interval;
  if (revision_ == Revision::v4) patience = patience + handshake_.ping_timeout;
  loop_->timers().arm(*this, loop_->now() + patience);
}

void Client::on_timer(net::Time now) {
  switch (state_) {
    case State::connecting:
      return end(CloseReason::transport_error, std::make_error_code(std::errc::timed_out));
    case State::open: break;
    case State::idle:
    case State::closing: return;
  }
  if (revision_ == Revision::v4 || awaiting_pong_) {
    end(CloseReason::ping_timeout, Errc::heartbeat_timeout);
    // Who does not answer a ping will not answer a Close.
    return websocket_.abort();
  }
  awaiting_pong_ = true;
  static_cast<void>(write("2", {}, ws::Opcode::text));
  loop_->timers().arm(*this, now + handshake_.ping_timeout);
}

// --- the end -------------------------------------------------------------------------------------

void Client::close() {
  if (state_ == State::connecting || state_ == State::open) {
    end(CloseReason::forced_close, std::make_error_code(std::errc::operation_canceled));
  }
}

// The first reason counts. The callback comes with the end of the WebSocket.
void Client::end(CloseReason reason, std::error_code error) {
  state_ = State::closing;
  reason_ = reason;
  error_ = error;
  loop_->timers().cancel(*this);
  ws::Connection* const connection = websocket_.connection();
  if (connection == nullptr || !connection->close(ws::CloseCode::no_status)) websocket_.abort();
}

void Client::ended(const ws::CloseInfo& info) {
  if (state_ != State::closing) {
    const bool is_broken = info.error != ws::Errc::none;
    reason_ = is_broken ? CloseReason::transport_error : CloseReason::transport_close;
    error_ =
        is_broken ? make_error_code(info.error) : std::make_error_code(std::errc::connection_reset);
  }
  if (!was_open_) return failed(error_);
  loop_->timers().cancel(*this);
  state_ = State::idle;
  call(on_close_, reason_);
}

void Client::failed(std::error_code error) {
  loop_->timers().cancel(*this);
  const std::error_code why = state_ == State::closing && error_ ? error_ : error;
  state_ = State::idle;
  call(on_failed_, why);
}

// --- sending -------------------------------------------------------------------------------------

ws::Sent Client::send_text(std::string_view text) {
  return write("4", as_bytes(text), ws::Opcode::text);
}

ws::Sent Client::send_packet(std::string_view packet) {
  return write({}, as_bytes(packet), ws::Opcode::text);
}

ws::Sent Client::send_binary(Bytes data) {
  return write(revision_ == Revision::v4 ? "" : "\x04", data, ws::Opcode::binary);
}

ws::Sent Client::write(std::string_view mark, Bytes data, ws::Opcode opcode) {
  ws::Connection* const connection = websocket_.connection();
  if (!is_open() || connection == nullptr) return ws::Sent::closed;
  if (mark.empty()) return connection->send(opcode, data);
  Buffer message{loop_->pool()};
  if (!message.append(as_bytes(mark)) || !message.append(data)) return ws::Sent::closed;
  return connection->send(opcode, message.readable());
}

std::size_t Client::buffered_bytes() noexcept {
  ws::Connection* const connection = websocket_.connection();
  return connection != nullptr ? connection->buffered_bytes() : 0;
}

}  // namespace hilo::engineio

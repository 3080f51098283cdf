// SPDX-License-Identifier: MIT

#include "ws/engineio/socket.h"

#include "ws/encoded_message.h"
#include "ws/engineio/base64.h"
#include "ws/engineio/server.h"

namespace hilo::engineio {
namespace {

Session::Start with_sid(Session::Start start, const SidRandom& random, SocketId id) noexcept {
  start.sid = Sid{random, {.slot = id.handle().index, .loop_index = id.loop_index()}};
  return start;
}

}  // namespace

std::string_view to_string(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::transport_close: return "transport close";
    case CloseReason::transport_error: return "transport error";
    case CloseReason::parse_error: return "parse error";
    case CloseReason::ping_timeout: return "ping timeout";
    case CloseReason::forced_close: return "forced close";
    case CloseReason::server_shutdown: return "server shutting down";
  }
  return "transport close";
}

Socket::Socket(SlabHandle handle, Server& server, const Session::Start& start,
               const SidRandom& random, const net::PeerAddress& peer,
               ws::KeptRequest request) noexcept
    : server_(&server),
      id_(handle, server.http().loop_index()),
      session_(server.loop().pool(), server.options(), with_sid(start, random, id_),
               server.loop().now()),
      request_(std::move(request)),
      peer_(peer) {}

Socket::~Socket() = default;

// --- sending -------------------------------------------------------------------------------------

ws::Sent Socket::send_text(std::string_view text, ws::SendOptions options) {
  if (!is_open()) return ws::Sent::closed;
  ++server_->metrics_.messages_sent;
  if (must_wait()) return queue(false, as_bytes(text));
  return judge(write_text("4", as_bytes(text), options));
}

ws::Sent Socket::send_packet(std::string_view packet, ws::SendOptions options) {
  if (!is_open()) return ws::Sent::closed;
  ++server_->metrics_.messages_sent;
  if (must_wait()) {
    return queue(false, as_bytes(packet.substr(1)));
  }
  return judge(connection_->send_text(packet, options));
}

ws::Sent Socket::send_packet(ws::EncodedMessage& packet) {
  const bool is_binary = packet.opcode() == ws::Opcode::binary;
  const Bytes payload = packet.payload();
  if (is_binary && revision() != Revision::v4) return send_binary(payload, packet.options());
  if (!is_open()) return ws::Sent::closed;
  ++server_->metrics_.messages_sent;
  if (must_wait()) return queue(is_binary, is_binary ? payload : payload.subspan(1));
  return judge(connection_->send(packet));
}

ws::Sent Socket::send_binary(Bytes data, ws::SendOptions options) {
  if (!is_open()) return ws::Sent::closed;
  ++server_->metrics_.messages_sent;
  if (must_wait()) return queue(true, data);
  if (revision() == Revision::v4) return judge(connection_->send_binary(data, options));
  // A view that nothing is written through.
  const MutableBytes bytes{const_cast<std::uint8_t*>(data.data()), data.size()};
  return judge(write({.type = PacketType::message, .binary = true, .data = bytes}, options));
}

// Behind what waits already.
bool Socket::must_wait() const noexcept {
  return connection_ == nullptr || !session_.queue().empty() ||
         server_->options().message_spacing.nanoseconds != 0;
}

ws::Sent Socket::queue(bool binary, Bytes data) {
  if (session_.send(binary, data)) {
    server_->http().look_at_memory();
    waited_ = true;
    server_->mark_dirty(*this);
    return ws::Sent::accepted;
  }
  server_->reject(Errc::queue_full, peer_, id_.value);
  server_->fail(*this, Errc::queue_full);
  return ws::Sent::closed;
}

// A message that the WebSocket does not take is one that the client would miss.
ws::Sent Socket::judge(ws::Sent sent) {
  if (sent == ws::Sent::accepted) return sent;
  if (sent != ws::Sent::closed) server_->reject(Errc::queue_full, peer_, id_.value);
  server_->end(*this, CloseReason::transport_error, PacketType::close);
  return ws::Sent::closed;
}

ws::Sent Socket::write(const Packet& packet, ws::SendOptions options) {
  const bool is_bare = packet.binary && revision() == Revision::v4;
  if (is_bare) return connection_->send_binary(packet.data, options);
  const char digit = type_digit(packet.type);
  if (!packet.binary) return write_text({&digit, 1}, packet.data, options);
  if (session_.wants_base64()) {
    Buffer text{server_->loop().pool()};
    if (!text.reserve(base64_size(packet.data.size()))) return ws::Sent::closed;
    encode_base64(packet.data, text.writable().data());
    text.commit(base64_size(packet.data.size()));
    return write_text("b4", text.readable(), options);
  }
  Buffer message{server_->loop().pool()};
  const std::uint8_t mark = binary_message_byte;
  if (!message.append({&mark, 1}) || !message.append(packet.data)) return ws::Sent::closed;
  return connection_->send_binary(message.readable(), options);
}

ws::Sent Socket::write_text(std::string_view mark, Bytes data, ws::SendOptions options) {
  Buffer message{server_->loop().pool()};
  if (!message.append(as_bytes(mark)) || !message.append(data)) return ws::Sent::closed;
  return connection_->send_text(as_text(Bytes{message.readable()}), options);
}

std::size_t Socket::held_bytes() const noexcept {
  const std::size_t body = polling_ != nullptr ? polling_->body.capacity() : 0;
  return session_.queue().held_bytes() + body;
}

// What was queued, over the WebSocket.
void Socket::write_queue() {
  PacketQueue& packets = session_.queue();
  while (connection_ != nullptr && !packets.empty()) {
    const ws::Sent sent = write(packets.front(), {});
    if (sent != ws::Sent::accepted) {
      static_cast<void>(judge(sent));
      return;
    }
    packets.pop();
    if (server_->options().message_spacing.nanoseconds == 0) continue;
    server_->flush_later(*this);
    break;
  }
  server_->tell_drained(*this);
}

void Socket::close(CloseReason reason) {
  if (!is_open()) return;
  const net::Time now = server_->loop().now();
  if (connection_ != nullptr) return close_websocket(reason);
  server_->settle(*this, reason);
  session_.close(now);
  if (session_.state() == Session::State::closing) {
    server_->mark_dirty(*this);
    arm();
  } else if (session_.poll_waits()) {
    server_->answer_poll(*this);  // without a word of the end, for which there is no memory
  }
  server_->leave(*this);
}

// The queue goes first; should that end the session, its reason is the true one. Nobody is told
// that it is empty: whoever closes has said all.
void Socket::close_websocket(CloseReason reason) {
  waited_ = false;
  while (connection_ != nullptr && !session_.queue().empty()) write_queue();
  server_->end(*this, reason, PacketType::close);
}

// --- facts ---------------------------------------------------------------------------------------

bool Socket::is_writable() const noexcept {
  if (!is_open() || !session_.queue().empty()) return false;
  if (connection_ == nullptr) return session_.poll_waits();
  return connection_->buffered_bytes() <= server_->http().limits().queue_bytes_pause;
}

std::size_t Socket::buffered_bytes() const noexcept {
  const std::size_t queued = session_.queue().size_bytes();
  return connection_ != nullptr ? queued + connection_->buffered_bytes() : queued;
}

// --- time ----------------------------------------------------------------------------------------

void Socket::arm() noexcept {
  const net::Time deadline = session_.deadline();
  net::TimerWheel& timers = server_->loop().timers();
  if (deadline == ws::never) {
    timers.cancel(*this);
  } else if (!armed() || net::Timer::deadline() != deadline) {
    timers.arm(*this, deadline);
  }
}

void Socket::on_timer(net::Time now) {
  server_->expire(*this, now);
}

}  // namespace hilo::engineio

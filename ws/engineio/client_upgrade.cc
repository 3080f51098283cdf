// SPDX-License-Identifier: MIT
//
// The half of Client::Engine that sends, and that moves a session from polling to a WebSocket.

#include "net/base/buffer.h"
#include "ws/engineio/client_engine.h"

namespace hilo::engineio {
namespace {

constexpr std::string_view probe_answer = "3probe";

}  // namespace

// --- the upgrade ---------------------------------------------------------------------------------

void Client::Engine::begin_upgrade() {
  if (!upgrades_ || transports_ != Transports::polling_first || !handshake_.can_upgrade) return;
  upgrade_ = Upgrade::connecting;
  if (options_.upgrade_timeout.nanoseconds != 0) {
    loop_->timers().arm(upgrade_timer_, loop_->now() + options_.upgrade_timeout);
  }
  const Status begun =
      ws::guarded_status([this] { return begin_websocket(percent_encoded(handshake_.sid)); });
  if (!begun) end_upgrade();
}

void Client::Engine::receive_probe(ws::Message message) {
  if (upgrade_ != Upgrade::probing || !message.is_text() ||
      as_text(message.payload) != probe_answer) {
    return end_upgrade();
  }
  upgrade_ = Upgrade::pausing;
  // The server lets a poll that waits go.
  polling_->pause();
}

void Client::Engine::polling_paused() {
  if (upgrade_ != Upgrade::pausing || state_ != State::open) return;
  ws::Connection* const connection = websocket_->connection();
  if (connection == nullptr || connection->send_text("5") != ws::Sent::accepted) {
    return end_upgrade();
  }
  upgrade_ = Upgrade::none;
  loop_->timers().cancel(upgrade_timer_);
  transport_ = Transport::websocket;
  polling_->stop();
  while (!queue_.empty()) {
    const Packet packet = queue_.front();
    if (write(packet.type, packet.binary, packet.data) != ws::Sent::accepted) {
      return end(CloseReason::transport_error, Errc::queue_full);
    }
    queue_.pop();
  }
  call(on_upgraded);
}

// Polling goes on.
void Client::Engine::end_upgrade() {
  if (upgrade_ == Upgrade::none) return;
  upgrade_ = Upgrade::none;
  loop_->timers().cancel(upgrade_timer_);
  websocket_.reset();
  polling_->resume();
}

void Client::Engine::UpgradeTimer::on_timer(net::Time now) {
  static_cast<void>(now);
  engine->end_upgrade();
}

// --- sending -------------------------------------------------------------------------------------

ws::Sent Client::Engine::send(PacketType type, bool binary, Bytes data, ws::SendOptions options) {
  if (!is_open()) return ws::Sent::closed;
  return transport_ == Transport::polling ? queue(type, binary, data)
                                          : write(type, binary, data, options);
}

ws::Sent Client::Engine::send_packet(std::string_view packet, ws::SendOptions options) {
  if (!is_open() || packet.empty()) return ws::Sent::closed;
  if (transport_ == Transport::polling) {
    return queue(PacketType::message, false, as_bytes(packet.substr(1)));
  }
  ws::Connection* const connection = websocket_->connection();
  return connection != nullptr ? connection->send_text(packet, options) : ws::Sent::closed;
}

ws::Sent Client::Engine::queue(PacketType type, bool binary, Bytes data) {
  // A view that nothing is written through.
  const MutableBytes view{const_cast<std::uint8_t*>(data.data()), data.size()};
  const std::size_t posted = posted_bytes(revision_, {type, binary, view});
  const std::size_t payload_max = handshake_.payload_bytes_max;
  const std::size_t queue_max = options_.websocket.limits.queue_bytes_limit();
  if ((payload_max != 0 && posted > payload_max) || queue_.size_bytes() + posted > queue_max) {
    return ws::Sent::refused;
  }
  if (!queue_.push(type, binary, data)) return ws::Sent::refused;
  polling_->flush();
  return ws::Sent::accepted;
}

// Over the WebSocket.
ws::Sent Client::Engine::write(PacketType type, bool binary, Bytes data, ws::SendOptions options) {
  ws::Connection* const connection = websocket_->connection();
  if (connection == nullptr) return ws::Sent::closed;
  if (binary && revision_ == Revision::v4) return connection->send_binary(data, options);
  const std::uint8_t mark =
      binary ? binary_message_byte : static_cast<std::uint8_t>(type_digit(type));
  Buffer message{loop_->pool()};
  if (!message.append({&mark, 1}) || !message.append(data)) return ws::Sent::closed;
  return connection->send(binary ? ws::Opcode::binary : ws::Opcode::text, message.readable(),
                          options);
}

std::size_t Client::Engine::buffered_bytes() noexcept {
  ws::Connection* const connection = websocket_ ? websocket_->connection() : nullptr;
  return queue_.size_bytes() + (connection != nullptr ? connection->buffered_bytes() : 0);
}

}  // namespace hilo::engineio

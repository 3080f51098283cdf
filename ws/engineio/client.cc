// SPDX-License-Identifier: MIT

#include "ws/engineio/client.h"

#include "ws/engineio/client_engine.h"

namespace hilo::engineio {

Client::Client(net::Loop& loop, ClientOptions options)
    : engine_(std::make_unique<Engine>(*this, loop, std::move(options))) {}

Client::~Client() {
  // Whoever called the callback that this is called from goes on to use the engine.
  if (engine_->retire()) engine_->loop().destroy_later(std::move(engine_));
}

Client& Client::on_open(Callback<void(Client&)> callback) {
  engine_->on_open = std::move(callback);
  return *this;
}

Client& Client::on_message(Callback<void(Client&, Message)> callback) {
  engine_->on_message = std::move(callback);
  return *this;
}

Client& Client::on_ping(Callback<void(Client&)> callback) {
  engine_->on_ping = std::move(callback);
  return *this;
}

Client& Client::on_upgraded(Callback<void(Client&)> callback) {
  engine_->on_upgraded = std::move(callback);
  return *this;
}

Client& Client::on_drained(Callback<void(Client&)> callback) {
  engine_->on_drained = std::move(callback);
  return *this;
}

Client& Client::on_close(Callback<void(Client&, CloseReason)> callback) {
  engine_->on_close = std::move(callback);
  return *this;
}

Client& Client::on_failed(Callback<void(Client&, std::error_code)> callback) {
  engine_->on_failed = std::move(callback);
  return *this;
}

Status Client::connect(const ConnectOptions& options) {
  return ws::guarded_status([&] { return engine_->connect(options); });
}

void Client::close() {
  engine_->close();
}

ws::Sent Client::send_text(std::string_view text, ws::SendOptions options) {
  return engine_->send(PacketType::message, false, as_bytes(text), options);
}

ws::Sent Client::send_binary(Bytes data, ws::SendOptions options) {
  return engine_->send(PacketType::message, true, data, options);
}

ws::Sent Client::send_packet(std::string_view packet, ws::SendOptions options) {
  return engine_->send_packet(packet, options);
}

bool Client::is_open() const noexcept {
  return engine_->is_open();
}

Revision Client::revision() const noexcept {
  return engine_->revision();
}

Transport Client::transport() const noexcept {
  return engine_->transport();
}

const Handshake& Client::handshake() const noexcept {
  return engine_->handshake();
}

std::size_t Client::buffered_bytes() noexcept {
  return engine_->buffered_bytes();
}

}  // namespace hilo::engineio

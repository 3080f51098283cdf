// SPDX-License-Identifier: MIT

#include "ws/connection.h"

#include <utility>

#include "ws/connection_engine.h"

namespace hilo::ws {

// --- sending (the rest of send() is in connection_output.cc) -------------------------------------

Sent Connection::send(EncodedMessage& message) {
  return engine().send(message);
}

Sent Connection::send_fragment(Opcode opcode, Bytes payload, bool final) {
  return engine().send_fragment(opcode, payload, final);
}

void Connection::deliver(Opcode opcode, Bytes payload, SendOptions options) {
  engine().deliver(opcode, payload, options);
}

void Connection::deliver(EncodedMessage& message) {
  engine().deliver(message);
}

Status Connection::ping(Bytes payload) {
  return engine().ping(payload);
}

Status Connection::close(CloseCode code, std::string_view reason) {
  return engine().close(code, reason);
}

void Connection::abort() {
  engine().abort();
}

void Connection::pause() {
  engine().pause();
}

void Connection::resume() {
  engine().resume();
}

Sender Connection::sender() noexcept {
  return engine().sender();
}

// --- topics --------------------------------------------------------------------------------------

Status Connection::subscribe(std::string_view topic) noexcept {
  return engine().subscribe(topic);
}

bool Connection::unsubscribe(std::string_view topic) noexcept {
  return engine().unsubscribe(topic);
}

std::size_t Connection::subscription_count() const noexcept {
  return engine().subscription_count();
}

// --- facts ---------------------------------------------------------------------------------------

ConnectionId Connection::id() const noexcept {
  return engine().id();
}

Role Connection::role() const noexcept {
  return engine().role();
}

bool Connection::is_open() const noexcept {
  return engine().is_open();
}

bool Connection::is_gone() const noexcept {
  return engine().is_gone();
}

CloseInfo Connection::close_info() const noexcept {
  return engine().close_info();
}

const net::PeerAddress& Connection::peer() const noexcept {
  return engine().peer();
}

const KeptRequest& Connection::request() const noexcept {
  return engine().request();
}

std::string_view Connection::path() const noexcept {
  return request().path();
}

std::string_view Connection::subprotocol() const noexcept {
  return request().subprotocol();
}

bool Connection::compresses() const noexcept {
  return engine().compresses();
}

std::size_t Connection::buffered_bytes() const noexcept {
  return engine().buffered_bytes();
}

std::uint64_t Connection::received_bytes() const noexcept {
  return engine().received_bytes();
}

RoundTrips Connection::round_trips() const noexcept {
  return engine().round_trips();
}

std::size_t Connection::held_bytes() const noexcept {
  return engine().held_bytes();
}

std::size_t Connection::held_share() const noexcept {
  return engine().held_share();
}

std::size_t Connection::assembled_bytes() const noexcept {
  return engine().assembled_bytes();
}

net::Loop& Connection::loop() const noexcept {
  return engine().loop();
}

const net::tls::TlsTransport* Connection::tls() const noexcept {
  return engine().tls();
}

void Connection::give_up_memory() {
  engine().give_up_memory();
}

// --- the application's own data ------------------------------------------------------------------

void Connection::keep_data(std::unique_ptr<Data> data) noexcept {
  engine().keep_data(std::move(data));
}

Connection::Data* Connection::kept_data() noexcept {
  return engine().kept_data();
}

}  // namespace hilo::ws

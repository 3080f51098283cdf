// SPDX-License-Identifier: MIT

#include "ws/server.h"

#include <utility>

#include "ws/server_engine.h"

namespace hilo::ws {

Service& Service::on_upgrade(Callback<Decision(const Request&)> callback) {
  upgrade_ = std::move(callback);
  return *this;
}

Service& Service::on_upgrade_later(Callback<void(PendingUpgrade&)> callback) {
  upgrade_later_ = std::move(callback);
  return *this;
}

Server::Server(net::Loop& loop, const Limits& limits, ServerOptions options)
    : engine_(new Engine(loop, limits, std::move(options))) {}

Server::~Server() = default;

void Server::destroy_later(std::unique_ptr<Server> server) {
  net::Loop& loop = server->loop();
  loop.destroy_later(std::unique_ptr<net::Doomed>(static_cast<net::Doomed*>(server.release())));
}

// --- what is served ------------------------------------------------------------------------------

Service& Server::at(std::string_view pattern) {
  return engine_->at(pattern);
}

Handlers& Server::handlers() {
  return engine_->default_service().handlers();
}

Server& Server::on_upgrade(Callback<Decision(const Request&)> callback) {
  engine_->default_service().on_upgrade(std::move(callback));
  return *this;
}

Server& Server::on_upgrade_later(Callback<void(PendingUpgrade&)> callback) {
  engine_->default_service().on_upgrade_later(std::move(callback));
  return *this;
}

Server& Server::on(Method method, std::string_view pattern, http::Route route,
                   const http::RouteOptions& options) {
  engine_->on(method, pattern, std::move(route), options);
  return *this;
}

Status Server::files(std::string_view prefix, std::string_view directory,
                     const FilesOptions& options) {
  return engine_->files(prefix, directory, options);
}

Server& Server::transfer(std::string_view pattern, Destination destination) {
  engine_->transfer(pattern, std::move(destination));
  return *this;
}

Server& Server::transfer_by(std::string_view pattern,
                            Callback<Destination(const Request&)> destination_of) {
  engine_->transfer_by(pattern, std::move(destination_of));
  return *this;
}

Destination Server::destination() {
  return engine_->destination();
}

// --- where ---------------------------------------------------------------------------------------

Result<net::Address> Server::listen(const ListenOptions& options) {
  return engine_->listen(options);
}

Result<net::Address> Server::listen(const net::Address& address, const ListenOptions& options) {
  return engine_->listen(address, options);
}

Result<net::Address> Server::listen(net::Fd listening, const ListenOptions& options) {
  return engine_->listen(std::move(listening), options);
}

std::vector<int> Server::listening_descriptors() const {
  return engine_->listening_descriptors();
}

void Server::adopt(net::Fd fd, const net::Address& peer, const net::tls::ServerContext* tls) {
  engine_->adopt(std::move(fd), peer, tls);
}

// --- handshakes that wait ------------------------------------------------------------------------

bool Server::accept(UpgradeId id, Accept accept) {
  return engine_->answer(id, std::move(accept));
}

bool Server::reject(UpgradeId id, Reject reject) {
  return engine_->answer(id, std::move(reject));
}

std::size_t Server::pending_upgrade_count() const noexcept {
  return engine_->pending_upgrade_count();
}

// --- who is there --------------------------------------------------------------------------------

std::size_t Server::connection_count() const noexcept {
  return engine_->connection_count();
}

std::size_t Server::http_connection_count() const noexcept {
  return engine_->http_connection_count();
}

Census Server::census() noexcept {
  return engine_->census();
}

Posted Server::publish(std::string_view topic, Opcode opcode, Bytes payload,
                       PublishOptions options) noexcept {
  return hub().publish(topic, opcode, payload, options);
}

Posted Server::publish(std::string_view topic, const Message& message,
                       PublishOptions options) noexcept {
  return hub().publish(topic, message.opcode, message.payload, options);
}

Hub& Server::hub() noexcept {
  return engine_->hub();
}

Connection* Server::find(ConnectionId id) noexcept {
  return engine_->find(id);
}

void Server::for_each(Callback<void(Connection&)> visit) {
  engine_->for_each(std::move(visit));
}

http::Exchange* Server::exchange(http::ExchangeId id) noexcept {
  return engine_->exchange(id);
}

// --- the end -------------------------------------------------------------------------------------

void Server::stop(CloseCode code, Callback<void()> on_stopped) {
  engine_->stop(code, std::move(on_stopped));
}

void Server::drain(const DrainOptions& options, Callback<void()> on_drained) {
  engine_->drain(options, std::move(on_drained));
}

bool Server::is_draining() const noexcept {
  return engine_->is_draining();
}

bool Server::refuses_handshakes() const noexcept {
  return engine_->refuses_handshakes();
}

// --- for layers on top ---------------------------------------------------------------------------

void Server::add_memory_holder(std::weak_ptr<MemoryHolder> holder) {
  engine_->add_memory_holder(std::move(holder));
}

void Server::look_at_memory() noexcept {
  engine_->look_at_memory();
}

const Metrics& Server::metrics() const noexcept {
  return engine_->metrics();
}

Log& Server::log() noexcept {
  return engine_->log();
}

net::Loop& Server::loop() const noexcept {
  return engine_->loop();
}

const Limits& Server::limits() const noexcept {
  return engine_->limits();
}

const ServerOptions& Server::options() const noexcept {
  return engine_->options();
}

std::uint8_t Server::loop_index() const noexcept {
  return options().loop_index;
}

}  // namespace hilo::ws

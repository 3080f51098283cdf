// SPDX-License-Identifier: MIT

#include "ws/socketio/server.h"

#include "ws/socketio/client.h"
#include "ws/socketio/neighbour.h"

namespace hilo::socketio {
namespace {

Client* client_of(engineio::Socket& engine) noexcept {
  return static_cast<Client*>(engine.attachment());
}

}  // namespace

Server::Server(ws::Server& http, Options options, std::string_view path)
    : options_(std::move(options)),
      self_(std::make_shared<Server*>(this)),
      engine_(http, path, options_.engine) {
  options_.packet.attachment_bytes_max = engine_.options().payload_bytes_max;
  main_ = &of("/");
  if (const auto token = loop().watch(-1, net::Interest::none, *this)) token_ = *token;
  engine_.on_open([this](engineio::Socket& engine) {
    engine.attach(std::make_unique<Client>(*this, engine));
    client_of(engine)->open();
  });
  engine_.on_message([](engineio::Socket& engine, engineio::Message message) {
    client_of(engine)->receive(message);
  });
  engine_.on_close([](engineio::Socket& engine, engineio::CloseReason reason) {
    if (Client* const client = client_of(engine)) client->gone(engineio::to_string(reason));
  });
}

Server::~Server() {
  adapter_.reset();
  *self_ = nullptr;
  loop().unwatch(token_);
}

// --- others --------------------------------------------------------------------------------------

void Server::meet(std::span<Server* const> servers) {
  if (servers.size() < 2) return;
  std::vector<engineio::Server*> engines;
  std::vector<Neighbours*> neighbours;
  for (Server* const each : servers) {
    engines.push_back(&each->engine_);
    auto adapter = std::make_unique<Neighbours>(*each);
    neighbours.push_back(adapter.get());
    each->set_adapter(std::move(adapter));
  }
  Neighbours::meet(neighbours);
  engineio::Server::meet(engines);
}

void Server::receive(const ServerMessage& message, ServerReply reply) {
  const auto found = namespaces_.find(message.nsp);
  if (found == namespaces_.end()) return reply({}, Json::array());
  guarded([&] { found->second->receive(message, std::move(reply)); });
}

void Server::receive(ServerAnswer answer) {
  const auto found = namespaces_.find(answer.nsp);
  if (found != namespaces_.end()) found->second->receive(std::move(answer));
}

// --- namespaces ----------------------------------------------------------------------------------

Namespace& Server::of(std::string_view name) {
  std::string with_slash(name);
  if (!with_slash.starts_with('/')) with_slash.insert(0, 1, '/');
  if (const auto found = namespaces_.find(with_slash); found != namespaces_.end()) {
    return *found->second;
  }
  auto made = std::make_unique<Namespace>(*this, with_slash);
  const std::string_view key = made->name();
  return *namespaces_.emplace(key, std::move(made)).first->second;
}

Server& Server::of(Callback<bool(std::string_view name, const Json& auth)> may_be,
                   Callback<void(Namespace&)> made) {
  dynamic_.push_back({std::move(may_be), std::move(made)});
  return *this;
}

Namespace* Server::find(std::string_view name, const Json& auth) {
  if (const auto found = namespaces_.find(name); found != namespaces_.end()) {
    return found->second.get();
  }
  if (dynamic_count_ >= options_.dynamic_namespaces_max) return nullptr;
  for (Dynamic& dynamic : dynamic_) {
    bool may_be = false;
    if (!guarded([&] { may_be = dynamic.may_be(name, auth); }) || !may_be) continue;
    ++dynamic_count_;
    Namespace& nsp = of(name);
    if (!guarded([&] { dynamic.made(nsp); })) return nullptr;
    return &nsp;
  }
  return nullptr;
}

// --- later ---------------------------------------------------------------------------------------

void Server::on_ready(net::Ready) {}

void Server::tell_later(SocketState& socket, Namespace& nsp) {
  ended_.push_back({&nsp, socket.handle});
  loop().schedule(token_, net::Phase::reap);
}

void Server::on_reap() {
  std::vector<SocketKey> ended;
  ended.swap(ended_);
  for (const SocketKey& key : ended) {
    if (SocketState* const socket = key.nsp->state(key.handle)) key.nsp->tell(*socket);
  }
}

net::Loop::TimerId Server::later(net::Duration after, Callback<void()> callback) {
  return loop().call_after(after, [self = self_, callback = std::move(callback)]() mutable {
    if (*self != nullptr) callback();
  });
}

void Server::reject(Errc error, const engineio::Socket* engine) {
  ++metrics_.rejects[static_cast<std::size_t>(error)];
  ws::Log::Reject line;
  if (engine != nullptr) {
    line.peer = engine->peer();
    line.connection = engine->id().value;
  }
  engine_.http().log().reject("sio", rule(error).label, line, loop().now());
}

void Server::close() {
  engine_.close_all();
}

}  // namespace hilo::socketio

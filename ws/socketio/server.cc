// SPDX-License-Identifier: MIT

#include "ws/socketio/server.h"

#include "ws/log.h"
#include "ws/socketio/client.h"
#include "ws/socketio/neighbour.h"

namespace hilo::socketio {
namespace {

Client* client_of(engineio::Socket& engine) noexcept {
  return static_cast<Client*>(engine.layer());
}

}  // namespace

Server::Server(ws::Server& http, Options options, std::string_view path)
    : options_(std::move(options)),
      self_(std::make_shared<Server*>(this)),
      engine_(http, path, options_.engine) {
  options_.packet.attachment_bytes_max = engine_.options().payload_bytes_max;
  main_ = &of("/");
  if (const auto token = loop().watch(-1, net::Interest::none, *this)) token_ = *token;
  const auto open = [this](engineio::Socket& engine) {
    engine.attach_layer(std::make_unique<Client>(*this, engine));
    client_of(engine)->open();
  };
  const auto receive = [](engineio::Socket& engine, engineio::Message message) {
    client_of(engine)->receive(message);
  };
  const auto close = [](engineio::Socket& engine, engineio::CloseReason reason) {
    if (Client* const client = client_of(engine)) client->gone(engineio::to_string(reason));
  };
  engine_.set_layer({open, receive, close});
}

Server::~Server() {
  adapter_.reset();
  *self_ = nullptr;
  // What goes with the clients, or with another namespace, may hold an Ack or a Next of these.
  for (const auto& [name, nsp] : namespaces_) nsp->raise_anchors();
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

void Server::set_adapter(std::unique_ptr<Adapter> adapter) {
  adapter_ = std::move(adapter);
  if (adapter_ == nullptr || !options_.recovery.enabled) return;
  engine_.http().log().line(ws::LogLevel::error, "sio_recovery_off", "reason=several_servers");
}

void Server::receive(const ServerMessage& message, ServerReply reply) {
  const auto found = namespaces_.find(message.nsp);
  if (found == namespaces_.end()) {
    // It has no sockets, and nobody who listens: such a reply is let go of.
    if (message.type != ServerMessage::Type::say) reply({}, Json::array());
    return;
  }
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
  const auto found = namespaces_.find(with_slash);
  if (found == namespaces_.end()) return make(with_slash);
  // Whoever names it may keep it.
  if (std::exchange(found->second->dynamic_, false)) --dynamic_count_;
  return *found->second;
}

// One that is named before anybody came is set up as those are that clients ask for, or else the
// first of them would find no middleware in its way. Where that throws, nobody may come in.
Namespace& Server::make(std::string_view with_slash) {
  Namespace& nsp = add(with_slash);
  const bool is_made = guarded([&] {
    const Json nobodys;
    for (Dynamic& dynamic : dynamic_) {
      if (dynamic.may_be(nsp.name(), nobodys)) return dynamic.made(nsp);
    }
  });
  if (!is_made) {
    engine_.http().log().line(ws::LogLevel::error, "sio_namespace_threw", {});
    nsp.use([](const Socket&, Next next) { next("not set up"); });
  }
  return nsp;
}

Namespace& Server::add(std::string_view with_slash) {
  auto made = std::make_unique<Namespace>(*this, std::string(with_slash));
  if (tells_unlisted_) has_unlisted_ = true;
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
    Namespace& nsp = add(name);
    nsp.dynamic_ = true;
    ++dynamic_count_;
    if (guarded([&] { dynamic.made(nsp); })) return &nsp;
    // Half set up, without its middleware perhaps: nobody may come in.
    engine_.http().log().line(ws::LogLevel::error, "sio_namespace_threw", {});
    if (nsp.dynamic_) --dynamic_count_;
    namespaces_.erase(nsp.name());
    return nullptr;
  }
  return nullptr;
}

// Without memory for that it stays until the next one has left it.
void Server::let_go_later(std::string_view name) noexcept {
  if (!guarded([&] { deserted_.emplace_back(name); })) return;
  loop().schedule(token_, net::Phase::reap);
}

// --- later ---------------------------------------------------------------------------------------

void Server::on_ready(net::Ready) {}

void Server::tell_later(SocketState& socket, Namespace& nsp) noexcept {
  if (!guarded([&] { ended_.push_back(nsp.key(socket)); })) has_unlisted_ = true;
  loop().schedule(token_, net::Phase::reap);
}

void Server::on_reap() {
  std::vector<SocketKey> ended;
  ended.swap(ended_);
  for (const SocketKey& key : ended) {
    Namespace* const nsp = key.nsp.get();
    SocketState* const socket = nsp != nullptr ? nsp->state(key.handle) : nullptr;
    if (socket != nullptr) nsp->tell(*socket);
  }
  tell_unlisted();
  // Somebody may have come in since.
  for (const auto& name : std::exchange(deserted_, {})) {
    const auto found = namespaces_.find(name);
    if (found == namespaces_.end() || !found->second->is_deserted()) continue;
    --dynamic_count_;
    namespaces_.erase(found);
  }
}

// What is called may add namespaces, and then it begins anew; none goes in here.
void Server::tell_unlisted() {
  while (std::exchange(has_unlisted_, false)) {
    tells_unlisted_ = true;
    for (auto at = namespaces_.begin(); at != namespaces_.end(); ++at) {
      at->second->tell_ended();
      if (has_unlisted_) break;
    }
    tells_unlisted_ = false;
  }
}

net::Loop::TimerId Server::later(net::Duration after, Callback<void()> callback) {
  return loop().call_after(after, [self = self_, callback = std::move(callback)]() mutable {
    if (*self != nullptr) callback();
  });
}

void Server::reject(Errc error, const engineio::Socket* engine) {
  ++metrics_.rejects[static_cast<std::size_t>(error)];
  ws::Log::Reject line{.bytes_in = message_bytes_};
  if (engine != nullptr) {
    line.peer = engine->peer();
    line.connection = engine->id().value;
    // A WebSocket is closed without a code, which a peer sees as this one.
    const bool is_told = engine->transport() == engineio::Transport::websocket && ends(error);
    if (is_told) line.code = static_cast<std::uint16_t>(ws::CloseCode::no_status);
  }
  engine_.http().log().reject("sio", rule(error).label, line, loop().now());
}

void Server::close() {
  engine_.close_all();
}

}  // namespace hilo::socketio

// SPDX-License-Identifier: MIT
//
// The front of Server: where it listens, and who is let in.
//
//   accept -> [header of a proxy] -> admission -> [TLS] -> HttpConnection

#include <algorithm>
#include <new>
#include <utility>

#include "net/observed_transport.h"
#include "net/socket.h"
#include "ws/guard.h"
#include "ws/server_door.h"
#include "ws/server_engine.h"

namespace hilo::ws {
namespace {

// So many who find the server full are told so at a time, with descriptors that Admission spares.
constexpr std::uint32_t turned_away_max = 32;

}  // namespace

// --- listening -----------------------------------------------------------------------------------

Result<net::Address> Server::Engine::listen(const ListenOptions& options) {
  if (!options.unix_path.empty()) {
    const Result<net::Address> address = net::Address::from_unix_path(options.unix_path);
    return address ? listen(*address, options) : Result<net::Address>{address.error()};
  }
  if (options.host.empty()) return listen_to_all(options);
  std::string_view host = options.host;
  if (host == "localhost") host = "127.0.0.1";
  const Result<net::Address> address = net::Address::from_ip(host, options.port);
  return address ? listen(*address, options) : Result<net::Address>{address.error()};
}

Result<net::Address> Server::Engine::listen_to_all(const ListenOptions& options) {
  Result<net::Address> bound = listen(*net::Address::from_ip("::", options.port), options);
  // Without IPv6 in the kernel, or with all of it disabled.
  if (bound.error() == std::errc::address_family_not_supported ||
      bound.error() == std::errc::address_not_available) {
    bound = listen(*net::Address::from_ip("0.0.0.0", options.port), options);
  }
  return bound;
}

Result<net::Address> Server::Engine::listen(const net::Address& address,
                                            const ListenOptions& options) {
  net::Listener::Options listener_options;
  listener_options.socket.backlog = options.backlog;
  listener_options.socket.reuse_port = options.reuse_port;
  listener_options.socket.user_timeout = limits_.tcp_user_timeout;
  listener_options.socket.unix_mode = options.unix_mode;
  // Listening to all means all: an empty host takes IPv4 along.
  listener_options.socket.ipv6_only = !options.host.empty();
  Result<net::Fd> listening = net::socket::listen(address, listener_options.socket);
  return listening ? listen(std::move(*listening), options)
                   : Result<net::Address>{listening.error()};
}

Result<net::Address> Server::Engine::listen(net::Fd listening, const ListenOptions& options) {
  if (const Status fit = net::socket::adopt_listening(listening.value()); !fit) return fit.error();
  auto door = std::make_unique<Door>(*loop_, options);
  net::Listener::Options listener_options;
  listener_options.socket.backlog = options.backlog;
  listener_options.accepts_per_turn_max =
      static_cast<int>(std::clamp(limits_.accepts_per_turn_max, 1U, 1U << 16));
  const Status opened = door->listener.adopt(
      std::move(listening), listener_options,
      [this, at = door.get()](net::Fd fd, const net::Address& peer) {
        receive(*at, std::move(fd), peer);
      },
      [this](std::error_code) {
        metrics_.shed = 0;
        for (const auto& each : doors_) metrics_.shed += each->listener.shed_count();
        log_.reject({.error = Errc::no_descriptors}, loop_->now());
      });
  if (!opened) return opened.error();
  const net::Address bound = door->listener.address();
  doors_.push_back(std::move(door));
  return bound;
}

std::vector<int> Server::Engine::listening_descriptors() const {
  std::vector<int> descriptors;
  for (const std::unique_ptr<Door>& door : doors_) {
    if (door->listener.is_open()) descriptors.push_back(door->listener.fd());
  }
  return descriptors;
}

// --- coming in -----------------------------------------------------------------------------------

void Server::Engine::receive(Door& door, net::Fd fd, const net::Address& address) {
  const net::PeerAddress peer{address};
  if (!door.proxy_protocol) return adopt(std::move(fd), address, door.tls.get());
  ++metrics_.accepted;
  // Where proxies are named, nobody else may speak for others.
  if (!options_.trusted_proxies.empty() && !net::contains(options_.trusted_proxies, peer)) {
    return turn_away(Errc::proxy_header, std::move(fd), peer, door.tls.get());
  }
  // Whose connection it is, its header will tell. Until then it counts in all, as nobody's.
  const Errc refusal = admission_->admit({}, loop_->now());
  if (refusal != Errc::none) return turn_away(refusal, std::move(fd), peer, door.tls.get());
  ProxyPreface::Host& host = *this;
  const auto entry = prefaces_.emplace(*loop_, host, std::move(fd), peer, &door);
  if (entry.object != nullptr && entry.object->start(limits_.head_timeout)) return;
  prefaces_.erase(entry.handle);
  admission_->release({});
  log_.reject({.error = Errc::no_memory, .peer = peer}, loop_->now());
}

void Server::Engine::on_preface(ProxyPreface& preface, const net::PeerAddress& peer) {
  const net::PeerAddress source = peer;  // may lie in what is erased
  const net::tls::ServerContext* const tls = static_cast<Door*>(preface.door())->tls.get();
  net::Fd fd = preface.release();
  prefaces_.erase(preface.handle());
  const Errc refusal = admission_->move({}, source, loop_->now());
  if (refusal != Errc::none) {
    admission_->release({});
    turn_away(refusal, std::move(fd), source, tls);
  } else if (serve(std::move(fd), source, tls) == nullptr) {
    admission_->release(source);
  }
  check_stopped();
}

void Server::Engine::on_preface_failed(ProxyPreface& preface, Errc error) {
  if (error != Errc::none) {
    log_.reject({.error = error, .peer = preface.proxy(), .bytes_in = preface.received_bytes()},
                loop_->now());
  }
  prefaces_.erase(preface.handle());
  admission_->release({});
  check_stopped();
}

void Server::Engine::adopt(net::Fd fd, const net::Address& peer,
                           const net::tls::ServerContext* tls) {
  ++metrics_.accepted;
  const net::PeerAddress from{peer};
  const Errc refusal = admission_->admit(from, loop_->now());
  if (refusal != Errc::none) return turn_away(refusal, std::move(fd), from, tls);
  if (serve(std::move(fd), from, tls) == nullptr) admission_->release(from);
}

// Before TLS, and so without a word, but for a plain connection to a server that is full. Who asks
// too often is to be cheap.
void Server::Engine::turn_away(Errc error, net::Fd fd, const net::PeerAddress& peer,
                               const net::tls::ServerContext* tls) {
  if (error == Errc::connections_full && tls == nullptr && turned_away_ < turned_away_max) {
    HttpConnection* const connection = serve(std::move(fd), peer, nullptr);
    if (connection == nullptr) return;
    ++turned_away_;
    connection->turn_away();
    return connection->refuse(error);
  }
  log_.reject({.error = error, .peer = peer}, loop_->now());
}

HttpConnection* Server::Engine::serve(net::Fd fd, const net::PeerAddress& peer,
                                      const net::tls::ServerContext* tls) {
  HttpConnection::Host& host = *this;
  const auto entry = http_connections_.emplace(*loop_, host, limits_, peer);
  std::unique_ptr<net::Transport> transport;
  if (entry.object != nullptr && tls != nullptr) transport = tls->accept(fd.value());
  std::unique_ptr<net::Stream> stream;
  if (entry.object != nullptr && (tls == nullptr || transport != nullptr)) {
    stream.reset(new (std::nothrow) net::Stream(*loop_, std::move(transport), std::move(fd),
                                                entry.object->stream_handler()));
  }
  if (stream && entry.object->start(std::move(stream))) {
    if (options_.observe_accepted) observe_accepted(*entry.object);
    return entry.object;
  }
  log_.reject({.error = Errc::no_memory, .peer = peer}, loop_->now());
  http_connections_.erase(entry.handle);
  return nullptr;
}

// --- who is looked at ----------------------------------------------------------------------------

// Without memory for it nobody observes.
void Server::Engine::observe_accepted(HttpConnection& connection) noexcept {
  static_cast<void>(guarded([&] {
    auto observer = options_.observe_accepted(connection.socket_peer());
    if (observer != nullptr) static_cast<void>(connection.stream().observe(std::move(observer)));
  }));
}

void Server::Engine::on_head(HttpConnection& connection, const RequestHead& head,
                             MutableBytes input) {
  if (!options_.observe_request) return;
  static_cast<void>(guarded([&] {
    net::Stream& stream = connection.stream();
    const net::PeerAddress peer = asked_by(connection, head);
    const auto observer = options_.observe_request(Request{head, peer}, stream.observer());
    if (observer == nullptr || !stream.observe(observer)) return;
    observer->on_read({.bytes = input.size()}, input);
  }));
}

}  // namespace hilo::ws

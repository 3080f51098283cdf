// SPDX-License-Identifier: MIT

#include "ws/server.h"

#include <new>
#include <utility>

#include "ws/core/handshake.h"
#include "ws/guard.h"

namespace hilo::ws {
namespace {

bool is_offered(FieldListReader offered, std::string_view subprotocol) noexcept {
  while (const std::optional<std::string_view> one = offered.next()) {
    if (*one == subprotocol) return true;
  }
  return false;
}

}  // namespace

Server::Server(net::Loop& loop, const Limits& limits, ServerOptions options)
    : loop_(&loop),
      limits_(limits),
      options_(std::move(options)),
      log_(metrics_, std::move(options_.log), options_.log_rejects_per_second_max),
      hub_(loop, limits_) {
  shared_.loop = loop_;
  shared_.limits = &limits_;
  shared_.message_limits = limits_.message();
  shared_.queue_bytes_limit = limits_.queue_bytes_limit();
  shared_.metrics = &metrics_;
  shared_.log = &log_;
  shared_.owner = this;
  shared_.hub = &hub_;
  shared_.measure_round_trips = options_.measure_round_trips;
  shared_.loop_index = options_.loop_index;
  if (options_.deflate.enabled) {
    deflate_ = std::make_unique<DeflateContexts>(options_.deflate, limits_.deflate_memory_bytes_max,
                                                 metrics_);
  }
}

Server::~Server() {
  listeners_.clear();
  connections_.for_each([](Connection& connection, SlabHandle) { connection.end_now(); });
}

Server& Server::on_upgrade(Callback<Decision(const Request&)> callback) {
  has_default_service_ = true;
  default_service_.on_upgrade(std::move(callback));
  return *this;
}

Handlers& Server::handlers() {
  has_default_service_ = true;
  return default_service_.handlers_;
}

// --- listening -----------------------------------------------------------------------------------

Result<net::Address> Server::listen(const ListenOptions& options) {
  if (!options.unix_path.empty()) {
    const Result<net::Address> address = net::Address::from_unix_path(options.unix_path);
    return address ? listen(*address, options) : Result<net::Address>{address.error()};
  }
  std::string_view host = options.host;
  if (host == "localhost") host = "127.0.0.1";
  const Result<net::Address> address =
      net::Address::from_ip(host.empty() ? std::string_view{"::"} : host, options.port);
  return address ? listen(*address, options) : Result<net::Address>{address.error()};
}

Result<net::Address> Server::listen(const net::Address& address, const ListenOptions& options) {
  auto listener = std::make_unique<net::Listener>(*loop_);
  net::Listener::Options listener_options;
  listener_options.socket.backlog = options.backlog;
  listener_options.socket.reuse_port = options.reuse_port;
  listener_options.socket.user_timeout = limits_.tcp_user_timeout;
  // Listening to all means all: an empty host takes IPv4 along.
  listener_options.socket.ipv6_only = !options.host.empty();
  Status opened = listener->open(
      address, listener_options,
      [this, tls = options.tls](net::Fd fd, const net::Address& peer) {
        adopt(std::move(fd), peer, tls.get());
      },
      [this](std::error_code) {
        metrics_.shed = 0;
        for (const auto& each : listeners_) metrics_.shed += each->shed_count();
        log_.reject({.error = Errc::no_descriptors}, loop_->now());
      });
  if (!opened) return opened.error();
  const net::Address bound = listener->address();
  listeners_.push_back(std::move(listener));
  return bound;
}

void Server::adopt(net::Fd fd, const net::Address& peer, const net::tls::ServerContext* tls) {
  ++metrics_.accepted;
  HttpConnection::Host& host = *this;
  const auto entry = http_connections_.emplace(*loop_, host, limits_, net::PeerAddress{peer});
  if (entry.object == nullptr) {
    return log_.reject({.error = Errc::no_memory, .peer = net::PeerAddress{peer}}, loop_->now());
  }
  std::unique_ptr<net::Transport> transport;
  if (tls != nullptr) transport = tls->accept(fd.value());
  std::unique_ptr<net::Stream> stream;
  if (tls == nullptr || transport != nullptr) {
    stream.reset(new (std::nothrow) net::Stream(*loop_, std::move(transport), std::move(fd),
                                                entry.object->stream_handler()));
  }
  if (stream && entry.object->start(std::move(stream))) return;
  log_.reject({.error = Errc::no_memory, .peer = net::PeerAddress{peer}}, loop_->now());
  http_connections_.erase(entry.handle);
}

// --- upgrades ------------------------------------------------------------------------------------

void Server::upgrade(HttpConnection& connection, Service& service, const Request& request) {
  const RequestHead& head = request.head();
  const UpgradeCheck check = check_upgrade(head);
  if (check.error != Errc::none) return connection.refuse(check.error);
  const Errc origin = check_origin(
      {.fields = head.fields, .host = head.host, .is_tls = connection.tls() != nullptr},
      options_.origin);
  if (origin != Errc::none) return connection.refuse(origin);

  if (service.upgrade_) {
    Decision decision = Reject{.status = 500, .reason = "the handler failed\n"};
    if (!guarded([&] { decision = service.upgrade_(request); })) {
      return connection.refuse(Errc::handler_threw);
    }
    if (const Reject* reject = std::get_if<Reject>(&decision)) {
      on_http_reject(connection, Errc::upgrade_refused);
      return connection.refuse(reject->status, reject->reason);
    }
    // The handler may have stopped the server.
    if (stopping_) return connection.refuse(503, "shutting down\n");
    return open(connection, service, head, check, *std::get_if<Accept>(&decision));
  }
  const std::string_view subprotocol =
      choose_subprotocol(check.subprotocols, options_.subprotocols);
  if (options_.subprotocol_required && subprotocol.empty()) {
    return connection.refuse(Errc::upgrade_protocol_required);
  }
  open(connection, service, head, check, {.subprotocol = subprotocol, .fields = {}});
}

void Server::open(HttpConnection& http, Service& service, const RequestHead& head,
                  const UpgradeCheck& check, const Accept& accept) {
  // RFC 6455 §4.2.2: only what the client offered; it would fail the connection otherwise.
  if (!accept.subprotocol.empty() && !is_offered(check.subprotocols, accept.subprotocol)) {
    return http.refuse(Errc::handler_threw);
  }
  std::optional<DeflateAnswer> deflate;
  CompressionPointer compression;
  if (deflate_ && check.has_extensions) deflate = accept_deflate(head.fields, options_.deflate);
  if (deflate) compression = deflate_->make(Role::server, deflate->agreed);
  Buffer response{loop_->pool()};
  // Without memory for compression the connection goes on without it.
  const Status written = write_upgrade_response(
      response, {.key = check.key,
                 .subprotocol = accept.subprotocol,
                 .extensions = compression ? deflate->text.view() : std::string_view{},
                 .fields = accept.fields});
  // Fields that cannot be sent are the application's mistake.
  if (!written) return http.refuse(Errc::handler_threw);

  Result<KeptRequest> kept = keep(head, accept.subprotocol);
  if (!kept) return http.refuse(Errc::no_memory);
  const auto entry = connections_.emplace(Role::server, shared_, service.handlers_, http.peer());
  if (entry.object == nullptr) return http.refuse(Errc::no_memory);

  entry.object->compress_with(std::move(compression));
  std::unique_ptr<net::Stream> stream = http.release_stream();
  ++metrics_.upgrades;
  // A write that fails breaks the stream, and the connection hears of that.
  static_cast<void>(stream->write(Bytes{response.readable()}));
  entry.object->open(std::move(stream), std::move(*kept));
}

// Many connections ask for the same: without their fields they share what is kept of it.
Result<KeptRequest> Server::keep(const RequestHead& head, std::string_view subprotocol) noexcept {
  if (options_.keep_request_fields) return KeptRequest::copy(head, subprotocol, true);
  if (recent_request_.path() != head.path || recent_request_.query() != head.query ||
      recent_request_.subprotocol() != subprotocol) {
    Result<KeptRequest> kept = KeptRequest::copy(head, subprotocol, false);
    if (!kept) return kept;
    recent_request_ = std::move(*kept);
  }
  return recent_request_.share();
}

void Server::on_http_reject(HttpConnection& connection, Errc error) {
  log_.reject({.error = error,
               .peer = connection.peer(),
               .connection = connection.number(),
               .bytes_in = connection.stream().received_bytes(),
               .code = http_status_for(error)},
              loop_->now());
}

// --- who is there --------------------------------------------------------------------------------

Connection* Server::find(ConnectionId id) noexcept {
  if (id.loop_index() != options_.loop_index) return nullptr;
  return connections_.find(id.handle());
}

http::Exchange* Server::exchange(http::ExchangeId id) noexcept {
  HttpConnection* connection = http_connections_.find(id.connection);
  return connection != nullptr ? connection->waiting_exchange(id.number) : nullptr;
}

void Server::on_http_gone(HttpConnection& connection) {
  http_connections_.erase(connection.handle());
  check_stopped();
}

void Server::on_connection_gone(Connection& connection) {
  connections_.erase(connection.id().handle());
  check_stopped();
}

// --- the end -------------------------------------------------------------------------------------

void Server::stop(CloseCode code, Callback<void()> on_stopped) {
  stopping_ = true;
  if (on_stopped) on_stopped_ = std::move(on_stopped);
  for (const std::unique_ptr<net::Listener>& listener : listeners_) listener->close();
  connections_.for_each([code](Connection& connection, SlabHandle) {
    // Those that are closing already go on with that. A code that may not be sent ends them, too.
    if (!connection.close(code) && connection.is_open()) connection.abort();
  });
  http_connections_.for_each(
      [](HttpConnection& connection, SlabHandle) { connection.close_when_idle(); });
  check_stopped();
}

// Never from within stop() or a handler: the application may destroy the server there.
void Server::check_stopped() {
  if (!stopping_ || !on_stopped_) return;
  if (connections_.size() != 0 || http_connections_.size() != 0) return;
  loop_->post(std::exchange(on_stopped_, nullptr));
}

}  // namespace hilo::ws

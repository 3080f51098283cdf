// SPDX-License-Identifier: MIT
//
// The half of Server that makes WebSockets of requests, at once or later.

#include <new>
#include <utility>

#include "ws/core/deflate_contexts.h"
#include "ws/core/handshake.h"
#include "ws/core/origin.h"
#include "ws/guard.h"
#include "ws/server_engine.h"

namespace hilo::ws {
namespace {

bool is_offered(FieldListReader offered, std::string_view subprotocol) noexcept {
  while (const std::optional<std::string_view> one = offered.next()) {
    if (*one == subprotocol) return true;
  }
  return false;
}

// Null where there are none, or no memory for them.
std::unique_ptr<FieldView[]> views_of(const std::vector<Field>& fields) noexcept {
  if (fields.empty()) return nullptr;
  std::unique_ptr<FieldView[]> views(new (std::nothrow) FieldView[fields.size()]);
  if (views == nullptr) return nullptr;
  for (std::size_t i = 0; i < fields.size(); ++i) views[i] = {fields[i].name, fields[i].value};
  return views;
}

}  // namespace

// --- who asks ------------------------------------------------------------------------------------

Forwarded Server::Engine::forwarded(const HttpConnection& connection,
                                    const RequestHead& head) const noexcept {
  return read_forwarded(head.fields, options_.forwarded_by, connection.socket_peer(),
                        options_.trusted_proxies);
}

net::PeerAddress Server::Engine::asked_by(const HttpConnection& connection,
                                          const RequestHead& head) {
  return forwarded(connection, head).peer;
}

// --- at once -------------------------------------------------------------------------------------

void Server::Engine::upgrade(HttpConnection& connection, http::Exchange& exchange, Service& service,
                             const Request& request) {
  if (refuses_handshakes()) return connection.refuse(Errc::draining);
  const RequestHead& head = request.head();
  const UpgradeCheck check = check_upgrade(head);
  const bool is_old = check.error == Errc::upgrade_hixie76 && options_.hixie76 != nullptr;
  if (check.error != Errc::none && !is_old) return connection.refuse(check.error);
  const Forwarded told = forwarded(connection, head);
  const bool is_tls = told.is_tls || connection.tls() != nullptr;
  const Errc origin =
      check_origin({.fields = head.fields, .host = told.host.value_or(head.host), .is_tls = is_tls},
                   options_.origin);
  if (origin != Errc::none) return connection.refuse(origin);
  if (is_old) {
    auto place = std::make_unique<AdmittedPlace>();
    if (!options_.hixie76->prepare(request, is_tls)) return connection.refuse(check.error);
    place->take_over(admission_, connection.socket_peer());
    return options_.hixie76->take(connection.release_stream(), std::move(place));
  }
  if (service.upgrade_) return decide(connection, service, request, check);
  if (service.upgrade_later_) return decide_later(connection, exchange, service, request);

  const std::string_view subprotocol =
      choose_subprotocol(check.subprotocols, options_.subprotocols);
  if (options_.subprotocol_required && subprotocol.empty()) {
    return connection.refuse(Errc::upgrade_protocol_required);
  }
  open(connection, service, head, check, {.subprotocol = std::string(subprotocol), .fields = {}});
}

void Server::Engine::decide(HttpConnection& connection, Service& service, const Request& request,
                            const UpgradeCheck& check) {
  Decision decision = Reject{.status = 500, .reason = "the handler failed\n", .is_told = false};
  if (!guarded([&] { decision = service.upgrade_(request); })) {
    return connection.refuse(Errc::handler_threw);
  }
  if (const Reject* no = std::get_if<Reject>(&decision)) return refuse(connection, *no);
  // The handler may have stopped the server.
  if (refuses_handshakes()) return connection.refuse(Errc::draining);
  open(connection, service, request.head(), check, *std::get_if<Accept>(&decision));
}

// A handler that throws has not said yes.
bool Server::Engine::may_compress(const HttpConnection& connection,
                                  const RequestHead& head) noexcept {
  if (deflate_ == nullptr || !options_.may_compress) return deflate_ != nullptr;
  bool may = false;
  const Request request{head, connection.peer()};
  return guarded([&] { may = options_.may_compress(request); }) && may;
}

void Server::Engine::refuse(HttpConnection& connection, const Reject& reject) {
  if (!reject.is_told) log_reject(connection, Errc::upgrade_refused, reject.status);
  const std::unique_ptr<FieldView[]> fields = views_of(reject.fields);
  if (fields == nullptr && !reject.fields.empty()) return connection.refuse(Errc::no_memory);
  connection.refuse(reject.status, reject.reason, {fields.get(), reject.fields.size()});
}

void Server::Engine::open(HttpConnection& http, Service& service, const RequestHead& head,
                          const UpgradeCheck& check, const Accept& accept) {
  // RFC 6455 §4.2.2: only what the client offered; it would fail the connection otherwise.
  if (!accept.subprotocol.empty() && !is_offered(check.subprotocols, accept.subprotocol)) {
    return http.refuse(Errc::handler_threw);
  }
  const std::unique_ptr<FieldView[]> fields = views_of(accept.fields);
  if (fields == nullptr && !accept.fields.empty()) return http.refuse(Errc::no_memory);
  std::optional<DeflateAnswer> deflate;
  CompressionPointer compression;
  if (check.has_extensions && may_compress(http, head)) {
    deflate = accept_deflate(head.fields, deflate_->agreeable());
  }
  if (deflate) compression = deflate_->make(Role::server, deflate->agreed);
  Buffer response{loop_->pool()};
  // Without memory for compression the connection goes on without it.
  const Status written = write_upgrade_response(
      response, {.key = check.key,
                 .subprotocol = accept.subprotocol,
                 .extensions = compression ? deflate->text.view() : std::string_view{},
                 .fields = {fields.get(), accept.fields.size()}});
  // Fields that cannot be sent are the application's mistake.
  if (!written) return http.refuse(Errc::handler_threw);

  Result<KeptRequest> kept = keep(head, accept.subprotocol);
  if (!kept) return http.refuse(Errc::no_memory);
  // Behind a proxy it is now that a place is taken which counts.
  const bool is_forwarded = !(http.peer() == http.socket_peer());
  if (is_forwarded) {
    const Errc full = admission_->move(http.socket_peer(), http.peer(), loop_->now());
    if (full != Errc::none) {
      on_http_reject(http, full);
      return http.refuse(429, "too many connections\n");
    }
  }
  const auto entry = connections_.emplace(Role::server, shared_by(service), http.peer());
  // The answer is the last that may lack memory, and nothing may be sent without it in front.
  if (entry.object == nullptr || !http.stream().write(Bytes{response.readable()})) {
    connections_.erase(entry.handle);
    if (is_forwarded) static_cast<void>(admission_->move(http.peer(), http.socket_peer(), {}));
    return http.refuse(Errc::no_memory);
  }
  entry.object->compress_with(std::move(compression));
  std::unique_ptr<net::Stream> stream = http.release_stream();
  ++metrics_.upgrades;
  metrics_.handshake_time.record(loop_->now() - http.asking_since());
  // What came while the answer was waited for may have been too much to go on reading.
  stream->resume();
  entry.object->open(std::move(stream), std::move(*kept));
}

Connection::Engine::Shared& Server::Engine::shared_by(const Service& service) noexcept {
  return service.path_ == 0 ? shared_ : paths_[service.path_ - 1]->shared;
}

// Many connections ask for the same, one after the other: they share what is kept of it.
Result<KeptRequest> Server::Engine::keep(const RequestHead& head,
                                         std::string_view subprotocol) noexcept {
  Result<KeptRequest> kept = KeptRequest::copy(head, subprotocol, options_.keep_request_fields);
  if (!kept) return kept;
  if (!kept->equals(recent_request_)) recent_request_ = std::move(*kept);
  return recent_request_.share();
}

// --- later ---------------------------------------------------------------------------------------

void Server::Engine::decide_later(HttpConnection& connection, http::Exchange& exchange,
                                  Service& service, const Request& request) {
  WaitingUpgrade::Host& host = *this;
  const auto entry = pending_.emplace(host, service, exchange.later());
  if (entry.object == nullptr) return connection.refuse(Errc::no_memory);
  WaitingUpgrade& pending = *entry.object;
  if (!pending.keep(request.head())) {
    pending_.erase(entry.handle);
    return connection.refuse(Errc::no_memory);
  }
  exchange.on_gone([this, id = pending.id()] { lose(id); });
  if (limits_.upgrade_timeout.nanoseconds != 0) {
    loop_->timers().arm(pending, loop_->now() + limits_.upgrade_timeout);
  }
  pending.request_ = &request;
  if (guarded([&] { service.upgrade_later_(pending); })) {
    pending.request_ = nullptr;
    // What comes meanwhile is frames, and FIN is for who will read those. A reset is told all the
    // same.
    connection.stream().pause();
    return;
  }
  loop_->timers().cancel(pending);
  pending_.erase(entry.handle);
  connection.refuse(Errc::handler_threw);
}

// The first answer counts. It is carried out by the timer, so that no handler is called from within
// the application's call.
bool Server::Engine::answer(UpgradeId id, Decision decision) {
  WaitingUpgrade* const pending = pending_.find(id.handle);
  if (pending == nullptr || pending->decision_) return false;
  pending->decision_ = std::move(decision);
  const Callback<void()> not_called = std::move(pending->on_gone_);
  // What is due now would wait for the next full millisecond.
  loop_->timers().arm(*pending, net::Time{});
  return true;
}

// Decided, or out of time.
void Server::Engine::settle(WaitingUpgrade& pending) {
  const http::ExchangeId exchange_id = pending.exchange_;
  Service& service = *pending.service_;
  const std::optional<Decision> decision = std::move(pending.decision_);
  const std::unique_ptr<char[]> head = std::move(pending.head_);
  const std::string_view head_text{head.get(), pending.head_bytes_};
  Callback<void()> on_gone = std::move(pending.on_gone_);
  pending_.erase(pending.handle_);

  HttpConnection* const http = http_connections_.find(exchange_id.connection);
  if (http == nullptr) return;
  if (http::Exchange* exchange = http->waiting_exchange(exchange_id.number)) {
    exchange->on_gone(nullptr);
  }
  if (!decision) {
    http->refuse(Errc::upgrade_timeout);
    if (on_gone) static_cast<void>(guarded([&] { on_gone(); }));
    return;
  }
  if (guarded([&] { settle(*http, service, head_text, *decision); })) return;
  http->lack_memory();
}

void Server::Engine::settle(HttpConnection& http, Service& service, std::string_view head_text,
                            const Decision& decision) {
  if (const Reject* no = std::get_if<Reject>(&decision)) return refuse(http, *no);
  if (refuses_handshakes()) return http.refuse(Errc::draining);
  RequestParser parser{limits_.head()};
  const Bytes bytes = as_bytes(head_text);
  if (parser.parse(bytes).kind != HeadProgress::Kind::complete) {
    return http.refuse(Errc::no_memory);
  }
  const RequestHead head = parser.head(bytes);
  open(http, service, head, check_upgrade(head), *std::get_if<Accept>(&decision));
  // Nobody is in the middle of its input who would see that the stream is gone.
  if (http.released()) on_http_gone(http);
}

void Server::Engine::lose(UpgradeId id) {
  WaitingUpgrade* const pending = pending_.find(id.handle);
  if (pending == nullptr) return;
  const http::ExchangeId exchange = pending->exchange_;
  Callback<void()> on_gone = std::move(pending->on_gone_);
  loop_->timers().cancel(*pending);
  pending_.erase(id.handle);
  if (HttpConnection* http = http_connections_.find(exchange.connection)) http->drop();
  if (on_gone) static_cast<void>(guarded([&] { on_gone(); }));
}

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// The way to an open connection: arguments, look-up, TCP, and the opening handshake.

#include "ws/client_attempt.h"

#include <array>
#include <new>
#include <optional>
#include <utility>

#include "net/clock.h"
#include "net/entropy.h"
#include "net/socket.h"
#include "ws/core/http_tokens.h"
#include "ws/redirect.h"
#include "ws/tls_errors.h"

namespace hilo::ws {

// Everything that can be wrong with the arguments shows here, before anything is started.
Status Client::Engine::prepare(Attempt& attempt) {
  ClientPlan& plan = attempt.plan;
  const Result<Url> url = parse_url(plan.url);
  if (!url) return url.error();
  attempt.url = *url;
  std::string authorization;
  if (Status ready = prepare_credentials(attempt, authorization); !ready) return ready;
  if (Status ready = prepare_proxy(attempt); !ready) return ready;
  if (url->scheme == Url::Scheme::wss) {
    if (Status ready = prepare_tls(attempt); !ready) return ready;
  }

  std::array<std::uint8_t, key_bytes> nonce;
  if (Status status = net::entropy_fill(nonce); !status) return status;
  attempt.key = encode_key(nonce);
  attempt.subprotocols.assign(plan.subprotocols.begin(), plan.subprotocols.end());
  std::vector<FieldView> fields;
  for (const auto& [name, value] : plan.fields) fields.push_back({name, value});
  if (!authorization.empty()) fields.push_back({"Authorization", authorization});

  UpgradeRequest& request = attempt.request;
  request.authority = url->authority;
  request.path = url->path;
  request.query = url->query;
  request.key = {attempt.key.data(), attempt.key.size()};
  request.subprotocols = attempt.subprotocols;
  attempt.deflate_text = deflate_offer(plan.deflate);
  request.extensions = attempt.deflate_text.view();
  request.origin = plan.origin;
  request.fields = fields;
  Status written = write_upgrade_request(attempt.wire, request);
  // The answer is judged without them.
  request.fields = {};
  return written;
}

Status Client::Engine::prepare_credentials(Attempt& attempt, std::string& authorization) {
  ClientPlan& plan = attempt.plan;
  if (plan.credentials.empty() && !attempt.url.userinfo.empty()) {
    std::optional<Credentials> parsed = parse_userinfo(attempt.url.userinfo);
    if (!parsed) return Errc::url_userinfo;
    plan.credentials = std::move(*parsed);
  }
  for (const auto& field : plan.fields) {
    if (equals_ignoring_case(field.first, "Authorization")) return {};
  }
  if (plan.credentials.empty()) return {};
  Result<std::string> value = basic_authorization(plan.credentials);
  if (!value) return value.error();
  authorization = std::move(*value);
  return {};
}

Status Client::Engine::prepare_tls(Attempt& attempt) {
  const ClientPlan& plan = attempt.plan;
  attempt.tls = plan.tls ? plan.tls : default_tls_;
  attempt.tls_server_name =
      plan.tls_server_name.empty() ? std::string(attempt.url.host) : plan.tls_server_name;
  if (attempt.tls) return {};
  auto made = net::tls::ClientContext::create({});
  if (!made) return made.error();
  attempt.tls = default_tls_ = std::move(*made);
  return {};
}

Status Client::Engine::prepare_proxy(Attempt& attempt) {
  if (attempt.plan.proxy.empty()) return {};
  const Url& to = attempt.url;
  const Result<ProxyUrl> url = parse_proxy_url(attempt.plan.proxy);
  if (!url) return url.error();
  const std::optional<Credentials> credentials = parse_userinfo(url->userinfo);
  if (!credentials) return Errc::proxy_url;
  // No proxy reaches the files of this machine.
  if (to.scheme == Url::Scheme::ws_unix) return Errc::argument;
  attempt.proxy = std::make_unique<Attempt::Proxy>(*loop_);
  attempt.proxy->url = *url;
  return attempt.proxy->tunnel.begin(url->scheme, to.host, to.port, *credentials);
}

// --- to the server -------------------------------------------------------------------------------

void Client::Engine::start() {
  const Url& url = attempt_->url;
  if (url.scheme == Url::Scheme::ws_unix) {
    const Result<net::Address> address = net::Address::from_unix_path(url.socket_path);
    if (address) {
      connect_to({&*address, 1});
    } else {
      fail(address.error());
    }
    return;
  }
  const Attempt::Proxy* const proxy = attempt_->proxy.get();
  const std::string_view host = proxy != nullptr ? proxy->url.host : url.host;
  const std::uint16_t port = proxy != nullptr ? proxy->url.port : url.port;
  attempt_->resolver.resolve(host, port,
                             [this](const Result<std::span<const net::Address>>& addresses) {
                               if (attempt_->error) return;
                               if (addresses) return connect_to(*addresses);
                               fail(addresses.error());
                             });
}

void Client::Engine::connect_to(std::span<const net::Address> addresses) {
  // Ours is the deadline, if there is one; else the kernel's.
  constexpr net::Duration longer_than_the_kernel = net::Duration::seconds(3600);
  attempt_->connector.connect(addresses, {.timeout = longer_than_the_kernel},
                              [this](Result<net::Fd> fd) { on_connected(std::move(fd)); });
}

void Client::Engine::on_connected(Result<net::Fd> fd) {
  if (!fd) return fail(fd.error());
  if (const Result<net::Address> peer = net::socket::peer_address(fd->value())) {
    attempt_->peer = net::PeerAddress{*peer};
  }
  // A Unix socket has neither.
  static_cast<void>(net::socket::set_no_delay(fd->value()));
  if (limits_.tcp_user_timeout.nanoseconds != 0) {
    static_cast<void>(net::socket::set_user_timeout(fd->value(), limits_.tcp_user_timeout));
  }
  if (!attempt_->proxy) return start_stream(std::move(*fd));
  const Status started = attempt_->proxy->dialer.start(
      std::move(*fd), [this](Result<net::Fd> tunnel) { on_tunnel(std::move(tunnel)); });
  if (!started) fail(started.error());
}

void Client::Engine::on_tunnel(Result<net::Fd> fd) {
  if (fd) return start_stream(std::move(*fd));
  if (const ResponseHead* const response = attempt_->proxy->tunnel.response()) {
    attempt_->response = *response;
    attempt_->has_response = true;
  }
  fail(fd.error());
}

void Client::Engine::start_stream(net::Fd fd) {
  net::Stream::Handler& handler = *this;
  std::unique_ptr<net::Transport> transport;
  if (attempt_->tls) {
    transport = attempt_->tls->connect(fd.value(), attempt_->tls_server_name);
    if (!transport) return fail(out_of_memory());
  }
  attempt_->stream.reset(new (std::nothrow)
                             net::Stream(*loop_, std::move(transport), std::move(fd), handler));
  if (!attempt_->stream) return fail(out_of_memory());
  if (Status started = attempt_->stream->start(); !started) {
    attempt_->stream.reset();
    return fail(started.error());
  }
  Status sent = attempt_->stream->write(Bytes{attempt_->wire.readable()});
  attempt_->wire.release();
  if (!sent) fail(sent.error());
}

// --- the handshake -------------------------------------------------------------------------------

bool Client::Engine::is_asking() const noexcept {
  return attempt_ && !attempt_->error && attempt_->redirected_to.empty();
}

net::Stream::Want Client::Engine::on_input(MutableBytes& input) {
  if (!is_asking()) {
    input = {};
    return net::Stream::Want::more;
  }
  const HeadProgress progress = attempt_->reader.parse(input);
  switch (progress.kind) {
    case HeadProgress::Kind::need_input: break;
    case HeadProgress::Kind::failed: fail(progress.error); break;
    case HeadProgress::Kind::complete:
      judge(attempt_->reader.head(input), input, progress.head_bytes);
      break;
  }
  return net::Stream::Want::more;
}

void Client::Engine::judge(const ResponseHead& head, MutableBytes& input, std::size_t head_bytes) {
  ResponseCheck check = check_response(head, attempt_->request);
  DeflateCheck deflate;
  if (check.error == Errc::none) {
    deflate = check_deflate_answer(head.fields, attempt_->plan.deflate);
    check.error = deflate.error;
  }
  if (check.error == Errc::none) {
    input = input.subspan(head_bytes);
    return open(check.subprotocol, deflate);
  }
  if (check.error == Errc::response_status && is_redirect(head.status) &&
      attempt_->plan.follows_redirects) {
    check.error = redirect(head);
    if (check.error == Errc::none) return attempt_->stream->abort();
  }
  attempt_->response_text = as_text(input.first(head_bytes));
  attempt_->response = attempt_->reader.head(as_bytes(attempt_->response_text));
  attempt_->has_response = true;
  fail(check.error);
}

void Client::Engine::open(std::string_view subprotocol, const DeflateCheck& deflate) {
  RequestHead asked;
  asked.path = attempt_->url.path;
  asked.query = attempt_->url.query;
  Result<KeptRequest> kept = KeptRequest::copy(asked, subprotocol, false);
  if (!kept) return fail(kept.error());
  std::unique_ptr<DeflateContexts> contexts;
  CompressionPointer compression;
  if (deflate.is_agreed) {
    contexts = std::make_unique<DeflateContexts>(attempt_->plan.deflate,
                                                 limits_.deflate_memory_bytes_max, metrics_);
    compression = contexts->make(Role::client, deflate.agreed);
    if (!compression) return fail(out_of_memory());
  }
  loop_->timers().cancel(*this);
  const std::unique_ptr<Attempt> attempt = std::move(attempt_);
  // What an earlier connection compressed with goes after it.
  connection_.reset();
  deflate_ = std::move(contexts);
  connection_ =
      std::make_unique<Connection>(SlabHandle{}, Role::client, shared_, handlers, attempt->peer);
  connection_->compress_with(std::move(compression));
  if (persistence_) {
    persistence_->opened_at = loop_->now();
    persistence_->failures = 0;
  }
  connection_->open(std::move(attempt->stream), std::move(*kept));
}

void Client::Engine::on_end() {
  if (is_asking()) fail(std::make_error_code(std::errc::connection_aborted));
}

void Client::Engine::on_broken(std::error_code error) {
  const Errc tls = tls_errc(error);
  if (is_asking()) fail(tls != Errc::none ? make_error_code(tls) : error);
}

void Client::Engine::on_reap() {
  if (retired_) return;
  if (attempt_->error || attempt_->redirected_to.empty()) return report();
  follow_redirect();
}

// --- redirections --------------------------------------------------------------------------------

Errc Client::Engine::redirect(const ResponseHead& head) {
  if (attempt_->plan.redirects_left == 0) return Errc::redirect_count;
  Result<std::string> to = resolve_redirect(attempt_->url, head.fields);
  if (!to) return static_cast<Errc>(to.error().value());
  attempt_->redirected_to = std::move(*to);
  return Errc::none;
}

// The deadline goes on: it is that of the whole way.
void Client::Engine::follow_redirect() {
  const std::unique_ptr<Attempt> last = std::move(attempt_);
  const Result<Url> to = parse_url(last->redirected_to);
  const bool same_origin = to && is_same_origin(last->url, *to);
  last->plan.go_to(std::move(last->redirected_to), same_origin);
  attempt_ = std::make_unique<Attempt>(*loop_, std::move(last->plan));
  if (Status status = prepare(*attempt_); !status) return fail(status.error());
  start();
}

// --- the end -------------------------------------------------------------------------------------

// The report comes later and from the loop: this may run deep inside the stream or the connector,
// and the application may start anew in on_failed.
void Client::Engine::fail(std::error_code error) {
  if (attempt_->error) return;
  attempt_->error = error;
  if (error.category() == make_error_code(Errc::none).category())
    log_reject(static_cast<Errc>(error.value()));
  if (attempt_->stream) {
    loop_->timers().cancel(*this);
    attempt_->stream->abort();
  } else {
    attempt_->connector.cancel();
    if (attempt_->proxy) attempt_->proxy->dialer.cancel();
    loop_->timers().arm(*this, loop_->now());
  }
}

// What the server did is told like what a server's peers do; nothing is said to the server itself.
void Client::Engine::log_reject(Errc error) {
  const Attempt::Proxy* const proxy = attempt_->proxy.get();
  const ResponseHead* const response = attempt_->has_response ? &attempt_->response : nullptr;
  std::uint64_t received = proxy != nullptr ? proxy->dialer.received_bytes() : 0;
  if (attempt_->stream) received += attempt_->stream->received_bytes();
  std::uint16_t code = proxy != nullptr ? proxy->tunnel.code() : std::uint16_t{};
  if (response != nullptr) code = response->status;
  log_.reject({.error = error, .peer = attempt_->peer, .bytes_in = received, .code = code},
              loop_->now());
}

}  // namespace hilo::ws

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
#include "net/tls.h"
#include "ws/core/http_head.h"
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
  if (Status ready = attempt.dialer.prepare(*url, plan.proxy); !ready) return ready;
  if (url->scheme == Url::Scheme::wss) {
    if (Status ready = prepare_tls(attempt); !ready) return ready;
  }

  std::array<std::uint8_t, key_bytes> nonce;
  if (!net::entropy_fill(nonce)) return Errc::no_entropy;
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

// --- to the server -------------------------------------------------------------------------------

void Client::Engine::start() {
  attempt_->dialer.start(limits_.tcp_user_timeout,
                         [this](Result<net::Fd> fd) { on_dialed(std::move(fd)); });
}

void Client::Engine::on_dialed(Result<net::Fd> fd) {
  if (!fd) {
    if (const ResponseHead* const response = attempt_->dialer.proxy_response()) {
      attempt_->response = *response;
      attempt_->has_response = true;
    }
    return fail(fd.error());
  }
  auto stream =
      start_stream(*loop_, std::move(*fd), attempt_->tls.get(), attempt_->tls_server_name, *this);
  if (!stream) return fail(stream.error());
  attempt_->stream = std::move(*stream);
  observe(*attempt_->stream, attempt_->plan.observers);
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
  // All that may lack memory comes before the attempt is given up, which holds the stream that
  // calls this.
  auto connection =
      std::make_unique<Connection::Engine>(Role::client, shared_, attempt_->dialer.peer());
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
  connection_ = std::move(connection);
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
  const Status begun = guarded_status([&] {
    const Result<Url> to = parse_url(last->redirected_to);
    const bool same_origin = to && is_same_origin(last->url, *to);
    last->plan.go_to(std::move(last->redirected_to), same_origin);
    attempt_ = std::make_unique<Attempt>(*loop_, std::move(last->plan));
    Status ready = prepare(*attempt_);
    if (ready) start();
    return ready;
  });
  if (begun) return;
  if (attempt_) return fail(begun.error());
  loop_->timers().cancel(*this);
  end_attempt(begun.error());
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
    attempt_->dialer.cancel();
    loop_->timers().arm(*this, loop_->now());
  }
}

// What the server did is told like what a server's peers do; nothing is said to the server itself.
void Client::Engine::log_reject(Errc error) {
  const ResponseHead* const response = attempt_->has_response ? &attempt_->response : nullptr;
  std::uint64_t received = attempt_->dialer.received_bytes();
  if (attempt_->stream) received += attempt_->stream->received_bytes();
  const std::uint16_t code = response != nullptr ? response->status : attempt_->dialer.proxy_code();
  log_.reject({.error = error, .peer = attempt_->dialer.peer(), .bytes_in = received, .code = code},
              loop_->now());
}

}  // namespace hilo::ws

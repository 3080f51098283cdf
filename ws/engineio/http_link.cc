// SPDX-License-Identifier: MIT

#include "ws/engineio/http_link.h"

#include <utility>

#include "net/clock.h"
#include "ws/core/http_sink.h"
#include "ws/credentials.h"
#include "ws/guard.h"
#include "ws/tls_errors.h"

namespace hilo::engineio {
namespace {

// Servers close connections that are idle, Node's after five seconds. A request that crosses that
// on its way is lost, so one that is idle for longer than this is not used again.
constexpr net::Duration idle_max = net::Duration::seconds(3);

bool is_own_field(std::string_view name) noexcept {
  for (const std::string_view own :
       {"Host", "Upgrade", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding"}) {
    if (ws::equals_ignoring_case(name, own)) return true;
  }
  return false;
}

}  // namespace

Status HttpOrigin::prepare(const ws::Limits& of_client) {
  limits = of_client;
  authorization.clear();
  tls.reset();
  const Result<ws::Url> parsed = ws::parse_url(plan.url);
  if (!parsed) return parsed.error();
  url = *parsed;
  bool has_own = false;
  for (const auto& field : plan.fields) {
    has_own = has_own || ws::equals_ignoring_case(field.first, "Authorization");
  }
  if (plan.credentials.empty() && !url.userinfo.empty()) {
    std::optional<ws::Credentials> read = ws::parse_userinfo(url.userinfo);
    if (!read) return ws::Errc::url_userinfo;
    plan.credentials = std::move(*read);
  }
  if (!has_own && !plan.credentials.empty()) {
    Result<std::string> value = ws::basic_authorization(plan.credentials);
    if (!value) return value.error();
    authorization = std::move(*value);
  }
  if (url.scheme != ws::Url::Scheme::wss) return {};
  tls_server_name = plan.tls_server_name.empty() ? std::string(url.host) : plan.tls_server_name;
  tls = plan.tls ? plan.tls : default_tls;
  if (tls) return {};
  auto made = net::tls::ClientContext::create({});
  if (!made) return made.error();
  tls = default_tls = std::move(*made);
  return {};
}

HttpLink::HttpLink(net::Loop& loop, const HttpOrigin& origin, std::size_t body_bytes_max,
                   Handler& handler) noexcept
    : loop_(&loop),
      origin_(&origin),
      handler_(&handler),
      body_bytes_max_(body_bytes_max),
      request_(loop.pool()),
      body_(loop.pool()) {}

HttpLink::~HttpLink() {
  loop_->timers().cancel(*this);
}

// --- asking --------------------------------------------------------------------------------------

Status HttpLink::ask(const HttpRequest& request) {
  request_.release();
  if (Status written = write_request(request); !written) return written;
  asking_ = true;
  sent_ = false;
  is_get_ = request.type.empty();
  timeout_ = request.timeout;
  if (timeout_.nanoseconds != 0) arm(timeout_);
  const bool is_stale = stream_ && is_kept_ && loop_->now() - idle_since_ > idle_max;
  if (is_stale && !stream_->closed()) stream_->close();
  if (!stream_) {
    dial();
  } else if (!stream_->closed()) {
    send();
  }  // else: on_reap() dials
  return {};
}

Status HttpLink::write_request(const HttpRequest& request) {
  const HttpOrigin& origin = *origin_;
  Status head = ws::emit_head(request_, [&](ws::HeadSink& sink) {
    sink.text(request.type.empty() ? "GET " : "POST ");
    sink.text(request.target);
    sink.text(" HTTP/1.1\r\n");
    sink.field("Host", origin.url.authority);
    sink.text("Accept: */*\r\n");
    if (!request.type.empty()) {
      sink.field("Content-Type", request.type);
      sink.field("Content-Length", std::to_string(request.body.size()));
    }
    if (!origin.plan.origin.empty()) sink.field("Origin", origin.plan.origin);
    if (!origin.authorization.empty()) sink.field("Authorization", origin.authorization);
    bool has_cookie = false;
    for (const auto& [name, value] : origin.plan.fields) {
      sink.require(!is_own_field(name));
      sink.field(name, value);
      has_cookie = has_cookie || ws::equals_ignoring_case(name, "Cookie");
    }
    if (!has_cookie && !origin.cookie.empty()) sink.field("Cookie", origin.cookie);
    sink.text("\r\n");
  });
  if (!head) return head;
  return request_.append(request.body);
}

void HttpLink::dial() {
  if (!ws::guarded([this] { begin_dialing(); })) fail(out_of_memory());
}

void HttpLink::begin_dialing() {
  dialer_ = std::make_unique<ws::Dialer>(*loop_);
  is_kept_ = false;
  if (Status ready = dialer_->prepare(origin_->url, origin_->plan.proxy); !ready) {
    return fail(ready.error());
  }
  if (timeout_.nanoseconds == 0 && origin_->limits.connect_timeout.nanoseconds != 0) {
    arm(origin_->limits.connect_timeout);
  }
  dialer_->start(origin_->limits.tcp_user_timeout,
                 [this](Result<net::Fd> fd) { on_dialed(std::move(fd)); });
}

void HttpLink::on_dialed(Result<net::Fd> fd) {
  if (!asking_ || error_) return;
  if (!fd) return fail(fd.error());
  if (timeout_.nanoseconds == 0) loop_->timers().cancel(*this);
  auto stream =
      ws::start_stream(*loop_, std::move(*fd), origin_->tls.get(), origin_->tls_server_name, *this);
  if (!stream) return fail(stream.error());
  stream_ = std::move(*stream);
  ws::observe(*stream_, origin_->plan.observers);
  send();
}

void HttpLink::send() {
  sent_ = true;
  has_heard_ = false;
  step_ = Step::head;
  reader_ = {};
  parser_.reset();
  const Status written = stream_->write(Bytes{request_.readable()});
  // What may have to go out again is kept.
  if (!is_get_) request_.release();
  if (!written) fail(written.error());
}

void HttpLink::arm(net::Duration after) {
  // Not now(): the loop may not have run for long.
  loop_->timers().arm(*this, net::clock_now() + after);
}

void HttpLink::stop() noexcept {
  const bool was_asking = std::exchange(asking_, false);
  error_ = {};
  loop_->timers().cancel(*this);
  if (dialer_) dialer_->cancel();
  if (!stream_ || stream_->closed()) return;
  if (was_asking) {
    stream_->abort();
  } else {
    stream_->close();
  }
}

// --- the answer ----------------------------------------------------------------------------------

net::Stream::Want HttpLink::on_input(MutableBytes& input) {
  if (!asking_ || !sent_ || error_) {
    input = {};
    if (!stream_->closed()) stream_->abort();
    return net::Stream::Want::more;
  }
  has_heard_ = has_heard_ || !input.empty();
  if (step_ == Step::head && !read_head(input)) return net::Stream::Want::more;
  read_body(input);
  return net::Stream::Want::more;
}

// True once there is a head.
bool HttpLink::read_head(MutableBytes& input) {
  const ws::HeadProgress progress = reader_.parse(input);
  switch (progress.kind) {
    case ws::HeadProgress::Kind::need_input: return false;
    case ws::HeadProgress::Kind::failed: fail(progress.error); return false;
    case ws::HeadProgress::Kind::complete: break;
  }
  head_text_ = as_text(input.first(progress.head_bytes));
  head_ = reader_.head(as_bytes(head_text_));
  input = input.subspan(progress.head_bytes);
  // The rules of RFC 9112 §6 are those of requests, but for a body that ends with the connection.
  ws::RequestHead fields;
  fields.fields = head_.fields;
  fields.version_minor = head_.version_minor;
  const ws::BodyFraming framing = ws::body_framing(fields);
  const bool has_none = head_.status == 204 || head_.status == 304;
  if (framing.error != ws::Errc::none || head_.status < 200) {
    fail(ws::Errc::response_malformed);
    return false;
  }
  const bool is_told =
      head_.fields.contains("Content-Length") || framing.kind != ws::BodyKind::none;
  step_ = is_told || has_none ? Step::body : Step::until_end;
  parser_.emplace(has_none ? ws::BodyFraming{} : framing,
                  ws::BodyLimits{.bytes_max = body_bytes_max_});
  return true;
}

void HttpLink::read_body(MutableBytes& input) {
  if (step_ == Step::until_end) {
    if (input.size() > body_bytes_max_ - body_.size()) return fail(ws::Errc::response_too_long);
    if (Status kept = body_.append(input); !kept) return fail(kept.error());
    input = {};
    return;
  }
  Bytes rest = input;
  for (;;) {
    const ws::BodyProgress progress = parser_->next(rest);
    if (progress.kind == ws::BodyProgress::Kind::data) {
      if (Status kept = body_.append(progress.data); !kept) return fail(kept.error());
      continue;
    }
    input = input.subspan(input.size() - rest.size());
    switch (progress.kind) {
      case ws::BodyProgress::Kind::data:
      case ws::BodyProgress::Kind::need_input: return;
      case ws::BodyProgress::Kind::failed:
        return fail(progress.error == ws::Errc::http_body_too_big ? ws::Errc::response_too_long
                                                                  : ws::Errc::response_malformed);
      case ws::BodyProgress::Kind::complete: break;
    }
    break;
  }
  const bool is_last = head_.version_minor == 0 || head_.fields.lists_token("Connection", "close");
  if (is_last || !input.empty()) {
    input = {};
    stream_->close();
  }
  answer();
}

void HttpLink::answer() {
  loop_->timers().cancel(*this);
  asking_ = false;
  sent_ = false;
  is_kept_ = true;
  idle_since_ = loop_->now();
  request_.release();
  Buffer body = std::move(body_);
  // The next request may be asked for in this call.
  const std::string text = std::move(head_text_);
  const Answer answer{.head = reader_.head(as_bytes(text)), .body = body.readable()};
  if (ws::guarded([&] { handler_->on_answer(*this, answer); })) return;
  handler_->on_no_answer(*this, out_of_memory());
}

void HttpLink::on_end() {
  if (!asking_ || !sent_) return stream_->close();
  if (step_ == Step::until_end && !error_) {
    stream_->close();
    return answer();
  }
  if (may_go_again()) return ask_anew();
  fail(std::make_error_code(std::errc::connection_aborted));
}

void HttpLink::on_broken(std::error_code error) {
  if (!asking_ || !sent_) return stream_->abort();
  // EPIPE: it had ended in good order before what we sent was refused.
  if (error == std::errc::broken_pipe && may_go_again()) return ask_anew();
  const ws::Errc tls = ws::tls_errc(error);
  fail(tls != ws::Errc::none ? make_error_code(tls) : error);
}

// An end in good order stands behind all that the server has sent: it has answered nothing then. A
// reset may have taken an answer with it, and with the answer packets that would not come again.
bool HttpLink::may_go_again() const noexcept {
  return is_get_ && is_kept_ && !has_heard_ && !error_;
}

void HttpLink::ask_anew() {
  // on_reap() dials.
  sent_ = false;
  stream_->abort();
}

// The report comes later: this may run deep inside the stream, the dialer, or ask().
void HttpLink::fail(std::error_code error) {
  if (error_) return;
  error_ = error;
  if (dialer_) dialer_->cancel();
  if (stream_ && !stream_->closed()) stream_->abort();
  loop_->timers().arm(*this, loop_->now());
}

void HttpLink::on_timer(net::Time now) {
  static_cast<void>(now);
  if (!asking_) return;
  if (!error_) return fail(ws::Errc::response_timeout);
  const std::error_code error = std::exchange(error_, {});
  asking_ = false;
  sent_ = false;
  body_.release();
  request_.release();
  handler_->on_no_answer(*this, error);
}

void HttpLink::on_reap() {
  stream_.reset();
  if (asking_ && !sent_ && !error_) dial();
}

}  // namespace hilo::engineio

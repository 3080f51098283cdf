// SPDX-License-Identifier: MIT

#include "ws/http.h"

#include <new>
#include <utility>

#include "ws/guard.h"
#include "ws/tls_errors.h"

namespace hilo::ws {

namespace http {

Status Exchange::respond(std::uint16_t status, std::string_view content_type, std::string_view body,
                         std::span<const FieldView> fields) {
  return connection_->respond(status, content_type, body, fields);
}

ExchangeId Exchange::later() noexcept {
  later_ = true;
  return {connection_->handle(), connection_->request_number_};
}

void Exchange::on_gone(Callback<void()> callback) {
  on_gone_ = std::move(callback);
}

}  // namespace http

HttpConnection::HttpConnection(SlabHandle handle, net::Loop& loop, Host& host, const Limits& limits,
                               const net::PeerAddress& peer) noexcept
    : handle_(handle),
      loop_(&loop),
      host_(&host),
      limits_(&limits),
      peer_(peer),
      parser_(limits.head()),
      exchange_(*this) {}

HttpConnection::~HttpConnection() {
  loop_->timers().cancel(*this);
}

Status HttpConnection::start(std::unique_ptr<net::Stream> stream) noexcept {
  stream_ = std::move(stream);
  arm(tls() != nullptr ? limits_->tls_handshake_timeout : limits_->head_timeout);
  return stream_->start();
}

http::Exchange* HttpConnection::waiting_exchange(std::uint64_t number) noexcept {
  return state_ == State::waiting && number == request_number_ ? &exchange_ : nullptr;
}

const net::tls::TlsTransport* HttpConnection::tls() const noexcept {
  const net::Transport* const transport = stream_->transport();
  return transport != nullptr ? transport->tls() : nullptr;
}

// --- requests ------------------------------------------------------------------------------------

net::Stream::Want HttpConnection::on_input(MutableBytes& input) {
  std::uint32_t budget = limits_->requests_per_turn_max;
  while (state_ == State::reading && !input.empty()) {
    if (pause_if_backed_up()) return net::Stream::Want::more;
    if (!serve_one(input)) return net::Stream::Want::more;
    if (--budget == 0 && !input.empty()) break;
  }
  switch (state_) {
    case State::reading:
      if (!input.empty()) return net::Stream::Want::again;
      break;
    case State::waiting:
      // The next requests wait in the stash, and no more of them than it may cost us.
      if (input.size() > limits_->linger_bytes_max) stream_->pause();
      break;
    case State::lingering:
    case State::ended:
      lingered_bytes_ += input.size();
      input = {};
      if (state_ == State::lingering && lingered_bytes_ > limits_->linger_bytes_max) end();
      break;
    case State::released:
      // The WebSocket owns the stream and gets what is left of the input. Nothing refers to this
      // object any more; it must not be touched after this line.
      host_->on_http_gone(*this);
      break;
  }
  return net::Stream::Want::more;
}

// One request from the front of `input`. False: the head is not complete.
bool HttpConnection::serve_one(MutableBytes& input) {
  const bool begun = parser_.started();
  const HeadProgress progress = parser_.parse(input);
  if (progress.kind == HeadProgress::Kind::need_input) {
    // The first head's time runs from accept, that of a later one from its first byte.
    if (!begun && request_number_ != 0) arm(limits_->head_timeout);
    return false;
  }
  if (progress.kind == HeadProgress::Kind::failed) {
    head_only_ = false;
    refuse(progress.error);
    return true;
  }
  const RequestHead head = parser_.head(input);
  // A body is not read, so what follows this head could not be told from the next request.
  keep_alive_ = keep_alive_ && head.version_minor >= 1 && !head.has_body_fields() &&
                !head.fields.lists_token("Connection", "close");
  head_only_ = head.method == Method::head;
  ++request_number_;
  state_ = State::waiting;
  loop_->timers().cancel(*this);

  PathParameters parameters;
  const Request request{head, peer_, &parameters};
  exchange_.request_ = &request;
  exchange_.on_gone_ = nullptr;
  exchange_.later_ = false;
  dispatching_ = true;
  host_->on_request(*this, exchange_, request, parameters);
  dispatching_ = false;
  exchange_.request_ = nullptr;

  if (state_ == State::waiting && !exchange_.later_) {
    // The route forgot to answer, or threw: the peer must not wait for ever.
    refuse(500, "no answer");
  }
  input = input.subspan(progress.head_bytes);
  parser_.reset();
  return true;
}

// --- answers -------------------------------------------------------------------------------------

Status HttpConnection::respond(std::uint16_t status, std::string_view content_type,
                               std::string_view body, std::span<const FieldView> fields) {
  if (state_ != State::waiting) return {};
  Buffer out{loop_->pool()};
  const Response response{.status = status,
                          .content_type = content_type,
                          .content_length = {},
                          .close = !keep_alive_ || end_seen_,
                          .body_omitted = head_only_,
                          .fields = fields,
                          .body = body};
  if (Status written = write_response(out, response); !written) return written;
  Status sent = stream_->write(Bytes{out.readable()});
  answered();
  return sent;
}

void HttpConnection::answered() {
  exchange_.on_gone_ = nullptr;
  if (!keep_alive_ || end_seen_) return linger();
  state_ = State::reading;
  arm(limits_->keep_alive_timeout);
  // Given later: what was stashed meanwhile may hold the next request. Only what was paused can be
  // resumed, and a short stash is no reason to pause.
  if (dispatching_) return;
  stream_->pause();
  stream_->resume();
}

// Answers that the peer does not read must not pile up: its next request waits for them to leave.
bool HttpConnection::pause_if_backed_up() noexcept {
  if (stream_->queued_bytes() <= limits_->queue_bytes_pause) return false;
  stream_->pause();
  return true;
}

void HttpConnection::refuse(Errc error, std::string_view allow) {
  host_->on_http_reject(*this, error);
  Buffer out{loop_->pool()};
  const bool written = static_cast<bool>(
      write_error_response(out, error, {.body_omitted = head_only_, .allow = allow}));
  if (!written || out.empty() || !stream_->write(Bytes{out.readable()})) return end();
  linger();
}

void HttpConnection::refuse(std::uint16_t status, std::string_view reason) {
  if (state_ != State::waiting) return;
  keep_alive_ = false;
  if (!respond(status, "text/plain; charset=utf-8", reason, {})) end();
}

std::unique_ptr<net::Stream> HttpConnection::release_stream() noexcept {
  state_ = State::released;
  return std::move(stream_);
}

void HttpConnection::close_when_idle() {
  keep_alive_ = false;
  switch (state_) {
    case State::reading:
      if (stream_->unsent_bytes() == 0) return end();
      return linger();
    case State::waiting: return arm(limits_->close_timeout);
    case State::lingering:
    case State::released:
    case State::ended: return;
  }
}

// --- the end -------------------------------------------------------------------------------------

// FIN goes out behind the answer, and the peer's bytes are read for a while and thrown away:
// closing at once with input unread would reset the connection and take the answer back.
void HttpConnection::linger() noexcept {
  state_ = State::lingering;
  stream_->shutdown_write();
  stream_->resume();
  arm(limits_->linger_timeout);
}

void HttpConnection::end() noexcept {
  if (state_ == State::ended || state_ == State::released) return;
  state_ = State::ended;
  loop_->timers().cancel(*this);
  stream_->close();
}

void HttpConnection::tell_gone() {
  if (state_ != State::waiting || !exchange_.on_gone_) return;
  Callback<void()> callback = std::exchange(exchange_.on_gone_, nullptr);
  static_cast<void>(guarded([&] { callback(); }));
}

void HttpConnection::on_end() {
  end_seen_ = true;
  switch (state_) {
    case State::waiting:
      // The peer may have closed only its sending side and still want the answer, but it does not
      // get for ever.
      arm(limits_->linger_timeout);
      tell_gone();
      break;
    case State::reading: linger(); break;
    case State::lingering: break;
    case State::released:
    case State::ended: return;
  }
  // Nothing is to be read any more, but an answer may still be on its way.
  if (state_ != State::lingering) return;
  stream_->flush_collected();
  if (stream_->queued_bytes() == 0) end();
}

void HttpConnection::on_drained() {
  if (state_ == State::lingering && end_seen_) return end();
  if (state_ != State::reading) return;
  stream_->resume();
  // The peer was busy with our answer until now.
  if (!parser_.started()) arm(limits_->keep_alive_timeout);
}

void HttpConnection::on_broken(std::error_code error) {
  if (const Errc tls = tls_errc(error); tls != Errc::none) host_->on_http_reject(*this, tls);
  tell_gone();
  end();
}

void HttpConnection::on_reap() {
  host_->on_http_gone(*this);
}

void HttpConnection::arm(net::Duration patience) noexcept {
  if (patience.nanoseconds == 0) return loop_->timers().cancel(*this);
  loop_->timers().arm(*this, loop_->now() + patience);
}

void HttpConnection::on_timer(net::Time now) {
  if (state_ == State::reading && parser_.started()) return refuse(Errc::head_timeout);
  if (tls() != nullptr && state_ == State::reading && request_number_ == 0) {
    if (!tls()->handshake_done()) {
      host_->on_http_reject(*this, Errc::tls_timeout);
      return end();
    }
    const net::Time deadline = due(tls()->handshake_time(), limits_->head_timeout);
    if (now < deadline) return loop_->timers().arm(*this, deadline);
  }
  // What was answered is still on its way: as long as the peer takes some of it, we wait.
  const std::uint64_t sent = stream_->sent_bytes();
  if (stream_->queued_bytes() != 0 && sent != progress_mark_) {
    progress_mark_ = sent;
    return arm(limits_->linger_timeout);
  }
  // RFC 9110 §15.5.9: a 408 is for a request that was begun; silence answers silence.
  if (state_ == State::reading && request_number_ == 0) {
    host_->on_http_reject(*this, Errc::idle_preface);
  }
  tell_gone();
  end();
}

}  // namespace hilo::ws

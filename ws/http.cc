// SPDX-License-Identifier: MIT

#include "ws/http.h"

#include <algorithm>
#include <new>
#include <utility>

#include "net/observed_transport.h"
#include "ws/core/http_tokens.h"
#include "ws/guard.h"
#include "ws/tls_errors.h"

namespace hilo::ws {

namespace http {

Status Exchange::respond(std::uint16_t status, std::string_view content_type, std::string_view body,
                         std::span<const FieldView> fields) {
  return connection_->respond(status, content_type, body, fields);
}

Status Exchange::respond_from(std::uint16_t status, std::string_view content_type,
                              std::uint64_t length, std::unique_ptr<BodySource> source,
                              std::span<const FieldView> fields) {
  return connection_->respond_from(status, content_type, length, std::move(source), fields);
}

const net::PeerAddress& Exchange::peer() const noexcept {
  return connection_->peer();
}

bool Exchange::is_tls() const noexcept {
  return connection_->tls() != nullptr;
}

Bytes Exchange::body() const noexcept {
  return connection_->body();
}

void Exchange::on_body(BodyHandler handler) {
  connection_->hear_body(std::move(handler));
}

ExchangeId Exchange::later() noexcept {
  later_ = true;
  return {connection_->handle(), connection_->request_number_};
}

void Exchange::on_gone(Callback<void()> callback) {
  on_gone_ = std::move(callback);
}

void Exchange::lack_memory() {
  on_gone_ = nullptr;
  connection_->lack_memory();
}

}  // namespace http

// What is there of a body while it comes, and until its request is answered.
struct HttpConnection::Body {
  Body(const BodyFraming& framing, const BodyLimits& limits, Pool& pool) noexcept
      : parser(framing, limits), head(pool), content(pool) {}

  BodyParser parser;
  Buffer head;     // of its request, for a route that is called behind the body
  Buffer content;  // unless it is streamed
  http::BodyHandler handler;
  std::uint64_t deadline_mark = 0;  // content bytes when the deadline began
  bool streamed = false;
  bool is_delivered = false;  // all of it, to whoever wants it
};

// An answer that is on its way, and what of it was not read yet.
struct HttpConnection::Sending {
  std::unique_ptr<http::BodySource> source;
  std::uint64_t left;
  bool yielded = false;  // it goes on when others have had their turn
};

namespace {

// So much is read of a source at a time, and so much is sent in one turn.
constexpr std::size_t piece_bytes = std::size_t{64} << 10;
constexpr std::size_t sent_bytes_per_turn_max = std::size_t{512} << 10;

// No answer that refuses something is longer.
constexpr std::size_t refusal_bytes_max = 512;

// For the next timers phase. What is due now waits for the next full millisecond.
constexpr net::Time overdue{};

}  // namespace

HttpConnection::HttpConnection(SlabHandle handle, net::Loop& loop, Host& host, const Limits& limits,
                               const net::PeerAddress& peer) noexcept
    : handle_(handle),
      loop_(&loop),
      host_(&host),
      limits_(&limits),
      socket_peer_(peer),
      peer_(peer),
      parser_(limits.head()),
      exchange_(*this) {}

HttpConnection::~HttpConnection() {
  loop_->timers().cancel(*this);
}

Status HttpConnection::start(std::unique_ptr<net::Stream> stream, const HttpPast* past) noexcept {
  stream_ = std::move(stream);
  asking_since_ = loop_->now();
  if (past != nullptr) {
    request_number_ = past->requests;
    // This loop's turn may have begun before the other one's.
    asking_since_ = std::min(asking_since_, past->asking_since);
    keep_alive_ = past->keep_alive;
    came_with_request_ = true;
  }
  tls() != nullptr ? arm_for_handshake() : arm(limits_->head_timeout);
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

bool HttpConnection::wants_input() const noexcept {
  return state_ == State::reading || state_ == State::receiving ||
         (state_ == State::waiting && body_ != nullptr && !body_->is_delivered);
}

net::Stream::Want HttpConnection::on_input(MutableBytes& input) {
  std::uint32_t budget = limits_->requests_per_turn_max;
  while (wants_input() && !input.empty()) {
    if (state_ != State::reading) {
      receive_body(input);
      continue;
    }
    if (pause_if_backed_up() || !serve_one(input)) {
      host_->on_http_held();  // what is left of the input stays in the stash
      return net::Stream::Want::more;
    }
    if (--budget == 0 && !input.empty()) break;
  }
  // The turn's budget is used up. A body that is streamed is input, too.
  if (wants_input() && !input.empty()) return net::Stream::Want::again;
  switch (state_) {
    case State::reading:
    case State::receiving: break;
    case State::waiting:
    case State::sending:
      // The next requests wait in the stash, and no more of them than it may cost us.
      if (input.size() > limits_->linger_bytes_max) stream_->pause();
      if (!input.empty()) host_->on_http_held();
      break;
    case State::leaving: break;  // all of it stays in the stash
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
  if (!begun && request_number_ != 0) asking_since_ = loop_->now();
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
  host_->on_head(*this, head, input);
  const bool could_stay = keep_alive_;
  keep_alive_ =
      keep_alive_ && head.version_minor >= 1 && !head.fields.lists_token("Connection", "close");
  head_only_ = head.method == Method::head;
  ++request_number_;
  const BodyFraming framing = body_framing(head);
  announced_ = &framing;
  if (accept_framing(head, input.size() == progress.head_bytes)) dispatch(head);
  announced_ = nullptr;
  came_with_request_ = false;
  if (state_ == State::leaving) {
    // Who gets the connection reads the request once more.
    keep_alive_ = could_stay;
    --request_number_;
    return true;
  }
  if (state_ == State::receiving) {
    if (!body_->head.append(input.first(progress.head_bytes))) {
      refuse(Errc::no_memory);
      body_.reset();
    }
    host_->on_http_held();
  }
  input = input.subspan(progress.head_bytes);
  // A head whose body comes is looked at once more behind it.
  if (state_ != State::receiving && state_ != State::released) parser_.reset();
  return true;
}

// RFC 9112 §6.3 and RFC 9110 §10.1.1: what the head says of a body, before anything else is asked.
// False: refused. `is_alone`: nothing of the body has come yet.
bool HttpConnection::accept_framing(const RequestHead& head, bool is_alone) {
  state_ = State::waiting;
  loop_->timers().cancel(*this);
  Errc error = announced_->error;
  continue_expected_ = false;
  FieldListReader expectations(head.fields, "Expect");
  while (const auto expectation = expectations.next()) {
    if (!equals_ignoring_case(*expectation, "100-continue")) {
      if (error == Errc::none) error = Errc::http_expectation;
      continue;
    }
    // A peer of HTTP/1.0 does not know of 100, and one that sends already does not wait for it.
    continue_expected_ = head.version_minor >= 1 && is_alone;
  }
  if (error == Errc::none) return true;
  refuse(error);
  return false;
}

void HttpConnection::dispatch(const RequestHead& head) {
  state_ = State::waiting;
  peer_ = host_->asked_by(*this, head);
  PathParameters parameters;
  const Request request{head, peer_, &parameters};
  exchange_.request_ = &request;
  exchange_.on_gone_ = nullptr;
  exchange_.later_ = false;
  dispatching_ = true;
  const bool is_done = guarded([&] { host_->on_request(*this, exchange_, request, parameters); });
  dispatching_ = false;
  exchange_.request_ = nullptr;
  if (!is_done) lack_memory();

  // A streamed route hears of the end also where there is no body.
  const bool is_streamed = body_ != nullptr && !body_->is_delivered;
  const bool hears_body = is_streamed && body_->handler;
  if (is_streamed && state_ == State::waiting && body_->parser.is_complete()) finish_body();
  if (state_ == State::waiting && !exchange_.later_ && !hears_body) {
    // The route forgot to answer, or threw: the peer must not wait for ever.
    refuse(500, "no answer");
  }
  if (state_ != State::waiting && state_ != State::receiving) body_.reset();
}

// --- bodies --------------------------------------------------------------------------------------

bool HttpConnection::has_unread_body() const noexcept {
  return announced_ != nullptr && announced_->kind != BodyKind::none;
}

// Whether bytes of the body would stand in front of the next request.
bool HttpConnection::is_body_unread() const noexcept {
  return body_ != nullptr ? !body_->parser.is_complete() : has_unread_body();
}

Bytes HttpConnection::body() const noexcept {
  return body_ != nullptr ? Bytes{body_->content.readable()} : Bytes{};
}

void HttpConnection::hear_body(http::BodyHandler handler) {
  if (body_ != nullptr && body_->streamed) body_->handler = std::move(handler);
}

bool HttpConnection::read_body(const http::RouteOptions& options) {
  const BodyLimits limits{
      .bytes_max = options.body_bytes_max != 0 ? options.body_bytes_max : limits_->body_bytes_max,
      .trailer_bytes_max = limits_->fields_bytes_max};
  if (announced_->length > limits.bytes_max) {
    refuse(Errc::http_body_too_big);
    return false;
  }
  body_.reset(new (std::nothrow) Body(*announced_, limits, loop_->pool()));
  if (body_ == nullptr) {
    refuse(Errc::no_memory);
    return false;
  }
  body_->streamed = options.streamed;
  if (!has_unread_body()) return true;
  if (!options.streamed) state_ = State::receiving;
  arm(limits_->body_timeout);
  if (!continue_expected_) return true;
  Buffer out{loop_->pool()};
  if (write_response_head(out, 100, {}) && stream_->write(Bytes{out.readable()})) return true;
  refuse(Errc::no_memory);
  return false;
}

// What of the body is at the front of `input`.
void HttpConnection::receive_body(MutableBytes& input) {
  Bytes rest = input;
  bool is_complete = false;
  while (wants_input() && state_ != State::reading && !is_complete) {
    const BodyProgress progress = body_->parser.next(rest);
    if (progress.kind == BodyProgress::Kind::need_input) break;
    if (progress.kind == BodyProgress::Kind::failed) fail_body(progress.error);
    if (progress.kind == BodyProgress::Kind::data) take_body_piece(progress.data);
    is_complete = progress.kind == BodyProgress::Kind::complete;
  }
  input = input.last(rest.size());
  if (is_complete) finish_body();
  if (state_ != State::receiving && state_ != State::waiting) body_.reset();
}

void HttpConnection::take_body_piece(Bytes piece) {
  if (!body_->streamed) {
    if (!body_->content.append(piece)) return refuse(Errc::no_memory);
    return host_->on_http_held();
  }
  const std::uint64_t received = body_->parser.content_bytes();
  if (received - body_->deadline_mark >= limits_->body_bytes_max) {
    body_->deadline_mark = received;
    arm(limits_->body_timeout);
  }
  call_body_handler(piece, false);
}

void HttpConnection::finish_body() {
  body_->is_delivered = true;
  loop_->timers().cancel(*this);
  if (!body_->streamed) {
    // The parser's positions are those of the head that was kept.
    dispatch(parser_.head(body_->head.readable()));
    parser_.reset();
    return;
  }
  call_body_handler({}, true);
  if (state_ == State::waiting && !exchange_.later_) refuse(500, "no answer");
}

// Who hears of it may still answer in place of the refusal.
void HttpConnection::fail_body(Errc error) {
  tell_gone();
  if (wants_input()) refuse(error);
}

void HttpConnection::call_body_handler(Bytes piece, bool final) {
  bool is_done = true;
  dispatching_ = true;
  call_replaceable(body_->handler, [&](http::BodyHandler& handler) {
    is_done = guarded([&] { handler(exchange_, piece, final); });
  });
  dispatching_ = false;
  if (!is_done) refuse(500, "the handler failed\n");
}

// --- answers -------------------------------------------------------------------------------------

Status HttpConnection::respond(std::uint16_t status, std::string_view content_type,
                               std::string_view body, std::span<const FieldView> fields) {
  if (state_ != State::waiting) return {};
  const Result<Buffer> answer = make_answer({.status = status,
                                             .content_type = content_type,
                                             .content_length = {},
                                             .fields = fields,
                                             .body = body});
  if (!answer) return answer.error();
  if (Status sent = stream_->write(answer->readable()); !sent) {
    // Or the next answer would be taken for this one.
    abort_answer();
    return sent;
  }
  answered();
  return {};
}

Status HttpConnection::respond_from(std::uint16_t status, std::string_view content_type,
                                    std::uint64_t length, std::unique_ptr<http::BodySource> source,
                                    std::span<const FieldView> fields) {
  if (state_ != State::waiting) return {};
  std::unique_ptr<Sending> sending{new (std::nothrow) Sending{std::move(source), length}};
  if (sending == nullptr) return out_of_memory();
  const Result<Buffer> answer = make_answer(
      {.status = status, .content_type = content_type, .content_length = length, .fields = fields});
  if (!answer) return answer.error();
  if (Status sent = stream_->write(answer->readable()); !sent) {
    abort_answer();
    return sent;
  }
  if (head_only_ || length == 0 || has_no_body(status)) {
    answered();
    return {};
  }
  exchange_.on_gone_ = nullptr;
  sending_ = std::move(sending);
  state_ = State::sending;
  arm(limits_->stall_timeout);
  send_pieces();
  progress_mark_ = stream_->sent_bytes();
  return {};
}

Result<Buffer> HttpConnection::make_answer(Response response) {
  // What is left of a body could not be told from the next request.
  if (is_body_unread()) keep_alive_ = false;
  response.date = host_->http_date();
  response.close = !keep_alive_ || end_seen_;
  response.body_omitted = head_only_;
  Buffer out{loop_->pool()};
  if (Status written = write_response(out, response); !written) return written.error();
  return out;
}

// As much of the answer as the kernel takes now; on_drained goes on from there.
void HttpConnection::send_pieces() {
  Buffer piece{loop_->pool()};
  if (!piece.reserve(piece_bytes)) return abort_answer();
  std::size_t budget = sent_bytes_per_turn_max;
  while (sending_->left != 0) {
    if (stream_->queued_bytes() != 0) return host_->on_http_held();
    if (budget == 0) {
      sending_->yielded = true;
      return loop_->timers().arm(*this, overdue);
    }
    const MutableBytes into = piece.writable().first(
        static_cast<std::size_t>(std::min<std::uint64_t>(sending_->left, piece_bytes)));
    Result<std::size_t> read = std::size_t{0};
    const bool returned = guarded([&] { read = sending_->source->read(into); });
    if (!returned || !read || *read == 0 || *read > into.size()) return abort_answer();
    if (!stream_->write(Bytes{into.first(*read)})) return abort_answer();
    sending_->left -= *read;
    budget -= std::min(budget, *read);
  }
  sending_.reset();
  answered();
}

void HttpConnection::abort_answer() noexcept {
  stream_->abort();
  end();
}

void HttpConnection::answered() {
  host_->on_http_held();
  exchange_.on_gone_ = nullptr;
  if (!dispatching_) body_.reset();
  if (!keep_alive_ || end_seen_) return linger();
  state_ = State::reading;
  arm_or_stall(limits_->keep_alive_timeout);
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
  const bool written = static_cast<bool>(write_error_response(
      out, error, {.body_omitted = head_only_, .allow = allow, .date = host_->http_date()}));
  if (!written || out.empty() || !stream_->write(Bytes{out.readable()})) return end();
  linger();
}

void HttpConnection::refuse(std::uint16_t status, std::string_view reason,
                            std::span<const FieldView> fields) {
  if (state_ != State::waiting) return;
  keep_alive_ = false;
  if (!respond(status, "text/plain; charset=utf-8", reason, fields)) end();
}

void HttpConnection::leave(std::shared_ptr<Dock> destination) noexcept {
  destination_ = std::move(destination);
  state_ = State::leaving;
  stream_->pause();
  progress_mark_ = stream_->sent_bytes();
  // Not from here: the stream is in the midst of its dispatch.
  if (stream_->queued_bytes() != 0) return arm(limits_->stall_timeout);
  loop_->timers().arm(*this, overdue);
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
    case State::receiving:
    case State::waiting:
    case State::sending: return arm(limits_->close_timeout);
    case State::leaving:
    case State::lingering:
    case State::released:
    case State::ended: return;
  }
}

void HttpConnection::finish() {
  const bool may_ask = parser_.started() || request_number_ == 0;
  keep_alive_ = false;
  if (state_ == State::reading) may_ask ? arm(limits_->close_timeout) : close_when_idle();
}

std::size_t HttpConnection::held_bytes() const noexcept {
  const std::size_t streamed = stream_ != nullptr ? stream_->held_bytes() : 0;
  return streamed + (body_ != nullptr ? body_->head.capacity() + body_->content.capacity() : 0);
}

void HttpConnection::give_up_memory() {
  if (state_ == State::receiving) {
    refuse(Errc::memory_pressure);
    return body_.reset();
  }
  // What waits is the answer that says so, or no larger than that.
  const bool is_told = state_ == State::lingering && stream_->queued_bytes() <= refusal_bytes_max;
  if (is_told || state_ == State::ended || state_ == State::released) return;
  host_->on_http_reject(*this, Errc::memory_pressure);
  abandon();
}

void HttpConnection::abandon() {
  tell_gone();
  // A part must not be taken for the whole.
  if (state_ == State::sending) return abort_answer();
  end();
}

void HttpConnection::lack_memory() {
  if (state_ == State::waiting || state_ == State::receiving) return refuse(Errc::no_memory);
  abandon();
}

// --- the end -------------------------------------------------------------------------------------

// FIN goes out behind the answer, and the peer's bytes are read for a while and thrown away:
// closing at once with input unread would reset the connection and take the answer back.
void HttpConnection::linger() noexcept {
  state_ = State::lingering;
  stream_->shutdown_write();
  stream_->resume();
  arm_or_stall(limits_->linger_timeout);
  if (end_seen_) end_if_sent();
}

// Nothing is to be read any more, but an answer may still be on its way.
void HttpConnection::end_if_sent() noexcept {
  stream_->flush_collected();
  if (stream_->queued_bytes() == 0) end();
}

void HttpConnection::end() noexcept {
  if (state_ == State::ended || state_ == State::released) return;
  state_ = State::ended;
  sending_.reset();
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
  // RFC 9112 §8: a body that ends early is no request, but somebody may still read the answer.
  if (state_ != State::reading && wants_input()) return fail_body(Errc::http_body_incomplete);
  switch (state_) {
    case State::waiting:
      // The peer may have closed only its sending side and still want the answer, but it does not
      // get for ever.
      arm(limits_->linger_timeout);
      tell_gone();
      break;
    case State::reading: linger(); break;
    case State::lingering: end_if_sent(); break;
    case State::receiving:
    case State::sending:
    case State::leaving:
    case State::released:
    case State::ended: break;
  }
}

void HttpConnection::on_blocked() {
  host_->on_http_held();
  // A head that has begun keeps its own deadline.
  const bool is_between = state_ == State::reading && !parser_.started();
  if (is_between || state_ == State::lingering || state_ == State::leaving)
    arm(limits_->stall_timeout);
}

void HttpConnection::on_drained() {
  if (state_ == State::lingering) return end_seen_ ? end() : arm(limits_->linger_timeout);
  if (state_ == State::sending) return send_pieces();
  if (state_ == State::leaving) return loop_->timers().arm(*this, overdue);
  if (state_ != State::reading) return;
  stream_->resume();
  // The peer was busy with our answer until now.
  if (!parser_.started()) arm(limits_->keep_alive_timeout);
}

void HttpConnection::on_broken(std::error_code error) {
  Errc cause = error == std::errc::not_enough_memory ? Errc::no_memory : Errc::none;
  if (const Errc tls = tls_errc(error); tls != Errc::none) cause = tls;
  if (cause != Errc::none) host_->on_http_reject(*this, cause);
  tell_gone();
  end();
}

void HttpConnection::on_reap() {
  host_->on_http_gone(*this);
}

void HttpConnection::arm(net::Duration patience) noexcept {
  if (patience.nanoseconds == 0) return loop_->timers().cancel(*this);
  loop_->timers().arm(*this, loop_->now() + patience);
  if (net::WireObserver* const observer = stream_->observer()) observer->on_deadline(patience);
}

// Nothing is due to happen before what was answered has left.
void HttpConnection::arm_or_stall(net::Duration patience) noexcept {
  arm(stream_->queued_bytes() != 0 ? limits_->stall_timeout : patience);
}

// The end of TLS's handshake is no event here, and the head's deadline counts from it: who looks as
// often as a head may take is never late for either.
void HttpConnection::arm_for_handshake() noexcept {
  const net::Time deadline = std::min(due(asking_since_, limits_->tls_handshake_timeout),
                                      due(loop_->now(), limits_->head_timeout));
  if (deadline != never) loop_->timers().arm(*this, deadline);
}

// False if what is due is the first head over TLS.
bool HttpConnection::is_before_first_head_is_due(net::Time now) noexcept {
  if (!tls()->handshake_done()) {
    if (now < due(asking_since_, limits_->tls_handshake_timeout)) {
      arm_for_handshake();
    } else {
      host_->on_http_reject(*this, Errc::tls_timeout);
      end();
    }
    return true;
  }
  const net::Time deadline = due(tls()->handshake_time(), limits_->head_timeout);
  if (deadline != never && now < deadline) loop_->timers().arm(*this, deadline);
  return now < deadline;
}

void HttpConnection::on_timer(net::Time now) {
  if (net::WireObserver* const observer = stream_->observer()) observer->on_deadline_passed();
  if (state_ == State::leaving && stream_->queued_bytes() == 0) {
    return host_->on_http_leaving(*this);
  }
  const bool is_first = state_ == State::reading && request_number_ == 0;
  if (tls() != nullptr && is_first && is_before_first_head_is_due(now)) return;
  if (state_ == State::reading && parser_.started()) return refuse(Errc::head_timeout);
  if (state_ != State::reading && wants_input()) return fail_body(Errc::http_body_timeout);
  if (state_ == State::sending && std::exchange(sending_->yielded, false)) {
    arm(limits_->stall_timeout);
    return send_pieces();
  }
  // What was answered is still on its way: as long as the peer takes some of it, we wait.
  const std::uint64_t sent = stream_->sent_bytes();
  if (stream_->queued_bytes() != 0 && sent != progress_mark_) {
    progress_mark_ = sent;
    return arm(limits_->stall_timeout);
  }
  const bool is_answered = state_ == State::reading || state_ == State::leaving;
  const bool is_stalled = is_answered && stream_->queued_bytes() != 0;
  if (is_stalled || state_ == State::sending) {
    host_->on_http_reject(*this, Errc::write_stalled);
    return abort_answer();
  }
  // RFC 9110 §15.5.9: a 408 is for a request that was begun; silence answers silence.
  if (state_ == State::reading && request_number_ == 0 && keep_alive_) {
    host_->on_http_reject(*this, Errc::idle_preface);
  }
  tell_gone();
  end();
}

}  // namespace hilo::ws

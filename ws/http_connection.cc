// SPDX-License-Identifier: MIT

#include "ws/http_connection.h"

#include <algorithm>
#include <utility>

#include "ws/core/http_tokens.h"
#include "ws/guard.h"
#include "ws/router.h"

namespace hilo::ws {

namespace {

// No answer that refuses something is longer.
constexpr std::size_t refusal_bytes_max = 512;

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
  // A head whose body comes is looked at once more behind it, and behind an upgrade no head comes.
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

// --- who leaves, and what is held ----------------------------------------------------------------

void HttpConnection::leave(std::shared_ptr<Dock> destination) noexcept {
  destination_ = std::move(destination);
  state_ = State::leaving;
  stream_->pause();
  stream_->forget_progress();
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

}  // namespace hilo::ws

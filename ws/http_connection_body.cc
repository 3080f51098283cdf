// SPDX-License-Identifier: MIT
//
// The bodies of requests: read whole before the route is called, or shown to it in pieces.

#include <new>
#include <utility>

#include "ws/guard.h"
#include "ws/http_connection.h"

namespace hilo::ws {

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

}  // namespace hilo::ws

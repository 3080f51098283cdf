// SPDX-License-Identifier: MIT
//
// Answers: at once, refusals, and those that are read piece by piece while they leave.

#include <algorithm>
#include <new>
#include <utility>

#include "ws/guard.h"
#include "ws/http_connection.h"

namespace hilo::ws {

namespace {

// So much is read of a source at a time, and so much is sent in one turn.
constexpr std::size_t piece_bytes = std::size_t{64} << 10;
constexpr std::size_t sent_bytes_per_turn_max = std::size_t{512} << 10;

}  // namespace

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
  stream_->forget_progress();
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

}  // namespace hilo::ws

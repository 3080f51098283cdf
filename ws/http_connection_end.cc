// SPDX-License-Identifier: MIT
//
// How a connection that speaks HTTP ends, and the deadlines that see to it.

#include <algorithm>
#include <utility>

#include "net/observed_transport.h"
#include "ws/guard.h"
#include "ws/http_connection.h"
#include "ws/tls_errors.h"

namespace hilo::ws {

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
  if (stream_->queued_bytes() != 0 && stream_->made_progress()) return arm(limits_->stall_timeout);
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

// SPDX-License-Identifier: MIT
//
// The deadlines of Connection. One timer serves them all: it is armed for the nearest one, and when
// it fires too early because input came meanwhile, it is armed again. So traffic costs no timer
// operations.

#include <algorithm>
#include <array>

#include "net/observed_transport.h"
#include "ws/connection_engine.h"

namespace hilo::ws {

namespace {

net::Duration patience(net::Duration limit) noexcept {
  return std::min(limit, net::Moment::patience_max);
}

}  // namespace

void Connection::Engine::arm_by(net::Time at) noexcept {
  if (at == never || (armed() && net::Timer::deadline() <= at)) return;
  loop().timers().arm(*this, at);
  if (observer() != nullptr) observer()->on_deadline(at - loop().now());
}

// In the middle of a frame a peer cannot answer a ping; the deadline of the message watches it
// then, or, where messages are received in chunks, silence alone.
bool Connection::Engine::may_ask() const noexcept {
  if (!session_.in_frame()) return true;
  return !in_chunks() && shared_->limits->message_timeout.nanoseconds == 0;
}

// As long as the peer takes what we have sent, slowly, a pong that does not come says nothing of
// it: the ping may stand behind all that. Then stall_timeout watches it.
bool Connection::Engine::is_taking() const noexcept {
  return blocked_ && shared_->limits->stall_timeout.nanoseconds != 0;
}

// It was silent for no longer than after what a ping is due, for it was not its turn before.
void Connection::Engine::forgive_silence(net::Time now) noexcept {
  const net::Time then = now - patience(shared_->limits->ping_interval);
  last_input_ = net::Moment(std::max(last_input_.before(now), then));
}

// It has all of it, and its time to speak begins.
void Connection::Engine::has_taken() noexcept {
  const net::Time now = loop().now();
  forgive_silence(now);
  if (awaiting_pong_) count_ping_from(now);
  if (!closing_) arm_by(next_deadline());
}

// As due(), for what is noted as a Moment.
net::Time Connection::Engine::due_after(net::Moment since, net::Duration after) const noexcept {
  return due(since.before(loop().now()), patience(after));
}

net::Time Connection::Engine::next_deadline() const noexcept {
  const Limits& limits = *shared_->limits;
  if (closing_) return due_after(output_since_, limits.close_timeout);
  net::Time next = end_of_life();
  if (blocked_) next = std::min(next, due_after(output_since_, limits.stall_timeout));
  if (stream_->paused()) return next;
  const bool is_judged = !is_taking();
  if (is_judged && (may_ask() || in_chunks())) {
    next = std::min(next, due_after(last_input_, limits.idle_timeout));
  }
  if (is_judged && may_ask()) {
    next = std::min(next, awaiting_pong_ ? due_after(ping_sent_, limits.pong_timeout)
                                         : due_after(last_input_, limits.ping_interval));
  }
  if (message_begun_) next = std::min(next, due_after(message_began_, limits.message_timeout));
  return next;
}

void Connection::Engine::on_timer(net::Time now) {
  if (ended_) return;
  if (observer() != nullptr) observer()->on_deadline_passed();
  if (closing_) {
    check_closing_deadline(now);
  } else {
    check_open_deadlines(now);
  }
  if (!ended_) arm_by(next_deadline());
}

void Connection::Engine::check_closing_deadline(net::Time now) {
  if (now < due_after(output_since_, shared_->limits->close_timeout)) return;
  // What was written outside of a dispatch leaves in the flush phase, which the timers of a loop
  // that stood still precede: only then the peer's time begins.
  if (stream_->queued_bytes() > stream_->blocked_bytes()) {
    output_since_ = net::Moment(now);
    return;
  }
  // What was accepted is still on its way: as long as the peer takes some of it, we wait.
  if (stream_->queued_bytes() != 0 && stream_->made_progress()) {
    output_since_ = net::Moment(now);
    return;
  }
  if (!peer_closed_) {
    close_recorded_ = true;
    close_code_ = CloseCode::abnormal;
    closed_by_ = ClosedBy::us;
  }
  // A peer that was told of its fault and stays silent is one rejection, not two.
  if (close_error_ == Errc::none) {
    if (!peer_closed_) close_error_ = Errc::close_timeout;
    return reset_for(Errc::close_timeout);
  }
  ended_ = true;
  stream_->abort();
}

void Connection::Engine::check_open_deadlines(net::Time now) {
  const Limits& limits = *shared_->limits;
  if (blocked_ && now >= due_after(output_since_, limits.stall_timeout)) {
    if (!stream_->made_progress()) return reset_for(Errc::write_stalled);
    output_since_ = net::Moment(now);
  }
  if (now >= end_of_life()) {
    static_cast<void>(close(CloseCode::going_away, "its time is over"));
    return;
  }
  if (stream_->paused()) return;
  if (message_begun_ && now >= due_after(message_began_, limits.message_timeout)) {
    return fail(Errc::message_timeout);
  }
  if (is_taking()) return;
  if (!may_ask()) {
    if (in_chunks() && now >= due_after(last_input_, limits.idle_timeout)) fail(Errc::idle_timeout);
    return;
  }
  if (awaiting_pong_ && now >= due_after(ping_sent_, limits.pong_timeout)) {
    return fail(Errc::ping_timeout);
  }
  if (!awaiting_pong_ && now >= due_after(last_input_, limits.ping_interval)) {
    // A ping that goes out late is late because we stood still (a stopped process): the peer is not
    // to blame for that time, and gets its chance to answer.
    forgive_silence(now);
    if (const Errc lacking = send_keep_alive_ping(); lacking != Errc::none) {
      return reset_for(lacking);
    }
  }
  if (now >= due_after(last_input_, limits.idle_timeout)) fail(Errc::idle_timeout);
}

// What it lacks: memory, or a key.
Errc Connection::Engine::send_keep_alive_ping() {
  std::array<std::uint8_t, ping_number_bytes> payload;
  store_be32(payload.data(), ++ping_number_);
  if (const Errc lacking = write_ping(payload); lacking != Errc::none) return lacking;
  awaiting_pong_ = true;
  if (shared_->measure_round_trips) static_cast<void>(make_extra());
  count_ping_from(loop().now());
  return Errc::none;
}

}  // namespace hilo::ws

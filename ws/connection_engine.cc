// SPDX-License-Identifier: MIT

#include "ws/connection_engine.h"

#include <algorithm>
#include <limits>

#include "ws/tls_errors.h"

namespace hilo::ws {
namespace {

bool ends_message(const Event& event) noexcept {
  return event.kind == Event::Kind::message || (event.kind == Event::Kind::chunk && event.final);
}

// Of a crumb, and what is waited for behind `gathering` of them.
constexpr std::size_t crumb_bytes_max = 64;
constexpr std::uint64_t gathered_bytes = std::uint64_t{32} << 10;

void ignore(MutableBytes& input, Metrics& metrics) noexcept {
  metrics.bytes_ignored += input.size();
  input = {};
}

}  // namespace

Connection::Engine::Engine(Role role, Shared& shared, const net::PeerAddress& peer) noexcept
    : shared_(&shared), session_(role, shared.session), peer_(peer) {}

Connection::Engine::~Engine() {
  shared_->loop->timers().cancel(*this);
}

void Connection::Engine::open(std::unique_ptr<net::Stream> stream, KeptRequest request) {
  stream_ = std::move(stream);
  stream_->set_handler(*this);
  request_ = std::move(request);
  last_input_ = net::Moment(loop().now());
  opened_ = true;
  session_.receive_chunks(in_chunks());
  if (shared_->limits->connection_lifetime_max.nanoseconds != 0) keep_birth();
  call(shared_->handlers->on_open, *this);
  if (!ended_) arm_by(next_deadline());
}

// --- input ---------------------------------------------------------------------------------------

// Most of what comes are messages of one frame, one behind the other. With the first that is
// anything else, or behind which anything is the matter, the rest is left to take_events().
net::Stream::Want Connection::Engine::on_input(MutableBytes& input) {
  Shared& shared = *shared_;
  last_input_ = net::Moment(loop().now());
  // 0 stands for no limit, and counts down past it.
  const std::uint32_t messages_max = shared.limits->messages_per_turn_max;
  std::uint32_t left = messages_max;
  if (shared.handlers->on_message) {
    in_call_ = true;
    ++shared.calls;
    while (const Session::Plain plain = session_.next_plain(input)) {
      shared.metrics->count_received(plain.size);
      Message message{plain.opcode, plain.payload()};
      if (!guarded([&] { shared.handlers->on_message.call(*this, message); })) call_threw_ = true;
      if (--left == 0 || call_threw_ || stream_->is_disturbed()) break;
      if (input.empty()) {
        --shared.calls;
        in_call_ = false;
        return net::Stream::Want::more;
      }
    }
    --shared.calls;
    in_call_ = false;
    if (call_threw_) handler_failed();
  }
  const std::uint32_t budget = messages_max != 0 ? left : ~std::uint32_t{0};
  return take_events(input, budget, left != messages_max);
}

net::Stream::Want Connection::Engine::take_events(MutableBytes& input, std::uint32_t budget,
                                                  bool message_ended) {
  // What waits for the peer keeps nobody from hearing the first event.
  bool goes_on = message_ended ? may_go_on(input) : !is_done_with(input);
  while (goes_on) {
    if (budget == 0 && !input.empty()) {
      track_unfinished(message_ended);
      look_at_memory();
      // The frame that was waited for is over, and what follows may be small.
      static_cast<void>(stop_gathering());
      return net::Stream::Want::again;
    }
    const Event event = session_.next(input);
    if (!event) break;
    event.kind == Event::Kind::message ? handle_message(event) : handle(event);
    message_ended = message_ended || ends_message(event);
    if (budget != 0) --budget;
    goes_on = may_go_on(input);
  }
  const bool between = !session_.unfinished() && session_.assembled_bytes() == 0;
  if (!between || mid_frame_ || message_begun_) {
    track_unfinished(message_ended);
    gather_crumbs();
  }
  return net::Stream::Want::more;
}

bool Connection::Engine::is_done_with(MutableBytes& input) {
  if (!is_over()) return false;
  ignore(input, *shared_->metrics);
  session_.release_shown();
  return true;
}

// Whether more of the input is to be looked at, after what came of the last event.
bool Connection::Engine::may_go_on(MutableBytes& input) {
  if (is_done_with(input)) return false;
  if (stream_->blocked_bytes() != 0) pause_if_backed_up();
  if (!stream_->paused()) return true;
  session_.release_shown();
  look_at_memory();  // for what is left of the input, too
  return false;
}

MutableBytes Connection::Engine::receive_space() {
  return session_.receive_space(std::numeric_limits<std::size_t>::max());
}

net::Stream::Want Connection::Engine::on_received(std::size_t bytes) {
  last_input_ = net::Moment(loop().now());
  const Event event = session_.commit(bytes);
  if (event) {
    handle(event);
    session_.release_shown();
    if (stream_->blocked_bytes() != 0) pause_if_backed_up();
  }
  track_unfinished(ends_message(event));
  gather_crumbs();
  return net::Stream::Want::more;
}

// A frame that comes in segments of a few bytes would wake the loop for each of them. After some
// the kernel is told to wait for more of the frame, for once: the next receive takes that back.
// Only while the deadline of the message watches the peer: nobody counts on seeing each byte then.
void Connection::Engine::gather_crumbs() noexcept {
  if (!stop_gathering()) return;
  const std::uint64_t left = session_.frame_bytes_left();
  const bool is_crumb = stream_->last_receive_bytes() <= crumb_bytes_max && session_.in_frame();
  if (!is_crumb || closing_ || in_chunks() || may_ask()) {
    crumbs_ = 0;
  } else if (left > crumb_bytes_max && ++crumbs_ == gathering) {
    const auto wanted = static_cast<std::size_t>(std::min(left, gathered_bytes));
    if (!stream_->set_receive_low_water(wanted)) crumbs_ = 0;
  }
}

// False if the kernel waits on: whatever comes next tries again.
bool Connection::Engine::stop_gathering() noexcept {
  if (crumbs_ != gathering) return true;
  if (!stream_->set_receive_low_water(1)) return false;
  crumbs_ = 0;
  return true;
}

// A message that never ends must not live for ever, whatever else arrives meanwhile.
void Connection::Engine::track_unfinished(bool message_ended) noexcept {
  if (!session_.in_frame() && mid_frame_) {
    // The answer to our last ping had to wait for the end of that frame.
    count_ping_from(loop().now());
    arm_by(next_deadline());
  }
  mid_frame_ = session_.in_frame();
  stream_->ask_for_space(mid_frame_);
  if (session_.held_bytes() != 0) look_at_memory();
  if (!session_.unfinished() || in_chunks()) {
    message_begun_ = false;
  } else if (!message_begun_ || message_ended) {
    message_begun_ = true;
    message_began_ = net::Moment(loop().now());
    arm_by(due_after(message_began_, shared_->limits->message_timeout));
  }
}

void Connection::Engine::handle(const Event& event) {
  switch (event.kind) {
    case Event::Kind::need_input: return;
    case Event::Kind::message: return handle_message(event);
    case Event::Kind::chunk: return handle_chunk(event);
    case Event::Kind::ping: return handle_ping();
    case Event::Kind::pong: return handle_pong(event);
    case Event::Kind::close: return handle_close(event);
    case Event::Kind::failure: return handle_failure(event);
  }
}

void Connection::Engine::handle_message(const Event& event) {
  shared_->metrics->count_received(event.payload.size());
  call(shared_->handlers->on_message, *this, Message{event.opcode, event.payload});
}

void Connection::Engine::handle_chunk(const Event& event) {
  if (event.final) ++shared_->metrics->messages_received;
  shared_->metrics->payload_bytes_received += event.payload.size();
  call(shared_->handlers->on_chunk, *this,
       Chunk{event.opcode, event.payload, event.first, event.final});
}

// A peer that pings and does not read must not make us keep Pongs, nor put off the end by taking
// one now and then: where output waits, a later Pong may stand for this one (§5.5.3).
void Connection::Engine::handle_ping() {
  count_control_frame();
  const std::size_t bearable = closing_ ? 0 : shared_->limits->queue_bytes_pause;
  if (ended_ || stream_->blocked_bytes() > bearable) return;
  send_replies();
}

void Connection::Engine::handle_pong(const Event& event) {
  count_control_frame();
  if (ended_ || !session_.is_open()) {
    ++shared_->metrics->pongs_ignored;
    return;
  }
  // Only the answer to our last keep-alive counts; an unsolicited Pong proves nothing (§5.5.3).
  if (awaiting_pong_ && event.payload.size() == ping_number_bytes &&
      load_be32(event.payload.data()) == ping_number_) {
    awaiting_pong_ = false;
    if (shared_->measure_round_trips) keep_round_trip();
    // The next ping may be due before this pong was.
    return arm_by(next_deadline());
  }
  if (!shared_->handlers->on_pong) ++shared_->metrics->pongs_ignored;
  call(shared_->handlers->on_pong, *this, Bytes{event.payload});
}

void Connection::Engine::handle_close(const Event& event) {
  peer_closed_ = true;
  if (!close_recorded_) {
    close_recorded_ = true;
    close_code_ = event.code;
    closed_by_ = closing_ ? ClosedBy::us : ClosedBy::peer;
    keep_reason(event.payload);
  }
  send_replies();
  finish_closing();
}

void Connection::Engine::handle_failure(const Event& event) {
  const bool network = event.error == Errc::end_without_close;
  if (!close_recorded_) {
    close_recorded_ = true;
    // Whoever answers no ping is gone: it will not read what we tell it either.
    const bool vanished = event.error == Errc::ping_timeout;
    close_code_ = vanished ? CloseCode::abnormal : event.code;
    closed_by_ = network && !closing_ ? ClosedBy::network : ClosedBy::us;
    close_error_ = event.error;
  }
  if (!network) {
    shared_->log->reject({.error = event.error,
                          .peer = peer_,
                          .connection = id().value,
                          .bytes_in = stream_->received_bytes(),
                          .code = static_cast<std::uint16_t>(event.code)},
                         loop().now());
  }
  send_replies();
  finish_closing();
}

// A verdict of ours, not of the session's.
void Connection::Engine::fail(Errc error) {
  if (ended_) return;
  if (const Event event = session_.fail_with(error)) handle_failure(event);
}

void Connection::Engine::handler_failed() {
  call_threw_ = false;
  fail(Errc::handler_threw);
}

void Connection::Engine::count_control_frame() {
  const auto now_ms = static_cast<std::uint32_t>((loop().now() - net::Time{}).to_milliseconds());
  const net::Duration window = shared_->limits->control_frames_window;
  constexpr std::int64_t window_ms_max = std::numeric_limits<std::uint32_t>::max();
  const std::int64_t window_ms =
      window > net::Duration{}
          ? std::clamp<std::int64_t>(window.to_milliseconds(), 1, window_ms_max)
          : 0;
  if (now_ms - control_window_ms_ >= window_ms) {
    control_window_ms_ = now_ms;
    control_frames_ = 0;
  }
  const std::uint32_t most = std::min(shared_->limits->control_frames_max, control_frames_most);
  if (control_frames_ <= most) ++control_frames_;
  if (control_frames_ > most) fail(Errc::control_flood);
}

void Connection::Engine::on_end() {
  if (ended_) return;
  end_seen_ = true;
  if (const Event event = session_.end_of_input()) handle_failure(event);
  if (ended_) return;
  // The peer will send no more: nothing to wait for but the output that is still on its way.
  stream_->flush_collected();
  stream_->shutdown_write();
  if (stream_->queued_bytes() == 0) {
    stream_->close();
    ended_ = true;
  } else {
    begin_closing();
  }
}

void Connection::Engine::on_broken(std::error_code error) {
  Errc cause = error == std::errc::not_enough_memory ? Errc::no_memory : Errc::none;
  if (const Errc tls = tls_errc(error); tls != Errc::none) cause = tls;
  if (cause != Errc::none) {
    log_reject(cause);
  } else if (error == net::tls::Errc::truncated) {
    cause = Errc::end_without_close;
  }
  end(CloseCode::abnormal, closing_ ? ClosedBy::us : ClosedBy::network, cause);
  stream_->close();
}

// --- closing -------------------------------------------------------------------------------------

Status Connection::Engine::close(CloseCode code, std::string_view reason) {
  if (Status status = Session::check_close(code, reason); !status) return status;
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  const Errc lacking = role() == Role::server ? write(session_.close(code, reason))
                                              : write_masked([&](MaskKey key, Buffer& into) {
                                                  return session_.close(code, reason, key, into);
                                                });
  if (lacking != Errc::none) {
    reset_for(lacking);
    return lacking;
  }
  begin_closing();
  // The peer's Close is input: a pause would keep us from ever seeing it.
  paused_by_user_ = false;
  if (!paused_by_queue_) listen_again();
  return {};
}

void Connection::Engine::abort() {
  if (ended_) return;
  end(CloseCode::abnormal, ClosedBy::us, Errc::none);
  stream_->abort();
}

void Connection::Engine::begin_closing() noexcept {
  if (closing_) return;
  closing_ = true;
  // No deadline of a message watches what comes from now on.
  static_cast<void>(stop_gathering());
  leave_topics();
  output_since_ = net::Moment(loop().now());
  stream_->forget_progress();
  arm_by(due_after(output_since_, shared_->limits->close_timeout));
}

// Both Closes are said, or ours is and the peer broke a rule: TCP comes next (§7.1.1).
void Connection::Engine::finish_closing() {
  if (ended_ || !session_.wants_transport_close()) return;
  begin_closing();
  paused_by_user_ = paused_by_queue_ = false;
  stream_->resume();
  // The server ends first, so that the TIME_WAIT is its own; a client waits for that, unless it is
  // the one who gives up. Closing with input unread would reset the connection and could take our
  // Close back from the peer, so FIN goes first and we read on until the peer's.
  const bool polite = role() == Role::client && close_error_ == Errc::none;
  if (!polite) stream_->shutdown_write();
}

// The stream is over, or about to be; only on_reap follows.
void Connection::Engine::end(CloseCode code, ClosedBy by, Errc error) noexcept {
  ended_ = true;
  leave_topics();
  if (close_recorded_) return;
  close_recorded_ = true;
  close_code_ = code;
  closed_by_ = by;
  close_error_ = error;
}

void Connection::Engine::on_reap() {
  shared_->loop->timers().cancel(*this);
  ended_ = true;
  leave_topics();
  end_sender();
  if (opened_) {
    opened_ = false;
    ++shared_->metrics->closed;
    ++shared_->metrics->closes[close_class(close_code_)][static_cast<std::size_t>(closed_by_)];
    call(shared_->handlers->on_close, *this, close_info());
  }
  keep_data(nullptr);
  shared_->owner->on_connection_gone(*this);
}

void Connection::Engine::end_now() {
  abort();
  on_reap();
}

}  // namespace hilo::ws

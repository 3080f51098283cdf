// SPDX-License-Identifier: MIT
//
// The output half of Connection: messages and control frames out, and what happens when the peer
// takes them too slowly.

#include <algorithm>
#include <utility>

#include "net/observed_transport.h"
#include "ws/connection_engine.h"
#include "ws/encoded_message.h"

namespace hilo::ws {

static_assert(short_copy_max <= short_payload_bytes_max);

// Most messages of a server: plain, short, the answer to what is being handled, and nothing waits.
// No call, and so no frame on the stack.
Sent Connection::Engine::send(Opcode opcode, Bytes payload, SendOptions options) {
  const std::size_t size = payload.size();
  if (size > short_copy_max || !session_.sends_plain_frames()) {
    return send_plain(opcode, payload, options);
  }
  const std::size_t bytes = short_header_bytes + size;
  const bool collects = stream_->collect(bytes, shared_->queue_bytes_limit, [=](std::uint8_t* to) {
    write_short_header(to, opcode, size);
    copy_short(to + short_header_bytes, payload);
    return bytes;
  });
  if (!collects) return send_plain(opcode, payload, options);
  shared_->metrics->count_sent(size);
  return Sent::accepted;
}

// The same for what is longer.
Sent Connection::Engine::send_plain(Opcode opcode, Bytes payload, SendOptions options) {
  if (!session_.sends_plain_frames()) return send_any(opcode, payload, options);
  const std::size_t most = frame_header_bytes_max + payload.size();
  const bool collects = stream_->collect(
      most, shared_->queue_bytes_limit,
      [=, this](std::uint8_t* to) { return session_.send_into(to, opcode, payload); });
  if (!collects) return send_any(opcode, payload, options);
  shared_->metrics->count_sent(payload.size());
  return Sent::accepted;
}

// What the application calls, here so that there is no call between the two.
Sent Connection::send_bytes(Opcode opcode, const std::uint8_t* data, std::size_t size,
                            SendOptions options) {
  return engine().send(opcode, {data, size}, options);
}

Sent Connection::Engine::send_any(Opcode opcode, Bytes payload, SendOptions options) {
  if (!is_open()) return Sent::closed;
  if (session_.is_sending_fragments()) return refuse();
  if (!make_room(payload.size())) return overflow(opcode, payload);
  Buffer shrunk{loop().pool()};
  const auto make = [&] {
    return options.compress ? session_.send_compressed(opcode, payload, shrunk)
                            : session_.send(opcode, payload);
  };
  const auto make_masked = [&](MaskKey key, Buffer& into) {
    return options.compress ? session_.send_compressed(opcode, payload, key, into)
                            : session_.send(opcode, payload, key, into);
  };
  const Errc lacking = role() == Role::server ? write(make()) : write_masked(make_masked);
  return sent(lacking, payload.size());
}

Sent Connection::Engine::send_fragment(Opcode opcode, Bytes payload, bool final) {
  if (!is_open()) return Sent::closed;
  if (!make_room(payload.size())) {
    const bool would_drop = shared_->limits->overflow == Overflow::drop;
    return would_drop ? refuse() : overflow(opcode, payload);
  }
  const auto make_masked = [&](MaskKey key, Buffer& into) {
    return session_.send(opcode, payload, key, into, final);
  };
  const Errc lacking = role() == Role::server ? write(session_.send(opcode, payload, final))
                                              : write_masked(make_masked);
  const Sent result = sent(lacking, payload.size());
  if (!final && result == Sent::accepted) --shared_->metrics->messages_sent;
  return result;
}

// Most that is published: a frame in one piece, which every connection of a server is sent as it
// is, unless it compresses.
Sent Connection::Engine::send(EncodedMessage& message) {
  const Bytes frame = message.one_piece();
  if (frame.empty() || !session_.sends_plain_frames()) return send_any(message);
  if (!stream_->queue_piece(frame, shared_->queue_bytes_limit)) return send_any(message);
  shared_->metrics->count_sent(message.payload().size());
  if (stream_->queued_bytes() > shared_->limits->queue_bytes_low) {
    drained_told_ = false;
    look_at_memory();
  }
  return Sent::accepted;
}

Sent Connection::Engine::send_any(EncodedMessage& message) {
  const Bytes payload = message.payload();
  // A client's frames differ in their keys.
  if (role() == Role::client) return send(message.opcode(), payload, message.options());
  if (!is_open()) return Sent::closed;
  if (session_.is_sending_fragments()) return refuse();
  if (!make_room(payload.size())) return overflow(message.opcode(), payload);
  Buffer shrunk{loop().pool()};
  const Outgoing outgoing = message.outgoing(session_, shrunk);
  const SharedBytes kept = message.keep(outgoing, loop().pool());
  return sent(kept ? written(stream_->write(kept)) : write(outgoing), payload.size());
}

Sent Connection::Engine::sent(Errc lacking, std::size_t payload_bytes) {
  if (lacking != Errc::none) {
    reset_for(lacking);
    return Sent::closed;
  }
  shared_->metrics->count_sent(payload_bytes);
  if (stream_->queued_bytes() > shared_->limits->queue_bytes_low) look_at_memory();
  return Sent::accepted;
}

void Connection::Engine::deliver(Opcode opcode, Bytes payload, SendOptions options) {
  if (send(opcode, payload, options) == Sent::refused) lose(opcode, payload);
}

void Connection::Engine::deliver(EncodedMessage& message) {
  if (send(message) == Sent::refused) lose(message.opcode(), message.payload());
}

void Connection::Engine::lose(Opcode opcode, Bytes payload) {
  ++shared_->metrics->messages_dropped;
  call(shared_->handlers->on_dropped, *this, opcode, payload);
}

// Whoever is refused hears on_drained.
Sent Connection::Engine::refuse() noexcept {
  drained_told_ = false;
  return Sent::refused;
}

bool Connection::Engine::make_room(std::size_t payload_bytes) noexcept {
  if (has_room(payload_bytes)) return true;
  // What this dispatch has collected was not offered to the kernel yet.
  stream_->flush_collected();
  return has_room(payload_bytes);
}

bool Connection::Engine::has_room(std::size_t payload_bytes) const noexcept {
  const std::size_t limit = shared_->queue_bytes_limit;
  const std::size_t room = limit - std::min(stream_->unsent_bytes(), limit);
  return room >= frame_header_bytes_max && payload_bytes <= room - frame_header_bytes_max;
}

void Connection::Engine::show_overflow(std::size_t bytes) noexcept {
  if (observer() == nullptr) return;
  std::string_view consequence;
  switch (shared_->limits->overflow) {
    case Overflow::refuse: consequence = "it is refused"; break;
    case Overflow::drop: consequence = "it is dropped"; break;
    case Overflow::close: consequence = "the connection is reset"; break;
  }
  observer()->on_overflow(bytes, stream_->unsent_bytes(), consequence);
}

Sent Connection::Engine::overflow(Opcode opcode, Bytes payload) {
  show_overflow(payload.size());
  switch (shared_->limits->overflow) {
    case Overflow::refuse: return refuse();
    case Overflow::drop: lose(opcode, payload); return Sent::dropped;
    case Overflow::close: break;
  }
  reset_for(Errc::slow_consumer);
  return Sent::closed;
}

void Connection::Engine::log_reject(Errc error) {
  shared_->log->reject({.error = error,
                        .peer = peer_,
                        .connection = id().value,
                        .bytes_in = stream_->received_bytes()},
                       loop().now());
}

// Nothing can be told to a peer that does not read, or without the memory or the key for a frame. A
// frame that was not written cannot be made up for by a later one, so that is the end, too.
void Connection::Engine::reset_for(Errc error) {
  end(CloseCode::abnormal, ClosedBy::us, error);
  stream_->abort();
  log_reject(error);
}

// Who holds an unfinished message is told. Who does not read cannot be.
void Connection::Engine::give_up_memory() {
  if (ended_) return;
  // What waits is the Close that says so.
  constexpr std::size_t close_bytes_max = frame_header_bytes_max + control_payload_bytes_max;
  if (close_error_ == Errc::memory_pressure && buffered_bytes() <= close_bytes_max) return;
  if (buffered_bytes() > assembled_bytes() || !session_.is_open()) {
    return reset_for(Errc::memory_pressure);
  }
  fail(Errc::memory_pressure);
}

Errc Connection::Engine::written(Status status) noexcept {
  // By a control frame, too: who waits for room is to be told again.
  if (stream_->queued_bytes() > shared_->limits->queue_bytes_low) drained_told_ = false;
  // A stream that breaks tells why at the end of this dispatch, by on_broken. Until then it is like
  // one whose kernel takes everything, which is how a small message meets it.
  const bool lacks_memory = !status && status.error() == std::errc::not_enough_memory;
  return lacks_memory ? Errc::no_memory : Errc::none;
}

void Connection::Engine::send_replies() {
  if (!session_.has_replies() || stream_->closed()) return;
  const Errc lacking = role() == Role::server ? write(session_.take_replies())
                                              : write_masked([&](MaskKey key, Buffer& into) {
                                                  return session_.take_replies(key, into);
                                                });
  if (lacking != Errc::none) reset_for(lacking);
}

Status Connection::Engine::ping(Bytes payload) {
  if (payload.size() > control_payload_bytes_max) {
    return std::make_error_code(std::errc::message_size);
  }
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  const Errc lacking = write_ping(payload);
  return lacking == Errc::none ? Status{} : Status{lacking};
}

Errc Connection::Engine::write_ping(Bytes payload) {
  if (role() == Role::server) return write(session_.ping(payload));
  return write_masked([&](MaskKey key, Buffer& into) { return session_.ping(payload, key, into); });
}

void Connection::Engine::on_blocked() {
  blocked_ = true;
  stream_->forget_progress();
  // The deadline of a closing connection counts from its Close.
  if (!closing_) {
    output_since_ = net::Moment(loop().now());
    arm_by(due_after(output_since_, shared_->limits->stall_timeout));
  }
  // What had collected lies in the queue now.
  if (shared_->memory != nullptr) shared_->memory->look();
  pause_if_backed_up();
}

// A peer that reads slower than it writes: its input waits until its output has left. Only a server
// makes its peer wait like that: if both sides did, each could wait for the other to read.
void Connection::Engine::pause_if_backed_up() noexcept {
  if (role() == Role::client) return;
  if (paused_by_queue_ || !session_.is_open()) return;
  if (stream_->blocked_bytes() <= shared_->limits->queue_bytes_pause) return;
  paused_by_queue_ = true;
  stream_->pause();
}

void Connection::Engine::on_taken() {
  if (stream_->queued_bytes() <= shared_->limits->queue_bytes_low) tell_drained();
}

void Connection::Engine::tell_drained() {
  if (drained_told_ || !session_.is_open()) return;
  drained_told_ = true;
  call(shared_->handlers->on_drained, *this);
}

void Connection::Engine::on_drained() {
  if (blocked_) {
    blocked_ = false;
    has_taken();
  }
  if (paused_by_queue_) {
    paused_by_queue_ = false;
    if (!paused_by_user_) listen_again();
  }
  if (session_.is_open()) {
    tell_drained();
    drained_told_ = false;
  } else if (end_seen_) {
    stream_->close();
    ended_ = true;
  }
}

void Connection::Engine::pause() {
  // Its peer's Close is input.
  if (closing_) return;
  paused_by_user_ = true;
  if (!ended_) stream_->pause();
}

void Connection::Engine::resume() {
  // Or it would put off the deadlines of a peer that is silent.
  if (!paused_by_user_) return;
  paused_by_user_ = false;
  if (!ended_ && !paused_by_queue_) listen_again();
}

// While we did not read, the peer could not show that it lives: its time begins anew.
void Connection::Engine::listen_again() noexcept {
  last_input_ = message_began_ = net::Moment(loop().now());
  count_ping_from(loop().now());
  stream_->resume();
  arm_by(next_deadline());
}

}  // namespace hilo::ws

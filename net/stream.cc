// SPDX-License-Identifier: MIT

#include "net/stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "net/base/check.h"
#include "net/observed_transport.h"
#include "net/socket.h"

namespace hilo::net {
namespace {

constexpr std::size_t stash_growth_min = 1024;
constexpr std::size_t stash_space_min = 512;

bool has(Interest interest, Interest part) noexcept {
  return (static_cast<unsigned>(interest) & static_cast<unsigned>(part)) != 0;
}

Interest both(Interest a, Interest b) noexcept {
  return static_cast<Interest>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

// In debug builds a view that outlives its call shows this pattern on the day it is written.
void spoil([[maybe_unused]] MutableBytes bytes) noexcept {
  HILO_DCHECK(bytes.empty() || std::memset(bytes.data(), 0xDB, bytes.size()) != nullptr);
}

}  // namespace

Stream::Stream(Loop& loop, Fd fd, Handler& handler) noexcept
    : Stream(loop, nullptr, std::move(fd), handler) {}

Stream::Stream(Loop& loop, std::unique_ptr<Transport> transport, Fd fd, Handler& handler) noexcept
    : loop_(&loop), handler_(&handler), transport_(std::move(transport)), fd_(std::move(fd)) {}

Stream::~Stream() {
  HILO_DCHECK(!in_dispatch());
  // As in on_reap(), which it may not have come to.
  if (is(Flag::abortive) || !queue_.empty()) close_abortively();
  queue_.release(loop_->pool());
  drop_stash();
  loop_->unwatch(token());
  // The transport may still want to look at the descriptor.
  transport_.reset();
}

Status Stream::start() noexcept {
  if (transport_ != nullptr) transport_->attach(*this);
  if (fd_) keep_interest(transport_ != nullptr ? transport_->read_waits_for() : Interest::read);
  const Result<Token> watched = loop_->watch(fd_.value(), interest(), *this);
  if (!watched) {
    set(Flag::broken);
    return watched.error();
  }
  slot_ = watched->slot;
  // What was asked for before could not be scheduled without a slot.
  if (is(Flag::again) || input_waits()) loop_->schedule_slot(slot_, Phase::resume);
  if (!queue_.empty() || is(Flag::shutdown_wanted)) loop_->schedule_slot(slot_, Phase::flush);
  if (is(Flag::closed)) loop_->schedule_slot(slot_, Phase::reap);
  return {};
}

Status Stream::restore_input(Bytes input) noexcept {
  if (input.empty()) return {};
  set(Flag::again);
  return stash()->append(input);
}

Status Stream::observe(std::shared_ptr<WireObserver> observer) noexcept {
  if (this->observer() != nullptr) {
    static_cast<ObservedTransport*>(transport_.get())->observe(std::move(observer));
    return {};
  }
  // The transport is taken over only once there is memory for the other one.
  void* const memory = ::operator new(sizeof(ObservedTransport), std::nothrow);
  if (memory == nullptr) return out_of_memory();
  transport_.reset(new (memory)
                       ObservedTransport(std::move(transport_), fd_.value(), std::move(observer)));
  transport_->attach(*this);
  return {};
}

Stream::Parts Stream::take_apart() noexcept {
  HILO_DCHECK(!in_dispatch());
  HILO_DCHECK(queue_.empty());
  loop_->unwatch(token());
  slot_ = Loop::no_slot;
  set(Flag::closed);
  drop_stash();
  if (transport_ != nullptr) transport_->leave();
  return {std::move(fd_), std::move(transport_)};
}

void Stream::on_ready(Ready ready) {
  const bool only_readable = ready.readable && !ready.writable && !ready.broken;
  if (only_readable && is_plain() && stash_ == nullptr) return read_plainly();
  dispatch(ready, false);
}

void Stream::on_resume() {
  const Ready told{.readable = is(Flag::told_readable),
                   .writable = is(Flag::told_writable),
                   .broken = is(Flag::told_broken)};
  clear(Flag::told_readable);
  clear(Flag::told_writable);
  clear(Flag::told_broken);
  dispatch(told, true);
}

void Stream::dispatch(Ready ready, bool resuming) noexcept {
  if (is(Flag::over)) return;
  begin_dispatch();
  loop_->dispatch_state().last_receive_bytes = std::numeric_limits<std::size_t>::max();
  if (ready.error != 0) told_error_ = ready.error;
  attempt([&] { handle(ready, resuming); });
  finish_dispatch();
}

void Stream::handle(Ready ready, bool resuming) {
  bool readable = ready.readable || ready.broken;
  bool writable = ready.writable;
  if (transport_ != nullptr) {
    // TLS may have to write in order to read, and the other way round.
    readable = readable || (writable && has(transport_->read_waits_for(), Interest::write));
    writable = writable || (ready.readable && has(transport_->write_waits_for(), Interest::read));
  }
  if (writable) flush_queue();
  if (resuming && is(Flag::again) && !is(Flag::paused) && !is(Flag::over)) deliver_stash(0);
  if (readable && is(Flag::paused)) set(Flag::missed);
  if (readable || (resuming && input_waits())) read_some(0);
  if (ready.broken) hang_up();
}

void Stream::finish_dispatch() noexcept {
  if (is(Flag::end_seen)) attempt([this] { report_end(); });
  send_collected();
  if (!is_plain()) tidy_up();
  loop_->send_buffer().size = 0;
  loop_->send_buffer().owner = nullptr;
}

void Stream::tidy_up() noexcept {
  finish_shutdown();
  attempt([this] { report_blocked(); });
  update_interest();
  if (is(Flag::broken) && !is(Flag::closed)) {
    // Its descriptor would go on reporting the hang-up for as long as the handler hesitates.
    detach();
    if (!guarded([this] { handler_->on_broken(loop_->dispatch_state().error); })) abort();
  }
  // What waits in memory brings no event of its own.
  const bool stash_waits = is(Flag::again) && !is(Flag::paused) && !is(Flag::over);
  if (stash_waits || (can_read() && input_waits())) loop_->schedule_slot(slot_, Phase::resume);
}

// The handler has thrown, perhaps with half of something written.
void Stream::give_up() noexcept {
  clear(Flag::offering);
  loop_->send_buffer().size = 0;
  lose_output(out_of_memory());
}

// True if a read is due although no event will say so.
bool Stream::input_waits() const noexcept {
  if (is(Flag::missed) || is(Flag::detached)) return true;
  return transport_ != nullptr && transport_->has_buffered_input();
}

inline Io Stream::receive(MutableBytes into) noexcept {
  loop_->count_read();
  return transport_ != nullptr ? transport_->read(into) : socket::receive(fd_.value(), into);
}

// `received` were read before in this dispatch.
void Stream::read_some(std::size_t received) {
  for (int reads = 0; reads < reads_per_turn_max; ++reads) {
    if (!can_read()) return;
    if (received != 0 && received >= handler_->bytes_per_turn_max()) return;
    const Space space = stash_ == nullptr ? receive_space() : space_for_stash();
    if (is(Flag::over)) return;
    clear(Flag::missed);
    const Io io = receive(space.bytes);
    if (io.kind != Io::Kind::done) return stop_reading(io);
    received += io.bytes;
    count_received(io.bytes);
    deliver(space, io.bytes);
    send_collected();
    // A receive that left room has emptied the kernel: asking again would only hear would_block.
    // The poller is level-triggered, so nothing is lost by stopping here.
    const bool buffered = transport_ != nullptr && transport_->has_buffered_input();
    if (io.bytes < space.bytes.size() && !buffered) return;
  }
}

// Below TLS the bytes are others, and so is their number.
Status Stream::set_receive_low_water(std::size_t bytes) noexcept {
  if (!fd_ || (transport_ != nullptr && transport_->tls() != nullptr)) return {};
  return socket::set_receive_low_water(fd_.value(), static_cast<int>(bytes));
}

// A receive that brought nothing.
void Stream::stop_reading(const Io& io) noexcept {
  switch (io.kind) {
    case Io::Kind::done: return;
    case Io::Kind::would_block:
      // Nothing will ever tell that a hung-up descriptor became ready.
      if (is(Flag::detached)) break_off(std::make_error_code(std::errc::connection_reset));
      return;
    case Io::Kind::end:
      // A socket whose error the poller has taken looks as if the peer had finished in good order.
      if (told_error_ != 0) break_off(told_error());
      put(Flag::end_seen, !is(Flag::broken));
      return;
    case Io::Kind::failed:
      // What a transport has read says more than what the poller has told of the socket behind it.
      if (transport_ != nullptr && !transport_->was_cut()) told_error_ = 0;
      break_off(io.error);
      return;
  }
}

inline Stream::Space Stream::receive_space() {
  const MutableBytes own = handler_->receive_space();
  if (!own.empty()) return {Place::handler, own, 0};
  return {Place::shared, receive_buffer(), 0};
}

// Bytes are copied at most twice on their way, however small the pieces are in which they come:
// the stash moves in front of the receive buffer only if the last receive brought at least as much
// as is moved, and otherwise grows at its end, doubling.
Stream::Space Stream::space_for_stash() noexcept {
  const MutableBytes shared = receive_buffer();
  BorrowedBuffer held_input = stash();
  const std::size_t held = held_input->size();
  if (is(Flag::stash_is_new) && held <= shared.size() / 2) {
    std::memcpy(shared.data(), held_input->readable().data(), held);
    loop_->pool().count_copied(held);
    return {Place::shared, shared.subspan(held), held};
  }
  if (held_input->writable().size() < stash_space_min) {
    if (Status status = held_input->reserve(std::max(stash_growth_min, held)); !status) {
      break_off(status.error());
      return {Place::stash, {}, 0};
    }
  }
  return {Place::stash, held_input->writable(), 0};
}

inline void Stream::deliver(const Space& space, std::size_t received) {
  switch (space.place) {
    case Place::handler: put(Flag::again, handler_->on_received(received) == Want::again); return;
    case Place::stash: return deliver_stash(received);
    case Place::shared: break;
  }
  if (space.held != 0) drop_stash();  // it is a copy of it that lies in front
  const MutableBytes all{loop_->receive_buffer().data, space.held + received};
  MutableBytes input = all;
  offer(input);
  if (!input.empty() && !is(Flag::over)) keep_rest(input, received);
  spoil(all);
}

// Apart, as it is rare, so that the short way needs no room for it.
[[gnu::noinline]] void Stream::keep_rest(Bytes input, std::size_t received) noexcept {
  put(Flag::stash_is_new, input.size() <= received);
  if (Status status = stash()->append(input); !status) break_off(status.error());
}

[[gnu::noinline]] void Stream::drop_stash() noexcept {
  stash()->release();
}

// With so many bytes more, which were received behind it.
[[gnu::noinline]] void Stream::deliver_stash(std::size_t received) {
  stash()->commit(received);
  const MutableBytes all = stash()->readable();
  MutableBytes input = all;
  offer(input);
  const std::size_t consumed = all.size() - input.size();
  spoil(all.first(consumed));
  stash()->consume(consumed);
  // Without a receive it has only shrunk.
  if (received != 0) put(Flag::stash_is_new, input.size() <= received);
}

inline Stream::Want Stream::show(MutableBytes& input) {
  [[maybe_unused]] const std::uint8_t* const end = input.data() + input.size();
  set(Flag::offering);
  const Want want = handler_->on_input(input);
  HILO_DCHECK(input.empty() || input.data() + input.size() == end);
  return want;
}

// Lets the handler consume from `input`. Mostly it takes all, and waits for more.
inline void Stream::offer(MutableBytes& input) {
  clear(Flag::again);
  const Handler* const asked = handler_;
  const Want want = show(input);
  if (want == Want::more && input.empty()) return clear(Flag::offering_or_again);
  offer_rest(input, asked, want);
}

// Lets the next handler have it, if the first one made way for it.
void Stream::offer_rest(MutableBytes& input, const Handler* asked, Want want) {
  bool replaced = handler_ != asked;
  while (replaced && want == Want::more && !input.empty() && !is(Flag::paused) && !is(Flag::over)) {
    asked = handler_;
    want = show(input);
    replaced = handler_ != asked;
  }
  clear(Flag::offering);
  // Left over and not seen by this handler, or left because of a pause that is over by now.
  const bool unseen = (replaced || is(Flag::again)) && !input.empty();
  put(Flag::again, want == Want::again || unseen);
}

// Most dispatches: one receive, one call of the handler, one send. dispatch() would do the same;
// all that turns out to be out of the ordinary is left to it and to what it calls.
void Stream::read_plainly() noexcept {
  begin_dispatch();
  const MutableBytes shared = receive_buffer();
  loop_->count_read();
  const std::ptrdiff_t result = socket::try_receive(fd_.value(), shared);
  if (result > 0) {
    const auto received = static_cast<std::size_t>(result);
    count_received(received);
    attempt([&] {
      deliver({Place::shared, shared, 0}, received);
      if (received == shared.size()) read_on(received);
    });
  } else if (result == -EINTR) {
    attempt([this] { read_some(0); });
  } else {
    stop_reading(socket::outcome(result));
  }
  is_plain() ? finish_plainly() : finish_dispatch();
}

void Stream::read_on(std::size_t received) {
  send_collected();
  read_some(received);
}

void Stream::report_end() {
  if (!is(Flag::end_seen) || is(Flag::end_reported)) return;
  if (is(Flag::paused) || is(Flag::again) || is(Flag::over)) return;
  set(Flag::end_reported);
  // The handler has seen what is left and waits for more, which will never come.
  drop_stash();
  handler_->on_end();
}

// The poller reported a reset, or that both directions are shut, and will do so every turn.
void Stream::hang_up() {
  if (is(Flag::over)) return;
  // Reading goes on until it meets the end or the error itself.
  if (!is(Flag::paused) && !is(Flag::end_seen)) return;
  std::error_code error =
      told_error_ != 0 ? told_error() : std::make_error_code(std::errc::connection_reset);
  if (fd_ && told_error_ == 0) error = socket::take_error(fd_.value()).error();
  if (error) {
    break_off(error);
    return;
  }
  // No error: the peer has gone in good order. What it sent is still to be read after the pause.
  detach();
  flush_queue();
}

// The poller has told all that it will ever tell about this descriptor.
void Stream::detach() noexcept {
  if (is(Flag::detached) || !fd_) return;
  set(Flag::detached);
  loop_->detach(token());
}

void Stream::close_abortively() noexcept {
  if (transport_ != nullptr) transport_->set_abortive_close();
  if (fd_) socket::set_abortive_close(fd_.value());
}

// Marks the stream; finish_dispatch() tells the handler, once it has returned.
void Stream::break_off(std::error_code error) noexcept {
  HILO_DCHECK(in_dispatch());
  if (is(Flag::broken)) return;
  set(Flag::broken);
  loop_->dispatch_state().error = told_error_ != 0 ? told_error() : error;
  if (!queue_.empty()) set(Flag::abortive);
  queue_.release(loop_->pool());
}

Interest Stream::interest() const noexcept {
  const Interest input = is(Flag::deaf) ? Interest::none : Interest::read;
  return is(Flag::waits_to_write) ? both(input, Interest::write) : input;
}

void Stream::keep_interest(Interest interest) noexcept {
  put(Flag::deaf, !has(interest, Interest::read));
  put(Flag::waits_to_write, has(interest, Interest::write));
}

// Interest in input is dropped late: pause() makes no system call, and neither does a resume() that
// follows before the peer has sent anything. Only a descriptor that became readable while paused
// leaves the poller's list, for being reported every turn. The same goes for interest in output: it
// is there only while the kernel refuses to take some.
void Stream::update_interest() noexcept {
  if (!fd_ || is(Flag::detached) || is(Flag::over)) return;
  Interest wanted = Interest::none;
  if (!is(Flag::end_seen) && !(is(Flag::paused) && is(Flag::missed))) {
    wanted = transport_ != nullptr ? transport_->read_waits_for() : Interest::read;
  }
  if (is(Flag::blocked)) {
    wanted = both(wanted, transport_ != nullptr ? transport_->write_waits_for() : Interest::write);
  }
  if (wanted == interest()) return;
  if (Status status = loop_->change(token(), wanted); !status) {
    break_off(status.error());
    return;
  }
  keep_interest(wanted);
}

void Stream::set_handler(Handler& handler) noexcept {
  handler_ = &handler;
  // Inside on_input what is left goes to the new handler as soon as the old one returns.
  if (is(Flag::offering) || stash_ == nullptr) return;
  set(Flag::again);
  loop_->schedule_slot(slot_, Phase::resume);
}

void Stream::pause() noexcept {
  set(Flag::paused);
}

void Stream::resume() noexcept {
  if (!is(Flag::paused)) return;
  clear(Flag::paused);
  if (is(Flag::offering) || stash_ != nullptr) set(Flag::again);
  loop_->schedule_slot(slot_, Phase::resume);
}

void Stream::close() noexcept {
  if (is(Flag::closed)) return;
  set(Flag::closed);
  loop_->schedule_slot(slot_, Phase::reap);
}

void Stream::abort() noexcept {
  set(Flag::abortive);
  // In the own dispatch it may be what is being sent.
  if (!in_dispatch()) queue_.release(loop_->pool());
  close();
}

void Stream::transport_ready(Ready ready) noexcept {
  put(Flag::told_readable, is(Flag::told_readable) || ready.readable);
  put(Flag::told_writable, is(Flag::told_writable) || ready.writable);
  put(Flag::told_broken, is(Flag::told_broken) || ready.broken);
  loop_->schedule_slot(slot_, Phase::resume);
}

// An end in good order promises the peer that all of it has come. Where output is lost the end is a
// reset.
void Stream::on_reap() {
  const bool in_order = !is(Flag::abortive) && !is(Flag::broken);
  if (in_order && !is(Flag::blocked)) static_cast<void>(send_queue());
  if (in_order && !queue_.empty()) set(Flag::abortive);
  if (is(Flag::abortive)) {
    close_abortively();
  } else if (in_order && transport_ != nullptr && !is(Flag::shutdown_done)) {
    // TLS says that this is the end (close_notify); a socket says it by being closed.
    static_cast<void>(transport_->shutdown_write());
  }
  if (transport_ != nullptr) transport_->detach();
  loop_->unwatch(token());
  slot_ = Loop::no_slot;
  // The handler may destroy the stream: nothing of it is touched any more.
  handler_->on_reap();
}

}  // namespace hilo::net

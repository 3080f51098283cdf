// SPDX-License-Identifier: MIT

#include "net/stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "net/base/check.h"
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
    : loop_(&loop),
      handler_(&handler),
      transport_(std::move(transport)),
      fd_(std::move(fd)),
      queue_(loop.pool()),
      stash_(loop.pool()) {}

Stream::~Stream() {
  HILO_DCHECK(!in_dispatch());
  loop_->unwatch(token_);
  // The transport may still want to look at the descriptor.
  transport_.reset();
}

Status Stream::start() noexcept {
  if (transport_ != nullptr) transport_->attach(*this);
  if (fd_) interest_ = transport_ != nullptr ? transport_->read_waits_for() : Interest::read;
  Result<Token> token = loop_->watch(fd_.value(), interest_, *this);
  if (!token) {
    broken_ = true;
    return token.error();
  }
  token_ = *token;
  // What was asked for before could not be scheduled without a token.
  if (again_ || input_waits()) loop_->schedule(token_, Phase::resume);
  if (!queue_.empty() || shutdown_wanted_) loop_->schedule(token_, Phase::flush);
  if (closed_) loop_->schedule(token_, Phase::reap);
  return {};
}

Status Stream::restore_input(Bytes input) noexcept {
  if (input.empty()) return {};
  again_ = true;
  return stash_.append(input);
}

Stream::Parts Stream::take_apart() noexcept {
  HILO_DCHECK(!in_dispatch());
  HILO_DCHECK(queue_.empty());
  loop_->unwatch(token_);
  token_ = {};
  closed_ = true;
  stash_.release();
  return {std::move(fd_), std::move(transport_)};
}

void Stream::on_ready(Ready ready) {
  dispatch(ready, false);
}

void Stream::on_resume() {
  const Ready told{.readable = told_readable_, .writable = told_writable_, .broken = told_broken_};
  told_readable_ = told_writable_ = told_broken_ = false;
  dispatch(told, true);
}

void Stream::dispatch(Ready ready, bool resuming) noexcept {
  if (closed_ || broken_) return;
  // TLS may have to write in order to read, and the other way round.
  const Interest read_waits = transport_ != nullptr ? transport_->read_waits_for() : Interest::read;
  const Interest write_waits =
      transport_ != nullptr ? transport_->write_waits_for() : Interest::write;
  const bool readable =
      ready.readable || ready.broken || (ready.writable && has(read_waits, Interest::write));
  const bool writable = ready.writable || (ready.readable && has(write_waits, Interest::read));

  begin_dispatch();
  if (ready.error != 0) error_ = std::error_code(ready.error, std::generic_category());
  if (writable) flush_queue();
  if (resuming && again_ && !paused_ && !broken_ && !closed_) deliver_stash();
  if (readable && paused_) missed_ = true;
  if (readable || (resuming && input_waits())) read_some();
  if (ready.broken) hang_up();
  finish_dispatch();
}

void Stream::begin_dispatch() noexcept {
  Loop::SendBuffer& buffer = loop_->send_buffer();
  HILO_DCHECK(buffer.owner == nullptr);
  HILO_DCHECK(buffer.size == 0);
  buffer.owner = this;
}

void Stream::finish_dispatch() noexcept {
  report_end();
  send_collected();
  finish_shutdown();
  report_blocked();
  update_interest();
  if (broken_ && !closed_) {
    // Its descriptor would go on reporting the hang-up for as long as the handler hesitates.
    detach();
    handler_->on_broken(error_);
  }
  loop_->send_buffer().size = 0;
  loop_->send_buffer().owner = nullptr;

  // What waits in memory brings no event of its own.
  const bool stash_waits = again_ && !paused_ && !closed_ && !broken_;
  if (stash_waits || (can_read() && input_waits())) loop_->schedule(token_, Phase::resume);
}

bool Stream::can_read() const noexcept {
  return !paused_ && !again_ && !end_seen_ && !broken_ && !closed_;
}

// True if a read is due although no event will say so.
bool Stream::input_waits() const noexcept {
  if (missed_ || detached_) return true;
  return transport_ != nullptr && transport_->has_buffered_input();
}

Io Stream::receive(MutableBytes into) noexcept {
  return transport_ != nullptr ? transport_->read(into) : socket::receive(fd_.value(), into);
}

void Stream::read_some() noexcept {
  std::size_t received = 0;
  for (int reads = 0; reads < reads_per_turn_max; ++reads) {
    if (!can_read()) return;
    if (reads != 0 && received >= handler_->bytes_per_turn_max()) return;
    const Space space = receive_space();
    if (broken_ || closed_) return;
    missed_ = false;
    const Io io = receive(space.bytes);
    switch (io.kind) {
      case Io::Kind::would_block:
        // Nothing will ever tell that a hung-up descriptor became ready.
        if (detached_) break_off(std::make_error_code(std::errc::connection_reset));
        return;
      case Io::Kind::end:
        // A socket whose error the poller has taken looks as if the peer had finished in good
        // order.
        if (error_) break_off(error_);
        end_seen_ = !broken_;
        return;
      case Io::Kind::failed: break_off(io.error); return;
      case Io::Kind::done: break;
    }
    received += io.bytes;
    received_bytes_ += io.bytes;
    last_receive_bytes_ = static_cast<std::uint32_t>(io.bytes);
    deliver(space, io.bytes);
    send_collected();
    // A receive that left room has emptied the kernel: asking again would only hear would_block.
    // The poller is level-triggered, so nothing is lost by stopping here.
    const bool buffered = transport_ != nullptr && transport_->has_buffered_input();
    if (io.bytes < space.bytes.size() && !buffered) return;
  }
}

// Bytes are copied at most twice on their way, however small the pieces are in which they come:
// the stash moves in front of the receive buffer only if the last receive brought at least as much
// as is moved, and otherwise grows at its end, doubling.
Stream::Space Stream::receive_space() noexcept {
  const MutableBytes shared = loop_->receive_buffer();
  if (stash_.empty()) {
    const MutableBytes own = handler_->receive_space();
    if (!own.empty()) return {Place::handler, own, 0};
    return {Place::shared, shared, 0};
  }
  const std::size_t held = stash_.size();
  if (held <= last_receive_bytes_ && held <= shared.size() / 2) {
    std::memcpy(shared.data(), stash_.readable().data(), held);
    return {Place::shared, shared.subspan(held), held};
  }
  if (stash_.writable().size() < stash_space_min) {
    if (Status status = stash_.reserve(std::max(stash_growth_min, held)); !status) {
      break_off(status.error());
      return {Place::stash, {}, 0};
    }
  }
  return {Place::stash, stash_.writable(), 0};
}

void Stream::deliver(const Space& space, std::size_t received) noexcept {
  switch (space.place) {
    case Place::handler: again_ = handler_->on_received(received) == Want::again; return;
    case Place::stash:
      stash_.commit(received);
      deliver_stash();
      return;
    case Place::shared: break;
  }
  stash_.release();  // it is a copy of it that lies in front
  const MutableBytes all = loop_->receive_buffer().first(space.held + received);
  MutableBytes input = all;
  offer(input);
  if (!closed_ && !broken_ && !input.empty()) {
    if (Status status = stash_.append(input); !status) break_off(status.error());
  }
  spoil(all);
}

void Stream::deliver_stash() noexcept {
  const MutableBytes all = stash_.readable();
  MutableBytes input = all;
  offer(input);
  const std::size_t consumed = all.size() - input.size();
  spoil(all.first(consumed));
  stash_.consume(consumed);
}

// Lets the handler consume from `input`, and the next handler if the first one made way for it.
void Stream::offer(MutableBytes& input) noexcept {
  Want want;
  bool replaced;
  again_ = false;
  do {
    Handler* const asked = handler_;
    [[maybe_unused]] const std::uint8_t* const end = input.data() + input.size();
    offering_ = true;
    want = asked->on_input(input);
    offering_ = false;
    HILO_DCHECK(input.empty() || input.data() + input.size() == end);
    replaced = handler_ != asked;
  } while (replaced && want == Want::more && !input.empty() && !paused_ && !closed_ && !broken_);
  // Left over and not seen by this handler, or left because of a pause that is over by now.
  const bool unseen = (replaced || again_) && !input.empty();
  again_ = want == Want::again || unseen;
}

void Stream::report_end() noexcept {
  if (!end_seen_ || end_reported_) return;
  if (paused_ || again_ || broken_ || closed_) return;
  end_reported_ = true;
  // The handler has seen what is left and waits for more, which will never come.
  stash_.release();
  handler_->on_end();
}

// The poller reported a reset, or that both directions are shut, and will do so every turn.
void Stream::hang_up() noexcept {
  if (broken_ || closed_) return;
  // Reading goes on until it meets the end or the error itself.
  if (!paused_ && !end_seen_) return;
  std::error_code error = error_ ? error_ : std::make_error_code(std::errc::connection_reset);
  if (fd_ && !error_) error = socket::take_error(fd_.value()).error();
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
  if (detached_ || !fd_) return;
  detached_ = true;
  loop_->detach(token_);
}

// Marks the stream; finish_dispatch() tells the handler, once it has returned.
void Stream::break_off(std::error_code error) noexcept {
  HILO_DCHECK(in_dispatch());
  if (broken_) return;
  broken_ = true;
  if (!error_) error_ = error;
  queue_.release();
}

// Interest in input is dropped late: pause() makes no system call, and neither does a resume() that
// follows before the peer has sent anything. Only a descriptor that became readable while paused
// leaves the poller's list, for being reported every turn. The same goes for interest in output: it
// is there only while the kernel refuses to take some.
void Stream::update_interest() noexcept {
  if (!fd_ || detached_ || broken_ || closed_) return;
  Interest wanted = Interest::none;
  if (!end_seen_ && !(paused_ && missed_)) {
    wanted = transport_ != nullptr ? transport_->read_waits_for() : Interest::read;
  }
  if (blocked_) {
    wanted = both(wanted, transport_ != nullptr ? transport_->write_waits_for() : Interest::write);
  }
  if (wanted == interest_) return;
  if (Status status = loop_->change(token_, wanted); !status) {
    break_off(status.error());
    return;
  }
  interest_ = wanted;
}

void Stream::set_handler(Handler& handler) noexcept {
  handler_ = &handler;
  // Inside on_input what is left goes to the new handler as soon as the old one returns.
  if (offering_ || stash_.empty()) return;
  again_ = true;
  loop_->schedule(token_, Phase::resume);
}

void Stream::pause() noexcept {
  paused_ = true;
}

void Stream::resume() noexcept {
  if (!paused_) return;
  paused_ = false;
  if (offering_ || !stash_.empty()) again_ = true;
  loop_->schedule(token_, Phase::resume);
}

void Stream::close() noexcept {
  if (closed_) return;
  closed_ = true;
  loop_->schedule(token_, Phase::reap);
}

void Stream::abort() noexcept {
  abortive_ = true;
  close();
}

void Stream::transport_ready(Ready ready) noexcept {
  told_readable_ = told_readable_ || ready.readable;
  told_writable_ = told_writable_ || ready.writable;
  told_broken_ = told_broken_ || ready.broken;
  loop_->schedule(token_, Phase::resume);
}

void Stream::on_reap() {
  if (!abortive_ && !broken_) {
    if (!blocked_) send_queue();
    // TLS says that this is the end (close_notify); a socket says it by being closed.
    if (transport_ != nullptr && queue_.empty() && !shutdown_done_) {
      static_cast<void>(transport_->shutdown_write());
    }
  } else if (abortive_) {
    if (transport_ != nullptr) transport_->set_abortive_close();
    if (fd_) socket::set_abortive_close(fd_.value());
  }
  loop_->unwatch(token_);
  token_ = {};
  // The handler may destroy the stream: nothing of it is touched any more.
  handler_->on_reap();
}

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// Stream: a connected byte stream on a loop, with back-pressure, half close and a place for input
// that must wait. It knows nothing of HTTP or WebSocket; a Handler does.
//
//   input    Reads land in the loop's shared receive buffer, so a quiet stream owns no memory. What
//            the handler leaves there moves to the *stash* and is offered again, in front of what
//            comes next. End of input is reported after the stash is used up.
//   output   While the stream's own input is being handled, writes collect in the loop's send
//            buffer and leave in one system call when the handler returns. At any other time
//            (timers, posts, other connections' input) they are queued and leave in the flush phase
//            of the turn. Only what the kernel would not take stays queued.
//   pausing  pause() stops reading; stash and kernel keep what is there. Handlers pause when their
//            output backs up, or when the application asks.
//   dying    close() and abort() only mark the stream: nothing of the handler's is called, and it
//            is not freed. At the end of the turn Handler::on_reap is called once, as the last
//            call of all, and whoever owns the stream destroys it there. What was written before
//            close() is offered to the kernel once more. What it does not take then is dropped, and
//            the connection reset: an end in good order would say that all has come.
//
//   thread   the loop's
//   owns     the descriptor, the transport, queue and stash
//   limits   none of its own: the handler asks queued_bytes() before it writes, and bounds what it
//            leaves unconsumed
//   errors   write() fails only for want of memory, or because the stream is closed or broken.
//            A handler should throw nothing; if memory runs out in it the stream breaks, as by
//            an error of the network, and is reset: on_broken hears errc::not_enough_memory

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "net/base/guard.h"
#include "net/base/pool.h"
#include "net/base/result.h"
#include "net/base/shared_bytes.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/output_queue.h"
#include "net/timers.h"
#include "net/transport.h"

namespace hilo::net {

class WireObserver;

class Stream final : private Watcher {
 public:
  // What on_input wants next.
  enum class Want : std::uint8_t {
    more,   // nothing until more bytes arrive
    again,  // the budget of this turn is spent: call on_input again with what is left, next turn
  };

  // A timer, too, as whoever talks to a peer has deadlines: one table of functions for both is 8
  // bytes less for each connection.
  class Handler : public Timer {
   public:
    // Bytes have arrived. Consume from the front of `input` (input = input.subspan(n)); what is
    // left is kept and offered again. The bytes may be changed in place. They are valid until the
    // call returns. Not called while paused or closed. `input` is empty only in the call that
    // Want::again asked for with nothing left.
    virtual Want on_input(MutableBytes& input) = 0;

    // Memory of the handler's own to read the next bytes into, in place of the receive buffer, or
    // an empty span. `on_received` follows, with how much of it was filled. Asked only while the
    // stash is empty, and not for sure unless ask_for_space() was called. Lets a large message be
    // read straight to where it is assembled.
    virtual MutableBytes receive_space() { return {}; }
    virtual Want on_received(std::size_t bytes) {
      static_cast<void>(bytes);
      return Want::more;
    }

    // After so many bytes a dispatch receives no more, so that one busy connection does not starve
    // the others. Asked before its second receive: one may bring all that the receive buffer holds.
    virtual std::size_t bytes_per_turn_max() const { return Stream::bytes_per_turn_max; }

    // The peer has finished sending and all its bytes were consumed (or are a part that can never
    // be completed). Writing is still possible.
    virtual void on_end() = 0;

    // The kernel took less than was written: the rest waits here, and on_drained will follow.
    virtual void on_blocked() {}

    // The kernel took some of what waited, and queued_bytes() is not 0 yet.
    virtual void on_taken() {}

    // Everything written has left for the kernel: queued_bytes() was above 0 and is 0 again.
    virtual void on_drained() {}

    // The connection failed (reset, time-out of the kernel, no memory). Nothing can be read or
    // written any more. The handler is expected to close(); if it throws, that is done for it.
    virtual void on_broken(std::error_code error) = 0;

    // After close() or abort(), at the end of the turn, once: the last call. The handler destroys
    // the stream, itself, or both. Must not throw.
    virtual void on_reap() = 0;

    // The stream arms no timer; who does not either has nothing to do here.
    void on_timer(Time) override {}

   protected:
    ~Handler() = default;
  };

  // Work per turn: what a handler that says nothing else is given, and a bound on system calls,
  // each of which may bring little, as TLS records do.
  static constexpr std::size_t bytes_per_turn_max = std::size_t{512} << 10;
  static constexpr int reads_per_turn_max = 32;
  // Slices at least this large are handed to the kernel from where they are, without a copy into
  // the send buffer.
  static constexpr std::size_t direct_bytes_min = std::size_t{16} << 10;

  // Nothing happens before start(). The loop and the handler must outlive the stream.
  Stream(Loop& loop, Fd fd, Handler& handler) noexcept;
  Stream(Loop& loop, std::unique_ptr<Transport> transport, Fd fd, Handler& handler) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // Begins to watch the descriptor. On failure the stream stays dead and may just be destroyed.
  Status start() noexcept;

  Loop& loop() const noexcept { return *loop_; }
  // Null for a bare socket.
  const Transport* transport() const noexcept { return transport_.get(); }
  Handler& handler() const noexcept { return *handler_; }
  // Shows all that passes from now on to `observer` (observed_transport.h), in place of whom it was
  // shown to before. After start(). Without memory nothing changes.
  Status observe(std::shared_ptr<WireObserver> observer) noexcept;
  // Null: nobody.
  WireObserver* observer() const noexcept {
    return transport_ != nullptr ? transport_->observer() : nullptr;
  }
  // Replaces the handler, from within a call of the old one at the latest. Input that the old one
  // leaves unconsumed goes to the new one at once, or with the next resume phase if no input is
  // being handled.
  void set_handler(Handler& handler) noexcept;

  // What a stream is made of, for another one, of another loop perhaps, to go on with.
  struct Parts {
    Fd fd;
    std::unique_ptr<Transport> transport;
  };
  // Outside every call of the handler and with nothing queued: the stream is dead then, may just be
  // destroyed, and calls nobody any more. Its unread_input() is to be copied before.
  Parts take_apart() noexcept;
  // Input that was received and that the handler has not consumed. Valid until the next one comes.
  Bytes unread_input() const noexcept {
    return stash_ == nullptr ? Bytes{}
                             : Bytes{stash_->data() + stash_->begin, stash_->end - stash_->begin};
  }
  // Before start(): such input of the stream before, which stands in front of all that comes.
  Status restore_input(Bytes input) noexcept;

  // Queues or sends the slices as one piece. They may be reused when this returns.
  Status write(std::span<const Bytes> slices) noexcept;
  Status write(Bytes bytes) noexcept { return write({&bytes, 1}); }
  // The same for what is sent to others, too, and is not empty: where it has to wait it is kept,
  // not copied.
  Status write(const SharedBytes& bytes) noexcept;
  // The same without a copy, for what is made anew and small: put(to) puts at most `bytes` to where
  // they collect, and returns how many. False, and nothing was called, where that goes by write()
  // only: outside the own dispatch, behind a queue, too large, more than `unsent_max` with what has
  // collected.
  template <class Put>
  bool collect(std::size_t bytes, std::size_t unsent_max, Put&& put) noexcept {
    Loop::SendBuffer& buffer = loop_->send_buffer();
    const std::size_t before = buffer.size;
    const std::size_t size = before + bytes;
    const bool collects = buffer.owner == this && bytes < direct_bytes_min &&
                          size <= buffer.capacity && size <= unsent_max && queue_.empty() &&
                          !is(Flag::over) && !is(Flag::shutdown_wanted);
    if (collects) buffer.size = before + put(buffer.data + before);
    return collects;
  }
  // As write(), outside of the own dispatch, for a piece that is not empty. False, and nothing was
  // done, where that has to go by write(): within the dispatch, when the stream is over or its
  // output ended, for want of memory, and where more than `queued_max` would wait.
  bool queue_piece(Bytes bytes, std::size_t queued_max) noexcept {
    if (in_dispatch() || is(Flag::over) || is(Flag::shutdown_wanted)) return false;
    if (queue_.size() + bytes.size() > queued_max) return false;
    if (!queue_.append_piece(loop_->pool(), bytes)) return false;
    if (!is(Flag::blocked)) loop_->schedule_slot(slot_, Phase::flush);
    return true;
  }
  // Accepted by write() and refused by the kernel, or waiting for the flush phase. What collects in
  // the send buffer is not counted: the kernel has not been asked yet. Whoever sees a number above
  // 0 will hear on_drained, unless the stream breaks or is closed first.
  std::size_t queued_bytes() const noexcept { return queue_.size(); }
  // The same, and what collects in the send buffer.
  std::size_t unsent_bytes() const noexcept {
    return queue_.size() + (in_dispatch() ? loop_->send_buffer().size : 0);
  }
  // The part of it that the kernel was offered and did not take, or that waits behind that.
  std::size_t blocked_bytes() const noexcept { return is(Flag::blocked) ? queue_.size() : 0; }
  // Offers to the kernel now what waits for the end of the own dispatch, or for the flush phase:
  // for a handler that would otherwise have no room for more. It calls nobody.
  void flush_collected() noexcept;
  // Memory of the loop's pool that queue and stash lie in; and the same with no more of what the
  // queue shares with others than its share.
  std::size_t held_bytes() const noexcept { return queue_.held_bytes() + stash_bytes(); }
  std::size_t held_share() const noexcept { return queue_.held_share() + stash_bytes(); }
  // Whether the kernel has taken something since this was asked or forgotten last; tells a stalled
  // peer from a slow one.
  bool made_progress() noexcept {
    const bool made = is(Flag::progressed);
    forget_progress();
    return made;
  }
  void forget_progress() noexcept { clear(Flag::progressed); }
  std::uint64_t received_bytes() const noexcept { return received_bytes_; }
  // Within on_input and on_received only: what the last receive of this dispatch brought. Where
  // there was none, as after a pause, that is as if it had brought very much.
  std::size_t last_receive_bytes() const noexcept {
    HILO_DCHECK(in_dispatch());
    return loop_->dispatch_state().last_receive_bytes;
  }

  // With fewer bytes than these the handler has no use for a call: the kernel may wait for them,
  // where they are the bytes of a bare socket. It begins with 1.
  Status set_receive_low_water(std::size_t bytes) noexcept;

  // Whether receive_space() is to be asked before each receive.
  void ask_for_space(bool ask) noexcept { put(Flag::asks, ask); }

  // Stops and restarts reading. resume() offers the stash again in the next resume phase.
  void pause() noexcept;
  void resume() noexcept;
  bool paused() const noexcept { return is(Flag::paused); }

  // Sends FIN when everything queued has left. Reading goes on.
  void shutdown_write() noexcept;

  // Both end the stream at the end of this turn: close() lets the kernel deliver what it has taken,
  // abort() resets the connection, and drops what is queued here, outside of the own dispatch at
  // once; after close() what the kernel does not take by then is dropped. Closing twice is fine.
  void close() noexcept;
  void abort() noexcept;
  bool closed() const noexcept { return is(Flag::closed); }
  // Something stands in the way of what the handler does most: take all that comes, and write.
  bool is_disturbed() const noexcept { return is(Flag::unusual); }

  int fd() const noexcept { return fd_.value(); }
  Token token() const noexcept { return loop_->token_of(slot_); }
  // A transport without a descriptor tells here that it became ready.
  void transport_ready(Ready ready) noexcept;

 private:
  // One word, so that a single comparison tells that nothing out of the ordinary is going on.
  enum class Flag : std::uint32_t {
    told_readable = 1U << 0,  // by transport_ready(), not yet acted upon; and the same of ...
    told_writable = 1U << 1,
    told_broken = 1U << 2,
    paused = 1U << 3,
    again = 1U << 4,     // the handler is to be called with what is in the stash
    offering = 1U << 5,  // inside on_input
    missed = 1U << 6,    // became readable while paused
    end_seen = 1U << 7,  // the peer's FIN was read
    end_reported = 1U << 8,
    blocked = 1U << 9,        // the kernel took no more; writability is awaited
    blocked_told = 1U << 10,  // on_blocked was called, on_drained was not yet
    shutdown_wanted = 1U << 11,
    shutdown_done = 1U << 12,
    detached = 1U << 13,  // the poller has nothing more to say
    broken = 1U << 14,
    closed = 1U << 15,
    abortive = 1U << 16,
    offered = 1U << 17,         // flush_collected() sent some; the flush phase is to tell it
    asks = 1U << 18,            // for space of the handler's
    deaf = 1U << 19,            // the poller is not asked for input
    waits_to_write = 1U << 20,  // it is asked for room to write
    progressed = 1U << 21,      // the kernel took something
    stash_is_new = 1U << 22,    // it is known to be no more than the last receive brought

    offering_or_again = offering | again,
    over = broken | closed,
    unready = paused | again | end_seen | over,  // nothing is to be received
    unusual = unready | missed | blocked | shutdown_wanted | detached | offered | asks,
    not_plain = unusual | deaf | waits_to_write,
  };
  // Any of them, where it stands for several.
  bool is(Flag flag) const noexcept { return (flags_ & static_cast<std::uint32_t>(flag)) != 0; }
  void set(Flag flag) noexcept { flags_ |= static_cast<std::uint32_t>(flag); }
  void clear(Flag flag) noexcept { flags_ &= ~static_cast<std::uint32_t>(flag); }
  void put(Flag flag, bool on) noexcept { on ? set(flag) : clear(flag); }

  // Empty exactly where there is no block of it.
  BorrowedBuffer stash() noexcept { return {loop_->pool(), stash_}; }
  std::size_t stash_bytes() const noexcept { return stash_ == nullptr ? 0 : stash_->bytes; }

  MutableBytes receive_buffer() const noexcept {
    return {loop_->receive_buffer().data, loop_->receive_buffer().size};
  }

  // Where the next receive puts its bytes.
  enum class Place : std::uint8_t { handler, stash, shared };
  struct Space {
    Place place;
    MutableBytes bytes;
    std::size_t held;  // shared: so much of the stash was copied in front of `bytes`
  };

  void on_ready(Ready ready) override;
  void on_resume() override;
  void on_reap() override;
  void on_flush() override;

  // Every call of the handler but on_reap happens between these two.
  void begin_dispatch() noexcept;
  void finish_dispatch() noexcept;
  // True for the course of most dispatches: the peer has not finished, the kernel has refused
  // nothing, and the handler has asked for nothing but to send.
  bool is_plain() const noexcept { return !is(Flag::not_plain) && transport_ == nullptr; }
  // In place of finish_dispatch(), where all has been plain: nothing is left but to send.
  void finish_plainly() noexcept;
  void tidy_up() noexcept;
  // Calls what calls the handler.
  template <class Call>
  void attempt(Call&& call) noexcept {
    if (!guarded(call)) give_up();
  }
  void give_up() noexcept;
  bool in_dispatch() const noexcept { return loop_->send_buffer().owner == this; }
  void dispatch(Ready ready, bool resuming) noexcept;
  void handle(Ready ready, bool resuming);

  // Input: stream.cc.
  bool can_read() const noexcept { return !is(Flag::unready); }
  bool input_waits() const noexcept;
  void read_plainly() noexcept;
  void read_some(std::size_t received);
  void read_on(std::size_t received);
  Io receive(MutableBytes into) noexcept;
  Space receive_space();
  Space space_for_stash() noexcept;
  void deliver(const Space& space, std::size_t received);
  void deliver_stash(std::size_t received);
  void keep_rest(Bytes input, std::size_t received) noexcept;
  void count_received(std::size_t bytes) noexcept {
    received_bytes_ += bytes;
    loop_->dispatch_state().last_receive_bytes = bytes;
  }
  void drop_stash() noexcept;
  void stop_reading(const Io& io) noexcept;
  Want show(MutableBytes& input);
  void offer(MutableBytes& input);
  void offer_rest(MutableBytes& input, const Handler* asked, Want want);
  void report_end();
  void hang_up();
  void detach() noexcept;
  std::error_code told_error() const noexcept { return {told_error_, std::generic_category()}; }
  void break_off(std::error_code error) noexcept;
  void close_abortively() noexcept;
  void lose_output(std::error_code error) noexcept;
  Interest interest() const noexcept;
  void keep_interest(Interest interest) noexcept;
  void update_interest() noexcept;

  // Output: stream_output.cc.
  // `shared`, or null: whose bytes the slices, a single one then, are.
  Status output(std::span<const Bytes> slices, const SharedBytes* shared) noexcept;
  Status enqueue(std::span<const Bytes> slices, const SharedBytes* shared) noexcept;
  Io sent(const Io& io) noexcept;
  Io transmit(Bytes bytes) noexcept;
  Io transmit(std::span<const Bytes> slices) noexcept;
  socket::Behind what_follows() const noexcept {
    return is(Flag::shutdown_wanted) && !is(Flag::shutdown_done) ? socket::Behind::end
                                                                 : socket::Behind::nothing;
  }
  void send_now(std::span<const Bytes> slices, const SharedBytes* shared) noexcept;
  void send_collected() noexcept {
    if (loop_->send_buffer().size != 0) send_buffer();
  }
  void send_buffer() noexcept;
  void settle_buffer(std::ptrdiff_t result) noexcept;
  void settle_buffer(const Io& io) noexcept;
  class Sequence;
  bool settle(const Io& io, Sequence& left, std::size_t offered) noexcept;
  void send_rest(Sequence& left) noexcept;
  Io offer_queue(std::size_t& offered) noexcept;
  Io offer_parts(std::size_t& offered) noexcept;
  Status send_queue() noexcept;
  Status settle_queue(const Io& io, std::size_t offered) noexcept;
  void flush_queue();
  void flush_plainly();
  void flush_rest(std::ptrdiff_t result);
  void tell_flushed(const Status& status, bool some_taken);
  void finish_shutdown() noexcept;
  void report_blocked();

  Loop* loop_;
  Handler* handler_;
  std::unique_ptr<Transport> transport_;
  Fd fd_;
  std::uint32_t flags_ = static_cast<std::uint32_t>(Flag::deaf);
  std::uint32_t slot_ = Loop::no_slot;
  int told_error_ = 0;  // the poller has told it, and nobody else will
  OutputQueue queue_;
  Pool::Block* stash_ = nullptr;
  std::uint64_t received_bytes_ = 0;
};
// One for each idle connection: with malloc's own word it makes 80.
static_assert(sizeof(void*) != 8 || sizeof(Stream) <= 72);

inline void Stream::begin_dispatch() noexcept {
  Loop::SendBuffer& buffer = loop_->send_buffer();
  HILO_DCHECK(buffer.owner == nullptr);
  HILO_DCHECK(buffer.size == 0);
  buffer.owner = this;
}

// What has collected is one piece, which the kernel mostly takes whole.
inline void Stream::finish_plainly() noexcept {
  Loop::SendBuffer& buffer = loop_->send_buffer();
  const Bytes bytes{buffer.data, buffer.size};
  if (!bytes.empty()) {
    loop_->count_write();
    const std::ptrdiff_t result = socket::try_send(fd_.value(), bytes);
    if (result != static_cast<std::ptrdiff_t>(bytes.size())) {
      settle_buffer(result);
      return finish_dispatch();
    }
    set(Flag::progressed);
    buffer.size = 0;
  }
  buffer.owner = nullptr;
}

}  // namespace hilo::net

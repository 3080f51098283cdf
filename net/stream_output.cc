// SPDX-License-Identifier: MIT
//
// The output half of Stream. Bytes take one of three ways, always in the order of the writes:
//
//     own dispatch, small     -> send buffer ----+
//     own dispatch, large     -> (in place) -----+--> one send --> kernel
//     any other time          -> queue_ -------------- flush ----> kernel
//                                   ^-- what the kernel refuses
//
// While queue_ holds anything, everything goes behind it; so the send buffer holds something only
// while queue_ is empty. What is large and sent by many streams is copied into none of their
// queues.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/base/check.h"
#include "net/socket.h"
#include "net/stream.h"

namespace hilo::net {
namespace {

constexpr std::size_t slices_per_send_max = 16;

std::size_t total_bytes(std::span<const Bytes> slices) noexcept {
  std::size_t total = 0;
  for (const Bytes slice : slices) total += slice.size();
  return total;
}

}  // namespace

// The send buffer's content and the caller's slices as one sequence, consumed from the front. With
// `shared` there is one slice, all its bytes.
class Stream::Sequence {
 public:
  Sequence(Bytes front, std::span<const Bytes> rest, const SharedBytes* shared = nullptr) noexcept
      : front_(front), rest_(rest), shared_(shared) {
    skip_empty();
  }

  bool empty() const noexcept { return front_.empty(); }

  // Fills `slices` from the front and returns how many were used.
  std::size_t gather(std::span<Bytes> slices) const noexcept {
    std::size_t count = 0;
    slices[count++] = front_;
    for (const Bytes slice : rest_) {
      if (count == slices.size()) break;
      if (!slice.empty()) slices[count++] = slice;
    }
    return count;
  }

  void consume(std::size_t bytes) noexcept {
    while (bytes != 0) {
      const std::size_t part = std::min(bytes, front_.size());
      front_ = front_.subspan(part);
      bytes -= part;
      skip_empty();
    }
  }

  // To the end of `queue`: a copy, but of what is shared.
  Status move_to(OutputQueue& queue, Pool& pool) noexcept {
    while (!empty()) {
      if (shared_ != nullptr && rest_.empty()) {
        return queue.append(pool, *shared_, shared_->size() - front_.size());
      }
      if (Status status = queue.append(pool, {&front_, 1}); !status) return status;
      consume(front_.size());
    }
    return {};
  }

 private:
  void skip_empty() noexcept {
    while (front_.empty() && !rest_.empty()) {
      front_ = rest_.front();
      rest_ = rest_.subspan(1);
    }
  }

  Bytes front_;
  std::span<const Bytes> rest_;
  const SharedBytes* shared_;
};

Status Stream::write(std::span<const Bytes> slices) noexcept {
  return output(slices, nullptr);
}

Status Stream::write(const SharedBytes& bytes) noexcept {
  const Bytes slice = bytes.bytes();
  return output({&slice, 1}, &bytes);
}

Status Stream::output(std::span<const Bytes> slices, const SharedBytes* shared) noexcept {
  if (is(Flag::over) || is(Flag::shutdown_wanted))
    return std::make_error_code(std::errc::broken_pipe);
  if (!in_dispatch() || !queue_.empty()) return enqueue(slices, shared);

  Loop::SendBuffer& buffer = loop_->send_buffer();
  std::size_t total = 0;
  bool direct = false;
  for (const Bytes slice : slices) {
    total += slice.size();
    direct = direct || slice.size() >= direct_bytes_min;
  }
  if (direct || total > buffer.capacity - buffer.size) {
    send_now(slices, shared);
    return is(Flag::broken) ? Status{loop_->dispatch_state().error} : Status{};
  }
  for (const Bytes slice : slices) {
    if (slice.empty()) continue;
    std::memcpy(buffer.data + buffer.size, slice.data(), slice.size());
    buffer.size += slice.size();
  }
  loop_->pool().count_copied(total);
  return {};
}

Status Stream::enqueue(std::span<const Bytes> slices, const SharedBytes* shared) noexcept {
  if (total_bytes(slices) == 0) return {};
  Pool& pool = loop_->pool();
  const Status status =
      shared != nullptr ? queue_.append(pool, *shared, 0) : queue_.append(pool, slices);
  if (!status) return status;
  if (!is(Flag::blocked)) loop_->schedule_slot(slot_, Phase::flush);
  return {};
}

Io Stream::sent(const Io& io) noexcept {
  if (io.kind == Io::Kind::done) set(Flag::progressed);
  return io;
}

// One slice is what nearly every send has, and needs no list.
Io Stream::transmit(Bytes bytes) noexcept {
  loop_->count_write();
  return sent(transport_ != nullptr ? transport_->write({&bytes, 1})
                                    : socket::send(fd_.value(), bytes, what_follows()));
}

Io Stream::transmit(std::span<const Bytes> slices) noexcept {
  loop_->count_write();
  return sent(transport_ != nullptr ? transport_->write(slices)
                                    : socket::send(fd_.value(), slices, what_follows()));
}

// What came of offering so many bytes from the front of what is left. False: the stream broke.
bool Stream::settle(const Io& io, Sequence& left, std::size_t offered) noexcept {
  switch (io.kind) {
    case Io::Kind::done:
      HILO_DCHECK(io.bytes <= offered);
      left.consume(io.bytes);
      // A socket that took a part is full: asking again would only hear would_block.
      put(Flag::blocked, transport_ == nullptr && io.bytes < offered);
      return true;
    case Io::Kind::would_block: set(Flag::blocked); return true;
    case Io::Kind::end:
    case Io::Kind::failed: break;
  }
  loop_->send_buffer().size = 0;
  lose_output(io.error);
  return false;
}

// See on_reap().
void Stream::lose_output(std::error_code error) noexcept {
  set(Flag::abortive);
  if (!is(Flag::closed)) break_off(error);
}

// Offers what is left, and copies to the queue what the kernel refuses.
void Stream::send_rest(Sequence& left) noexcept {
  std::array<Bytes, slices_per_send_max> gathered;
  while (!left.empty() && !is(Flag::blocked)) {
    const std::span<const Bytes> batch{gathered.data(), left.gather(gathered)};
    if (!settle(transmit(batch), left, total_bytes(batch))) return;
  }
  if (!left.empty() && is(Flag::closed)) lose_output({});
  if (!left.empty() && !is(Flag::closed)) {
    if (Status status = left.move_to(queue_, loop_->pool()); !status) lose_output(status.error());
  }
  loop_->send_buffer().size = 0;
}

// Sends what has collected and `slices` behind it.
void Stream::send_now(std::span<const Bytes> slices, const SharedBytes* shared) noexcept {
  const Loop::SendBuffer& buffer = loop_->send_buffer();
  HILO_DCHECK(in_dispatch());
  HILO_DCHECK(queue_.empty());
  Sequence left({buffer.data, buffer.size}, slices, shared);
  clear(Flag::blocked);
  send_rest(left);
}

void Stream::send_buffer() noexcept {
  const Loop::SendBuffer& buffer = loop_->send_buffer();
  if (is(Flag::broken) || is(Flag::abortive)) return;
  clear(Flag::blocked);
  settle_buffer(transmit({buffer.data, buffer.size}));
}

// What came of socket::try_send() with what has collected.
void Stream::settle_buffer(std::ptrdiff_t result) noexcept {
  const Loop::SendBuffer& buffer = loop_->send_buffer();
  const bool again = result == -EINTR;
  settle_buffer(again ? transmit({buffer.data, buffer.size}) : sent(socket::outcome(result)));
}

void Stream::settle_buffer(const Io& io) noexcept {
  const Loop::SendBuffer& buffer = loop_->send_buffer();
  Sequence left({buffer.data, buffer.size}, {});
  if (settle(io, left, buffer.size)) send_rest(left);
}

void Stream::on_flush() {
  if (is(Flag::over)) return;
  begin_dispatch();
  if (!is(Flag::blocked)) attempt([this] { is_plain() ? flush_plainly() : flush_queue(); });
  is_plain() ? finish_plainly() : finish_dispatch();
}

// Most flushes: what waits is one piece, and the kernel takes it whole. All else is left to
// flush_queue() and to what it calls.
void Stream::flush_plainly() {
  const Bytes all = queue_.in_one_piece();
  if (all.empty()) return flush_queue();
  loop_->count_write();
  const std::ptrdiff_t result = socket::try_send(fd_.value(), all);
  if (result != static_cast<std::ptrdiff_t>(all.size())) return flush_rest(result);
  set(Flag::progressed);
  queue_.consume_piece(loop_->pool());
  clear(Flag::blocked_told);
  handler_->on_drained();
}

// After a socket::try_send() with the queue, which is one piece.
[[gnu::noinline]] void Stream::flush_rest(std::ptrdiff_t result) {
  const std::size_t queued_before = queue_.size();
  const Bytes all = queue_.in_one_piece();
  const Io io = result == -EINTR ? transmit(all) : sent(socket::outcome(result));
  Status status = settle_queue(io, all.size());
  if (status) status = send_queue();
  tell_flushed(status, queue_.size() != queued_before);
}

// Offers once what is in front of the queue, `offered` bytes.
Io Stream::offer_queue(std::size_t& offered) noexcept {
  const Bytes all = queue_.in_one_piece();
  offered = all.size();
  return all.empty() ? offer_parts(offered) : transmit(all);
}

Io Stream::offer_parts(std::size_t& offered) noexcept {
  std::array<Bytes, slices_per_send_max> gathered;
  const std::span<const Bytes> batch{gathered.data(), queue_.gather(gathered)};
  offered = total_bytes(batch);
  return batch.size() == 1 ? transmit(batch.front()) : transmit(batch);
}

// Offers the queue to the kernel from where it lies, until it is empty or the kernel has enough.
// The error, if it takes nothing any more.
Status Stream::send_queue() noexcept {
  while (!queue_.empty() && !is(Flag::blocked)) {
    std::size_t offered = 0;
    const Io io = offer_queue(offered);
    if (Status status = settle_queue(io, offered); !status) return status;
  }
  return {};
}

// What came of offering so many bytes from the front of the queue.
Status Stream::settle_queue(const Io& io, std::size_t offered) noexcept {
  switch (io.kind) {
    case Io::Kind::done:
      put(Flag::blocked, transport_ == nullptr && io.bytes < offered);
      queue_.consume(loop_->pool(), io.bytes);
      break;
    case Io::Kind::would_block: set(Flag::blocked); break;
    case Io::Kind::end:
    case Io::Kind::failed: return io.error;
  }
  return {};
}

void Stream::flush_queue() {
  const bool offered = is(Flag::offered);
  clear(Flag::offered);
  if ((queue_.empty() && !offered) || is(Flag::over)) return;
  const std::size_t queued_before = queue_.size();
  clear(Flag::blocked);
  const Status status = send_queue();
  tell_flushed(status, offered || queue_.size() != queued_before);
}

void Stream::tell_flushed(const Status& status, bool some_taken) {
  if (!status) return break_off(status.error());
  if (!queue_.empty()) {
    if (some_taken) handler_->on_taken();
    return;
  }
  clear(Flag::blocked_told);
  handler_->on_drained();
}

// Once from the first refusal of the kernel until everything has left.
void Stream::report_blocked() {
  if (!is(Flag::blocked) || queue_.empty() || is(Flag::blocked_told) || is(Flag::over)) return;
  set(Flag::blocked_told);
  handler_->on_blocked();
}

void Stream::flush_collected() noexcept {
  if (in_dispatch()) send_collected();
  if (queue_.empty() || is(Flag::blocked) || is(Flag::over)) return;
  const std::size_t queued_before = queue_.size();
  // The flush phase, which is scheduled, meets the error again, and tells what came of it.
  static_cast<void>(send_queue());
  if (queue_.size() != queued_before) set(Flag::offered);
}

void Stream::shutdown_write() noexcept {
  if (is(Flag::shutdown_wanted) || is(Flag::over)) return;
  set(Flag::shutdown_wanted);
  if (!in_dispatch()) loop_->schedule_slot(slot_, Phase::flush);
}

void Stream::finish_shutdown() noexcept {
  if (!is(Flag::shutdown_wanted) || is(Flag::shutdown_done)) return;
  if (!queue_.empty() || is(Flag::over)) return;
  const Status status =
      transport_ != nullptr ? transport_->shutdown_write() : socket::shutdown_write(fd_.value());
  // The close_notify of TLS may find the kernel full.
  put(Flag::blocked, !status && status.error() == std::errc::resource_unavailable_try_again);
  if (is(Flag::blocked)) return;
  set(Flag::shutdown_done);
  if (!status) break_off(status.error());
}

}  // namespace hilo::net

// SPDX-License-Identifier: MIT

#include "net/transport_memory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "net/stream.h"

namespace hilo::net {

struct MemoryTransport::Link {
  explicit Link(std::size_t bytes) noexcept : capacity(bytes) {}

  // What one end has written and the other has not read yet, and what became of that end.
  struct End {
    explicit End(Pool& pool) noexcept : sent(pool) {}
    Buffer sent;
    Stream* stream = nullptr;
    bool finished = false;  // writes no more
    bool gone = false;      // destroyed
    bool blocked = false;   // was refused some bytes and waits for room
  };

  Pool pool;
  std::array<End, 2> ends{End{pool}, End{pool}};
  std::size_t capacity;
  bool was_reset = false;
};

namespace {

Io failed_by(std::errc why) noexcept {
  return {Io::Kind::failed, 0, std::make_error_code(why)};
}

}  // namespace

Result<MemoryTransport::Pair> MemoryTransport::pair(std::size_t capacity) noexcept {
  HILO_CHECK(capacity > 0);
  const std::shared_ptr<Link> link{new (std::nothrow) Link(capacity)};
  if (link == nullptr) return out_of_memory();
  Pair pair;
  pair.a.reset(new (std::nothrow) MemoryTransport(link, 0));
  pair.b.reset(new (std::nothrow) MemoryTransport(link, 1));
  if (pair.a == nullptr || pair.b == nullptr) return out_of_memory();
  return pair;
}

MemoryTransport::MemoryTransport(std::shared_ptr<Link> link, std::size_t side) noexcept
    : link_(std::move(link)), side_(side) {}

MemoryTransport::~MemoryTransport() {
  Link::End& own = link_->ends[side_];
  own.stream = nullptr;
  own.gone = true;
  // A socket closed with input unread answers with a reset.
  if (abortive_ || !link_->ends[1 - side_].sent.empty()) {
    reset();
    return;
  }
  own.finished = true;
  tell_peer({.readable = true, .writable = true});
}

void MemoryTransport::attach(Stream& stream) noexcept {
  link_->ends[side_].stream = &stream;
}

void MemoryTransport::tell_peer(Ready ready) noexcept {
  Stream* const peer = link_->ends[1 - side_].stream;
  if (peer != nullptr) peer->transport_ready(ready);
}

Io MemoryTransport::read(MutableBytes into) noexcept {
  if (link_->was_reset) return failed_by(std::errc::connection_reset);
  Link::End& peer = link_->ends[1 - side_];
  if (peer.sent.empty()) {
    return {peer.finished ? Io::Kind::end : Io::Kind::would_block, 0, {}};
  }
  const Bytes waiting = peer.sent.readable();
  const std::size_t taken = std::min(waiting.size(), into.size());
  if (taken != 0) std::memcpy(into.data(), waiting.data(), taken);
  peer.sent.consume(taken);
  if (std::exchange(peer.blocked, false)) tell_peer({.writable = true});
  return {Io::Kind::done, taken, {}};
}

Io MemoryTransport::write(std::span<const Bytes> slices) noexcept {
  Link::End& own = link_->ends[side_];
  if (link_->was_reset) return failed_by(std::errc::connection_reset);
  if (own.finished || link_->ends[1 - side_].gone) return failed_by(std::errc::broken_pipe);
  std::size_t room = link_->capacity - own.sent.size();
  std::size_t offered = 0;
  std::size_t taken = 0;
  for (const Bytes slice : slices) {
    offered += slice.size();
    const std::size_t part = std::min(slice.size(), room);
    if (!own.sent.append(slice.first(part))) return failed_by(std::errc::not_enough_memory);
    room -= part;
    taken += part;
  }
  own.blocked = taken < offered;
  if (taken == 0 && offered != 0) return {Io::Kind::would_block, 0, {}};
  tell_peer({.readable = true});
  return {Io::Kind::done, taken, {}};
}

Status MemoryTransport::shutdown_write() noexcept {
  if (link_->was_reset) return std::make_error_code(std::errc::not_connected);
  link_->ends[side_].finished = true;
  tell_peer({.readable = true});
  return {};
}

bool MemoryTransport::has_buffered_input() const noexcept {
  const Link::End& peer = link_->ends[1 - side_];
  return link_->was_reset || peer.finished || !peer.sent.empty();
}

void MemoryTransport::reset() noexcept {
  link_->was_reset = true;
  for (Link::End& end : link_->ends) {
    end.sent.release();
    if (end.stream != nullptr) end.stream->transport_ready({.readable = true, .broken = true});
  }
}

}  // namespace hilo::net

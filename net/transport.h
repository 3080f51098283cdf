// SPDX-License-Identifier: MIT
//
// Transport: what a Stream reads from and writes to, if that is not a bare socket.
//
// Plain TCP needs no Transport at all: a Stream with a descriptor and no Transport calls the socket
// itself. TLS puts an object here; tests put a pair of memory pipes here (transport_memory.h). One
// virtual call per read or write stands beside a system call, never one per message.

#pragma once

#include <span>

#include "net/base/bytes.h"
#include "net/poller.h"
#include "net/socket.h"

namespace hilo::net {

class Stream;
class WireObserver;
namespace tls {
class TlsTransport;
}

class Transport {
 public:
  virtual ~Transport() = default;

  // The stream that reads and writes here from now on, in the thread of its loop.
  virtual void attach(Stream& stream) noexcept = 0;

  // As socket::receive and socket::send.
  virtual Io read(MutableBytes into) noexcept = 0;
  virtual Io write(std::span<const Bytes> slices) noexcept = 0;
  // resource_unavailable_try_again: once write_waits_for() is there.
  virtual Status shutdown_write() noexcept = 0;

  // After would_block: which readiness of the descriptor the next attempt waits for. TLS may have
  // to write in order to read, and the other way round.
  virtual Interest read_waits_for() const noexcept { return Interest::read; }
  virtual Interest write_waits_for() const noexcept { return Interest::write; }

  // What the last write() did not take holds so many bytes at its front that are to be offered
  // again, and no fewer.
  virtual std::size_t refused_bytes() const noexcept { return 0; }

  // True if read() has something to tell at once, without the descriptor becoming readable first.
  virtual bool has_buffered_input() const noexcept { return false; }

  // True if reading failed for want of input, and not for what was read.
  virtual bool was_cut() const noexcept { return false; }

  // Who is shown what passes, if this is an ObservedTransport; null: nobody.
  virtual WireObserver* observer() const noexcept { return nullptr; }

  // Who hears of what happens below the bytes that are read and written here, as TLS its records
  // (observed_transport.h); null: nobody.
  virtual void show_to(WireObserver* observer) noexcept { static_cast<void>(observer); }

  // This, if it is TLS (transport_tls.h).
  virtual const tls::TlsTransport* tls() const noexcept { return nullptr; }

  // The stream is about to be destroyed by abort(). For transports without a descriptor: the peer
  // is to see a reset. The descriptor, where there is one, is dealt with by the stream.
  virtual void set_abortive_close() noexcept {}

  // The stream is taken apart; attach() to another one follows, in another thread perhaps.
  virtual void leave() noexcept {}

  // The stream is over: it reads and writes no more.
  virtual void detach() noexcept {}
};

}  // namespace hilo::net

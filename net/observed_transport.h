// SPDX-License-Identifier: MIT
//
// ObservedTransport: what a Stream reads and writes, shown to somebody on its way, call by call and
// in clear text where TLS is below.
//
//     Stream  --->  ObservedTransport  --->  a socket, or the transport that was there (TLS)
//                        |
//                   WireObserver
//
// A stream that nobody observes has none of this, so it costs nothing there: Stream::observe() puts
// it in. Who observes may also change what was read, and hold back what is written.
//
//   owns     the transport below, and a share of the observer
//   thread   the loop's of the stream; a stream that moves to another loop takes it along
//   limits   none: it keeps no bytes

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "net/base/bytes.h"
#include "net/duration.h"
#include "net/socket.h"
#include "net/transport.h"

namespace hilo::net {

class ObservedTransport;

// What TLS does below the bytes that a stream reads and writes. Without TLS there is none, and with
// TLS by the kernel there is no record of what is sent.
struct TlsNote {
  enum class Kind : std::uint8_t {
    record,      // a record begins; its five bytes (RFC 8446 §5.1)
    inner_type,  // what that record carries, encrypted, in TLS 1.3; one byte (RFC 8446 §5.2)
    message,     // a handshake message, whole and in the clear
    alert        // two bytes (RFC 8446 §6)
  };
  Kind kind = Kind::record;
  bool sent = false;  // by this end
  Bytes bytes = {};   // valid until on_tls() returns
};

// Hears of each call. Nothing of this may throw, nor call the stream.
class WireObserver {
 public:
  virtual ~WireObserver() = default;

  // It begins, in the thread of the stream's loop; and again there where the stream has moved to.
  virtual void on_begin(ObservedTransport& transport) noexcept { static_cast<void>(transport); }
  // The stream moves to another loop, and its transport with it.
  virtual void on_leave() noexcept {}
  // A read, and what it brought: none if io.kind is not done. The bytes may be changed in place;
  // the stream gets them as they are then. What it had read before is not shown; a server that
  // begins with a request shows that itself.
  virtual void on_read(const Io& io, MutableBytes bytes) noexcept = 0;
  // A write of `slices`, of which the first io.bytes were taken if io.kind is done.
  virtual void on_write(const Io& io, std::span<const Bytes> slices) noexcept = 0;
  // During a read, a write or a shutdown, before that is told: who observes from the start hears of
  // the handshake, too.
  virtual void on_tls(const TlsNote& note) noexcept { static_cast<void>(note); }
  // The stream has nothing more to send: FIN, and close_notify before it.
  virtual void on_shutdown() noexcept {}
  // How many of so many bytes may be written now. The rest waits as if the kernel had refused it,
  // until release() of the transport is called. TLS may need more of them, of a record that it
  // holds already.
  virtual std::size_t may_write(std::size_t bytes) noexcept { return bytes; }
  // The connection has a deadline so long from now, in place of the one before; and: it has come.
  // What is done about it follows, if it has not become later by then.
  virtual void on_deadline(Duration from_now) noexcept { static_cast<void>(from_now); }
  virtual void on_deadline_passed() noexcept {}
  // A message of so many bytes does not fit behind the bytes that wait for the peer to read; and
  // what becomes of it, in words that stay.
  virtual void on_overflow(std::size_t message, std::size_t waiting,
                           std::string_view consequence) noexcept {
    static_cast<void>(message);
    static_cast<void>(waiting);
    static_cast<void>(consequence);
  }
  // The stream is over; the last call.
  virtual void on_gone() noexcept = 0;
};

// Makes one for each connection of somebody who opens several.
class WireObservers {
 public:
  virtual ~WireObservers() = default;
  // Null: this one is not looked at.
  virtual std::shared_ptr<WireObserver> make() = 0;
};

class ObservedTransport final : public Transport {
 public:
  // `below` is null for a bare socket.
  ObservedTransport(std::unique_ptr<Transport> below, int fd,
                    std::shared_ptr<WireObserver> observer) noexcept
      : below_(std::move(below)), observer_(std::move(observer)), fd_(fd) {}
  ObservedTransport(const ObservedTransport&) = delete;
  ObservedTransport& operator=(const ObservedTransport&) = delete;
  ~ObservedTransport() override { detach(); }

  void attach(Stream& stream) noexcept override;
  Io read(MutableBytes into) noexcept override;
  Io write(std::span<const Bytes> slices) noexcept override;
  Status shutdown_write() noexcept override;
  Interest read_waits_for() const noexcept override;
  Interest write_waits_for() const noexcept override;
  std::size_t refused_bytes() const noexcept override;
  bool has_buffered_input() const noexcept override;
  bool was_cut() const noexcept override;
  WireObserver* observer() const noexcept override { return observer_.get(); }
  const tls::TlsTransport* tls() const noexcept override;
  void set_abortive_close() noexcept override;
  void detach() noexcept override;
  void leave() noexcept override;

  Stream& stream() const noexcept { return *stream_; }
  // Another one from now on; the one before hears that it is over.
  void observe(std::shared_ptr<WireObserver> observer) noexcept;
  // What may_write() held back may be tried again.
  void release() noexcept;

 private:
  std::unique_ptr<Transport> below_;
  std::shared_ptr<WireObserver> observer_;
  Stream* stream_ = nullptr;
  int fd_;
  bool held_back_ = false;
};

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// TlsTransport: one connection's TLS, between a Stream and its socket. It is made by a context
// (tls.h).
//
//     Stream  --plain text-->  TlsTransport [ SSL ]  --records-->  net/socket.h
//
// The handshake has no call of its own: the first reads and writes drive it and say would_block
// until it is done. So whoever uses the Stream sees plain text or nothing; its deadline is the
// user's to keep, with handshake_done().
//
//   end       only a close_notify is an end; a FIN without one is Errc::truncated, as somebody on
//             the way may have cut the text (RFC 8446 §6.1)
//   failures  read() and write() give a tls::Errc or the socket's error; OpenSSL has sent its alert
//             by then, and failure_text() tells more
//   limits    what OpenSSL holds: one record in each direction while it is incomplete, nothing
//             while idle; key_updates_max in key_update_window
//   kernel    where the kernel may encrypt, each record is copied first, as OpenSSL goes on to send
//             a refused one from where it lay
//   thread    the loop's

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "net/base/buffer.h"
#include "net/duration.h"
#include "net/transport.h"

struct ssl_st;
struct ssl_ctx_st;
struct bio_st;

namespace hilo::net::tls {

enum class Errc : std::uint8_t {
  handshake = 1,  // no agreement, or not TLS at all
  verify,         // the peer's certificate is not to be trusted
  alert,          // the peer's: failure_text() says which
  record,         // a record that is not authentic, or otherwise wrong
  truncated,      // the connection ended without a close_notify
  key_updates,    // too many of them
  renegotiation,  // asked for again after it was refused
  certificate_file,
  key_file,  // unreadable, or not the certificate's key
  ca_file,
  keylog_file,
};
std::error_code make_error_code(Errc error) noexcept;

class TlsTransport final : public Transport {
 public:
  static constexpr std::uint32_t key_updates_max = 32;
  static constexpr Duration key_update_window = Duration::seconds(60);

  // Takes over the SSL, which is set up but for its BIO. `keep_alive` is what it refers to.
  TlsTransport(ssl_st* ssl, int fd, std::shared_ptr<const void> keep_alive) noexcept;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;
  ~TlsTransport() override;

  void attach(Stream& stream) noexcept override;
  Io read(MutableBytes into) noexcept override;
  Io write(std::span<const Bytes> slices) noexcept override;
  Status shutdown_write() noexcept override;
  Interest read_waits_for() const noexcept override { return read_waits_for_; }
  Interest write_waits_for() const noexcept override { return write_waits_for_; }
  std::size_t refused_bytes() const noexcept override { return refused_bytes_; }
  bool has_buffered_input() const noexcept override { return more_input_; }
  bool was_cut() const noexcept override;
  void show_to(WireObserver* observer) noexcept override { observer_ = observer; }
  const TlsTransport* tls() const noexcept override { return this; }

  // --- facts; all but the first three mean something only once the handshake is done ---

  bool handshake_done() const noexcept { return handshake_done_; }
  Time handshake_time() const noexcept { return handshake_time_; }  // when it was done
  // OpenSSL's words for the failure that read() or write() told; empty if there was none.
  std::string_view failure_text() const noexcept { return failure_text_; }
  std::string_view version() const noexcept;      // "TLSv1.3"
  std::string_view cipher() const noexcept;       // "TLS_AES_256_GCM_SHA384"
  std::string_view alpn() const noexcept;         // "http/1.1", or empty
  std::string_view server_name() const noexcept;  // what the client asked for (SNI), or empty
  bool resumed() const noexcept;
  bool uses_kernel() const noexcept;  // for sending
  std::string peer_subject() const;   // "CN=client,O=…" of the verified certificate, or empty

 private:
  friend struct TlsBio;
  class Offer;

  Io write_records(Offer& offer, Buffer& gathered) noexcept;
  Io outcome(int returned, Interest& waits_for) noexcept;
  Io fail() noexcept;
  Io fail_with(std::error_code error) noexcept;
  void note_progress() noexcept;
  void on_handshake_message(std::uint8_t type) noexcept;
  void show(bool sent, int content_type, Bytes bytes) noexcept;
  void drain_socket() noexcept;

  ssl_st* ssl_;
  std::shared_ptr<const void> keep_alive_;
  Stream* stream_ = nullptr;
  WireObserver* observer_ = nullptr;
  const char* failure_text_ = "";
  std::error_code failure_;       // of a read or write; the next one tells it again
  std::error_code socket_error_;  // of the last call of the BIO
  Time handshake_time_;
  Time key_update_began_;
  // Records are put together here. It is there during a write, and longer where the kernel may
  // encrypt and has refused what lies in it.
  std::optional<Buffer> gathered_;
  std::size_t refused_bytes_ = 0;  // at the least, to be offered again
  int fd_;
  int receives_ = 0;  // for the present record
  std::uint32_t key_updates_ = 0;
  std::uint32_t client_hellos_ = 0;  // after the handshake
  Interest read_waits_for_ = Interest::read;
  Interest write_waits_for_ = Interest::write;
  socket::Behind behind_record_ = socket::Behind::nothing;  // the record that is being written
  bool handshake_done_ = false;
  bool more_input_ = false;  // the last read filled its buffer, so there may be more
  bool socket_ended_ = false;
  bool socket_emptied_ = false;  // by the last receive, which left room
  const bool may_use_kernel_;
};

}  // namespace hilo::net::tls

template <>
struct std::is_error_code_enum<hilo::net::tls::Errc> : std::true_type {};

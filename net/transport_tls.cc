// SPDX-License-Identifier: MIT

#include "net/transport_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "net/clock.h"
#include "net/last_error.h"
#include "net/observed_transport.h"
#include "net/stream.h"

namespace hilo::net::tls {
namespace {

constexpr std::size_t record_bytes_max = 16384;  // RFC 8446 §5.1
// One read() takes so many records: a peer that sends a byte in each must not hold the turn. And it
// asks the socket so often for one of them: nor must one that sends what holds no text at all.
constexpr int records_per_read_max = 64;
constexpr int receives_per_record_max = 64;

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::handshake: return "the TLS handshake failed";
      case Errc::verify: return "the peer's certificate is not trusted";
      case Errc::alert: return "the peer ended TLS with an alert";
      case Errc::record: return "a TLS record is wrong";
      case Errc::truncated: return "the connection ended without a TLS close_notify";
      case Errc::key_updates: return "too many TLS key updates";
      case Errc::renegotiation: return "TLS renegotiation is refused";
      case Errc::certificate_file: return "the certificate's file cannot be used";
      case Errc::key_file: return "the key's file cannot be used";
      case Errc::ca_file: return "the file of authorities cannot be used";
      case Errc::keylog_file: return "the key log cannot be written";
    }
    return "an unknown TLS error";
  }
};

// What an earlier call left would be taken for what the next one says. Mostly there is nothing, and
// to ask for it costs a tenth of clearing all the places for sixteen errors.
void clear_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

std::error_code make_error_code(Errc error) noexcept {
  static const Category category;
  return {static_cast<int>(error), category};
}

// OpenSSL's way to the socket. Its functions have the shapes that OpenSSL wants.
struct TlsBio {
  // Made when it is first needed, and tried again by the next connection where there was no memory.
  static const BIO_METHOD* method() noexcept {
    static std::atomic<BIO_METHOD*> made{nullptr};
    BIO_METHOD* present = made.load(std::memory_order_acquire);
    if (present != nullptr) return present;
    BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hilo socket");
    if (m == nullptr) return nullptr;
    BIO_meth_set_read(m, read);
    BIO_meth_set_write(m, write);
    BIO_meth_set_ctrl(m, control);
    if (made.compare_exchange_strong(present, m, std::memory_order_acq_rel)) return m;
    BIO_meth_free(m);  // another thread was quicker
    return present;
  }

  static int read(BIO* bio, char* to, int size) noexcept {
    auto& transport = *static_cast<TlsTransport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    // OpenSSL would go on for as long as anything comes.
    if (transport.failure_) return -1;
    if (++transport.receives_ > receives_per_record_max) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const Io io = socket::receive(
        transport.fd_, {reinterpret_cast<std::uint8_t*>(to), static_cast<std::size_t>(size)});
    transport.socket_emptied_ = io.kind == Io::Kind::done && io.bytes < static_cast<unsigned>(size);
    switch (io.kind) {
      case Io::Kind::done: return static_cast<int>(io.bytes);
      case Io::Kind::would_block: BIO_set_retry_read(bio); return -1;
      case Io::Kind::end: transport.socket_ended_ = true; return 0;
      case Io::Kind::failed: break;
    }
    transport.socket_error_ = io.error;
    return -1;
  }

  static int write(BIO* bio, const char* from, int size) noexcept {
    auto& transport = *static_cast<TlsTransport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const Bytes bytes{reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)};
    const Io io = socket::send(transport.fd_, bytes, transport.behind_record_);
    switch (io.kind) {
      case Io::Kind::done: return static_cast<int>(io.bytes);
      case Io::Kind::would_block: BIO_set_retry_write(bio); return -1;
      case Io::Kind::end:
      case Io::Kind::failed: break;
    }
    transport.socket_error_ = io.error;
    return -1;
  }

  static long control(BIO* bio, int command, long, void*) noexcept {
    switch (command) {
      case BIO_CTRL_FLUSH: return 1;
      case BIO_CTRL_EOF: return static_cast<TlsTransport*>(BIO_get_data(bio))->socket_ended_;
      default: return 0;
    }
  }

  // OpenSSL shows every message of the protocol.
  static void on_message(int sent, int, int content_type, const void* bytes, std::size_t size, SSL*,
                         void* data) noexcept {
    auto& transport = *static_cast<TlsTransport*>(data);
    if (transport.observer_ != nullptr) {
      transport.show(sent != 0, content_type, {static_cast<const std::uint8_t*>(bytes), size});
    }
    if (sent != 0 || content_type != SSL3_RT_HANDSHAKE || size == 0) return;
    const auto type = *static_cast<const std::uint8_t*>(bytes);
    transport.on_handshake_message(type);
  }
};

TlsTransport::TlsTransport(ssl_st* ssl, int fd, std::shared_ptr<const void> keep_alive) noexcept
    : ssl_(ssl),
      keep_alive_(std::move(keep_alive)),
      fd_(fd),
      may_use_kernel_((SSL_get_options(ssl) & SSL_OP_ENABLE_KTLS) != 0) {
  if (may_use_kernel_) {
    // Kernel TLS is a property of the descriptor, and OpenSSL sets it through its own BIO only.
    if (SSL_set_fd(ssl_, fd) != 1) failure_ = out_of_memory();
  } else if (BIO* bio = TlsBio::method() != nullptr ? BIO_new(TlsBio::method()) : nullptr) {
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
  } else {
    failure_ = out_of_memory();
  }
  SSL_set_msg_callback(ssl_, TlsBio::on_message);
  SSL_set_msg_callback_arg(ssl_, this);
}

TlsTransport::~TlsTransport() {
  SSL_free(ssl_);
}

void TlsTransport::attach(Stream& stream) noexcept {
  stream_ = &stream;
}

// --- reading and writing -------------------------------------------------------------------------

// The slices of a write as one sequence, consumed from the front.
class TlsTransport::Offer {
 public:
  explicit Offer(std::span<const Bytes> slices) noexcept : rest_(slices) { skip(0); }

  void skip(std::size_t bytes) noexcept {
    while (true) {
      const std::size_t part = std::min(bytes, front_.size());
      front_ = front_.subspan(part);
      bytes -= part;
      if (!front_.empty() || rest_.empty()) return;
      front_ = rest_.front();
      rest_ = rest_.subspan(1);
    }
  }

  bool empty() const noexcept { return front_.empty(); }

  // Up to 16 KiB: from where it lies, if a single slice holds it and it need not stay there, and
  // else put together. A record of its own for each small slice would cost more than the copy.
  Bytes next_record(Buffer& gathered, bool must_stay) noexcept {
    const bool is_single = front_.size() >= record_bytes_max || rest_.empty();
    const Bytes single = front_.first(std::min(front_.size(), record_bytes_max));
    if (single.empty()) return {};
    if ((is_single && !must_stay) || !gathered.reserve(record_bytes_max)) {
      skip(single.size());
      return single;
    }
    while (gathered.size() < record_bytes_max && !front_.empty()) {
      const Bytes part = front_.first(std::min(front_.size(), record_bytes_max - gathered.size()));
      static_cast<void>(gathered.append(part));
      skip(part.size());
    }
    return std::as_const(gathered).readable();
  }

 private:
  Bytes front_;
  std::span<const Bytes> rest_;
};

Io TlsTransport::read(MutableBytes into) noexcept {
  more_input_ = false;
  read_waits_for_ = Interest::read;
  std::size_t filled = 0;
  for (int records = 0; records < records_per_read_max && filled < into.size(); ++records) {
    if (failure_) return {.kind = Io::Kind::failed, .error = failure_};
    clear_errors();
    receives_ = 0;
    std::size_t got = 0;
    const int returned = SSL_read_ex(ssl_, into.data() + filled, into.size() - filled, &got);
    note_progress();
    if (returned > 0 && !failure_) {
      filled += got;
      // Asking again would only hear would_block.
      if (socket_emptied_ && SSL_has_pending(ssl_) == 0) return {Io::Kind::done, filled, {}};
      continue;
    }
    const Io io = outcome(returned, read_waits_for_);
    if (filled == 0) return io;
    // What came before the end or the failure is delivered; the next read tells it.
    more_input_ = io.kind != Io::Kind::would_block;
    return {.kind = Io::Kind::done, .bytes = filled};
  }
  more_input_ = true;
  return {.kind = Io::Kind::done, .bytes = filled};
}

// What OpenSSL refused it wants to be offered again, and no less. The stream does that, as it keeps
// what was not taken in front of everything else, and records are cut by bytes, not by slices.
Io TlsTransport::write(std::span<const Bytes> slices) noexcept {
  write_waits_for_ = Interest::write;
  Offer offer(slices);
  if (gathered_) {
    offer.skip(gathered_->size());
  } else {
    gathered_.emplace(stream_->loop().pool());
  }
  const Io io = write_records(offer, *gathered_);
  if (!may_use_kernel_ || gathered_->empty()) gathered_.reset();
  return io;
}

// A record is sent from `gathered`, or from where it lies if that is empty.
Io TlsTransport::write_records(Offer& offer, Buffer& gathered) noexcept {
  std::size_t taken = 0;
  Bytes record = gathered.readable();
  while (true) {
    if (record.empty()) {
      gathered.release();
      record = offer.next_record(gathered, may_use_kernel_);
      if (record.empty()) return {.kind = Io::Kind::done, .bytes = taken};
      if (may_use_kernel_ && gathered.empty()) return fail_with(out_of_memory());
    }
    if (failure_) return {.kind = Io::Kind::failed, .error = failure_};
    if (record.size() < refused_bytes_) return fail_with(out_of_memory());
    clear_errors();
    std::size_t written = 0;
    const bool shaking_hands = !handshake_done_;
    // Of a handshake nothing may wait: the peer answers it.
    if (!shaking_hands && !offer.empty()) behind_record_ = socket::Behind::bytes;
    const int returned = SSL_write_ex(ssl_, record.data(), record.size(), &written);
    behind_record_ = socket::Behind::nothing;
    note_progress();
    // What was received for the sake of the handshake may hold more than that.
    if (shaking_hands && handshake_done_) more_input_ = true;
    if (returned <= 0) {
      const Io io = outcome(returned, write_waits_for_);
      if (io.kind == Io::Kind::end) return fail_with(std::make_error_code(std::errc::broken_pipe));
      const bool holds = handshake_done_ || may_use_kernel_;
      refused_bytes_ = holds && io.kind == Io::Kind::would_block ? record.size() : 0;
      return taken == 0 || io.kind == Io::Kind::failed ? io : Io{Io::Kind::done, taken, {}};
    }
    // A part of it, where the peer wants short records (RFC 6066 §4).
    refused_bytes_ = 0;
    taken += written;
    record = record.subspan(written);
    if (!gathered.empty()) gathered.consume(written);
  }
}

Status TlsTransport::shutdown_write() noexcept {
  // Before the handshake is done there is nothing to end but the connection.
  if (handshake_done_ && !failure_) {
    clear_errors();
    const int returned = SSL_shutdown(ssl_);
    if (returned < 0 && SSL_get_error(ssl_, returned) == SSL_ERROR_WANT_WRITE) {
      write_waits_for_ = Interest::write;
      return std::make_error_code(std::errc::resource_unavailable_try_again);
    }
  }
  return socket::shutdown_write(fd_);
}

// --- what came of it -----------------------------------------------------------------------------

Io TlsTransport::outcome(int returned, Interest& waits_for) noexcept {
  const std::error_code system_error = last_error();
  if (failure_) return {.kind = Io::Kind::failed, .error = failure_};
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ: waits_for = Interest::read; return {.kind = Io::Kind::would_block};
    case SSL_ERROR_WANT_WRITE: waits_for = Interest::write; return {.kind = Io::Kind::would_block};
    case SSL_ERROR_ZERO_RETURN: return {.kind = Io::Kind::end};
    // Only OpenSSL's own BIO leaves it at that: ours has told what the socket said.
    case SSL_ERROR_SYSCALL:
      if (!socket_error_ && !socket_ended_) socket_error_ = system_error;
      if (!socket_error_) socket_ended_ = true;
      return fail();
    // What the socket has said then, it has said to the alert.
    default: socket_error_ = {}; return fail();
  }
}

Io TlsTransport::fail() noexcept {
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(code);
  if (const char* text = ERR_reason_error_string(code)) failure_text_ = text;
  if (socket_error_) return fail_with(socket_error_);
  const bool is_of_ssl = ERR_GET_LIB(code) == ERR_LIB_SSL;
  const bool ended_early = is_of_ssl && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (socket_ended_ || ended_early) return fail_with(Errc::truncated);
  if (is_of_ssl && reason >= SSL_AD_REASON_OFFSET) return fail_with(Errc::alert);
  if (handshake_done_) return fail_with(Errc::record);
  if (const long verdict = SSL_get_verify_result(ssl_); verdict != X509_V_OK) {
    failure_text_ = X509_verify_cert_error_string(verdict);
    return fail_with(Errc::verify);
  }
  return fail_with(Errc::handshake);
}

bool TlsTransport::was_cut() const noexcept {
  return failure_ == Errc::truncated;
}

Io TlsTransport::fail_with(std::error_code error) noexcept {
  failure_ = error;
  drain_socket();
  return {.kind = Io::Kind::failed, .error = failure_};
}

// Closing a socket with input unread resets the connection, and a reset would take our alert back.
void TlsTransport::drain_socket() noexcept {
  constexpr int receives_max = 16;
  std::array<std::uint8_t, 4096> scrap;
  for (int i = 0; i < receives_max; ++i) {
    if (socket::receive(fd_, scrap).kind != Io::Kind::done) return;
  }
}

void TlsTransport::note_progress() noexcept {
  if (handshake_done_ || SSL_is_init_finished(ssl_) != 1) return;
  handshake_done_ = true;
  handshake_time_ = clock_now();
  // Found while reading, it is what a write waits for that had to read first.
  write_waits_for_ = Interest::write;
}

void TlsTransport::on_handshake_message(std::uint8_t type) noexcept {
  if (!handshake_done_) return;
  if (type == SSL3_MT_KEY_UPDATE) {
    const Time now = clock_now();
    if (key_updates_ == 0 || now - key_update_began_ > key_update_window) {
      key_update_began_ = now;
      key_updates_ = 0;
    }
    if (++key_updates_ > key_updates_max) failure_ = Errc::key_updates;
  } else if (type == SSL3_MT_CLIENT_HELLO && ++client_hellos_ > 1) {
    // OpenSSL has answered the first one with a warning.
    failure_ = Errc::renegotiation;
  }
}

// For who observes the stream.
void TlsTransport::show(bool sent, int content_type, Bytes bytes) noexcept {
  TlsNote note{.sent = sent, .bytes = bytes};
  switch (content_type) {
    case SSL3_RT_HEADER: note.kind = TlsNote::Kind::record; break;
    case SSL3_RT_INNER_CONTENT_TYPE: note.kind = TlsNote::Kind::inner_type; break;
    case SSL3_RT_HANDSHAKE: note.kind = TlsNote::Kind::message; break;
    case SSL3_RT_ALERT: note.kind = TlsNote::Kind::alert; break;
    default: return;
  }
  observer_->on_tls(note);
}

// --- facts ---------------------------------------------------------------------------------------

std::string_view TlsTransport::version() const noexcept {
  return SSL_get_version(ssl_);
}

std::string_view TlsTransport::cipher() const noexcept {
  return SSL_get_cipher_name(ssl_);
}

std::string_view TlsTransport::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsTransport::server_name() const noexcept {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : std::string_view{};
}

bool TlsTransport::resumed() const noexcept {
  return SSL_session_reused(ssl_) == 1;
}

bool TlsTransport::uses_kernel() const noexcept {
  return BIO_get_ktls_send(SSL_get_wbio(ssl_)) != 0;
}

std::string TlsTransport::peer_subject() const {
  std::string subject;
  X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return subject;
  BIO* const text = BIO_new(BIO_s_mem());
  if (text == nullptr) return subject;
  X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text, &data);
  if (size > 0) subject.assign(data, static_cast<std::size_t>(size));
  BIO_free(text);
  return subject;
}

}  // namespace hilo::net::tls

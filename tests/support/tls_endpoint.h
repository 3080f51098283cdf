// SPDX-License-Identifier: MIT
//
// One end of a TLS connection without any socket: OpenSSL between two strings. Bytes of the wire go
// in and out where a test can look at them, cut them and change them; which alert came is told.
//
//   TlsEndpoint client({.server_name = "localhost"});
//   wire.send(client.take_wire());               // ClientHello
//   client.put_wire(wire.received);              // and so on until client.is_established()
//   wire.send(client.seal("GET / HTTP/1.1..."));

#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hilo::test {

struct TlsEndpointOptions {
  bool server = false;
  int version_min = TLS1_2_VERSION;
  int version_max = TLS1_3_VERSION;
  std::string ciphers = {};      // of TLS 1.2, as openssl ciphers(1) names them
  std::string server_name = {};  // SNI
  std::string alpn = {};         // as on the wire: "\x08http/1.1"
  std::string certificate_file = {};
  std::string key_file = {};
  bool self_signed = false;  // instead of the two
  std::string ca_file = {};  // whom to trust; empty: nobody is asked who they are
  // What is allowed of old and weak things, for peers that are to be refused: 0 allows all.
  int security_level = 1;
  int max_fragment = TLSEXT_max_fragment_length_DISABLED;  // how short records are to be
  std::shared_ptr<SSL_SESSION> session = {};               // to be resumed
  std::string early_data = {};                             // sent before the handshake is done
};

class TlsEndpoint {
 public:
  explicit TlsEndpoint(const TlsEndpointOptions& options = {});
  TlsEndpoint(const TlsEndpoint&) = delete;
  TlsEndpoint& operator=(const TlsEndpoint&) = delete;
  ~TlsEndpoint() = default;

  // What the other end has sent. Goes on with the handshake; application data collects in `plain`.
  void put_wire(std::string_view bytes);
  // What is to be sent to the other end.
  std::string take_wire();

  bool is_established() const { return established_; }
  // Application data as records; the handshake must be over.
  std::string seal(std::string_view plain);
  void close_notify();
  // A record that OpenSSL would not send at this point, sealed beside its back: a client's, with
  // TLS 1.2 and AES128-GCM-SHA256. `number` counts records since the Finished, which has 0. OpenSSL
  // knows nothing of it and cannot send after it.
  std::string forge(std::uint8_t type, std::string_view plain, std::uint64_t number);

  std::string plain;
  bool failed = false;          // OpenSSL gave up; `error` says why
  bool close_notified = false;  // the other end said that it has finished
  int alert = -1;               // the last one received: SSL3_AD_..., TLS1_AD_...
  std::string error;
  // The newest one that the other end has given us.
  std::shared_ptr<SSL_SESSION> session;

  SSL* ssl() { return ssl_.get(); }

 private:
  static void on_record(int sent, int version, int type, const void* bytes, std::size_t size,
                        SSL* ssl, void* self);
  static int on_session(SSL* ssl, SSL_SESSION* session);
  void drive();

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  BIO* in_ = nullptr;  // both belong to ssl_
  BIO* out_ = nullptr;
  bool established_ = false;
};

}  // namespace hilo::test

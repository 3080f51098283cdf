// SPDX-License-Identifier: MIT
//
// TLS by OpenSSL: what connections of one kind share. A context holds certificates and rules; each
// connection gets a Transport from it, which a Stream then uses in place of the bare socket.
//
//   server   auto context = tls::ServerContext::create({.certificates = {{"cert.pem",
//   "key.pem"}}});
//            stream = Stream(loop, (*context)->accept(fd), std::move(fd), handler);
//   client   auto context = tls::ClientContext::create({});
//            transport = (*context)->connect(fd, "example.com");
//
//   rules    TLS 1.2 and 1.3 only (RFC 8996); no renegotiation, no compression, no 0-RTT; ALPN
//            "http/1.1" and nothing else (RFC 7301); tickets for resumption
//   thread   contexts may be used from any thread, also while another one reloads; a Transport
//            belongs to the thread of its loop
//   owns     its SSL_CTX; a Transport keeps what it needs of it alive, so contexts may go first
//   errors   tls::Errc, with OpenSSL's own words where a `detail` is asked for
//   seams    bytes go through net/socket.h, so that a simulator sees them; kernel TLS is the one
//            exception, as the kernel encrypts on the descriptor itself

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "net/base/result.h"
#include "net/transport_tls.h"

namespace hilo::net::tls {

// Files in PEM. The certificate's file holds its chain too, the own one first.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

struct ServerOptions {
  // The first is shown to clients that name no host, or one that no certificate is for; the others
  // to clients that name theirs (SNI, RFC 6066 §3). Which names those are the certificates say.
  std::vector<CertificateFiles> certificates = {};
  // In place of files: a certificate for localhost, made here and now. For trying things out.
  bool self_signed = false;
  // Client certificates are asked for, and must come from one of these authorities (PEM).
  std::string client_ca_file = {};
  bool client_certificate_required = true;
  // The secrets of all connections are appended here, for Wireshark. Never in production.
  std::string keylog_file = {};
  // Let the kernel encrypt where OpenSSL and the kernel can. The process must ignore SIGPIPE then.
  bool kernel_tls = false;
};

class ServerContext {
 public:
  // `detail`, if given, gets a sentence for a person when this fails.
  static Result<std::shared_ptr<ServerContext>> create(ServerOptions options,
                                                       std::string* detail = nullptr);
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ~ServerContext();

  // Reads all files again. Connections accepted from now on use what they hold; those that are
  // there keep what they began with. On failure nothing changes.
  Status reload(std::string* detail = nullptr);

  // For a connection that was accepted; `fd` stays the stream's. Null: no memory.
  std::unique_ptr<TlsTransport> accept(int fd) const noexcept;

 private:
  class Generation;  // what one reading of the files brought
  explicit ServerContext(ServerOptions options) noexcept;

  ServerOptions options_;
  struct Current;
  std::unique_ptr<Current> current_;
};

struct ClientOptions {
  // Who is trusted, in PEM; empty: the authorities of the system.
  std::string ca_file = {};
  // A certificate of our own, for servers that ask for one.
  CertificateFiles certificate = {};
  // Trusts everybody: anyone on the way can read and change everything. For tests.
  bool insecure = false;
  std::string keylog_file = {};
  bool kernel_tls = false;
};

class ClientContext {
 public:
  static Result<std::shared_ptr<ClientContext>> create(const ClientOptions& options,
                                                       std::string* detail = nullptr);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;
  ~ClientContext();

  // For a connected socket, which may have spoken with a proxy before. The certificate must be for
  // `host`, a name or an IP address (RFC 9525), and no byte of ours leaves before that was seen.
  // Sessions of the same host are resumed. Null: no memory.
  std::unique_ptr<TlsTransport> connect(int fd, std::string_view host) const noexcept;

 private:
  class Sessions;
  ClientContext() noexcept;
  std::unique_ptr<TlsTransport> prepare(int fd, std::string_view host) const;

  std::shared_ptr<ssl_ctx_st> context_;
  std::shared_ptr<Sessions> sessions_;
  bool insecure_ = false;
};

}  // namespace hilo::net::tls

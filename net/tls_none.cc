// SPDX-License-Identifier: MIT
//
// TLS=0: in place of tls.cc, tls_self_signed.cc and transport_tls.cc, and so of libssl. Every
// context is refused, so that no TlsTransport is ever made; its functions only link.

#include "net/tls.h"
#include "net/tls_self_signed.h"

namespace hilo::net::tls {

namespace {

std::error_code refuse(std::string* detail) {
  if (detail != nullptr) *detail = "hilo was built without TLS (TLS=0)";
  return std::make_error_code(std::errc::operation_not_supported);
}

}  // namespace

// No transport tells any of them.
std::error_code make_error_code(Errc) noexcept {
  return std::make_error_code(std::errc::operation_not_supported);
}

Status use_self_signed(ssl_ctx_st*) noexcept {
  return std::make_error_code(std::errc::operation_not_supported);
}

struct ServerContext::Current {};

ServerContext::~ServerContext() = default;
Result<std::shared_ptr<ServerContext>> ServerContext::create(ServerOptions, std::string* detail) {
  return refuse(detail);
}
Status ServerContext::reload(std::string* detail) {
  return refuse(detail);
}
std::unique_ptr<TlsTransport> ServerContext::accept(int) const noexcept {
  return nullptr;
}

ClientContext::~ClientContext() = default;
Result<std::shared_ptr<ClientContext>> ClientContext::create(const ClientOptions&,
                                                             std::string* detail) {
  return refuse(detail);
}
std::unique_ptr<TlsTransport> ClientContext::connect(int, std::string_view) const noexcept {
  return nullptr;
}

TlsTransport::~TlsTransport() = default;
void TlsTransport::attach(Stream&) noexcept {}
Io TlsTransport::read(MutableBytes) noexcept {
  return {.error = std::make_error_code(std::errc::operation_not_supported)};
}
Io TlsTransport::write(std::span<const Bytes>) noexcept {
  return read({});
}
Status TlsTransport::shutdown_write() noexcept {
  return {};
}
bool TlsTransport::was_cut() const noexcept {
  return false;
}
std::string_view TlsTransport::version() const noexcept {
  return {};
}
std::string_view TlsTransport::cipher() const noexcept {
  return {};
}
std::string_view TlsTransport::alpn() const noexcept {
  return {};
}
std::string_view TlsTransport::server_name() const noexcept {
  return {};
}
bool TlsTransport::resumed() const noexcept {
  return false;
}
bool TlsTransport::uses_kernel() const noexcept {
  return false;
}
std::string TlsTransport::peer_subject() const {
  return {};
}

}  // namespace hilo::net::tls

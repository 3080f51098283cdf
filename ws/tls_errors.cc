// SPDX-License-Identifier: MIT

#include "ws/tls_errors.h"

#include "net/transport_tls.h"

namespace hilo::ws {

Errc tls_errc(std::error_code error) noexcept {
  using Tls = net::tls::Errc;
  if (error.category() != make_error_code(Tls::handshake).category()) return Errc::none;
  switch (static_cast<Tls>(error.value())) {
    case Tls::handshake: return Errc::tls_handshake;
    case Tls::verify: return Errc::tls_verify;
    case Tls::alert: return Errc::tls_alert;
    case Tls::record: return Errc::tls_record;
    case Tls::key_updates: return Errc::tls_key_updates;
    case Tls::renegotiation: return Errc::tls_renegotiation;
    case Tls::truncated:
    case Tls::certificate_file:
    case Tls::key_file:
    case Tls::ca_file:
    case Tls::keylog_file: break;
  }
  return Errc::none;
}

}  // namespace hilo::ws

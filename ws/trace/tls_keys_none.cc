// SPDX-License-Identifier: MIT
//
// TLS=0: in place of tls_keys.cc. No record is opened.

#include "ws/trace/tls_keys.h"

namespace hilo::trace {

bool tls_keys_available() noexcept {
  return false;
}

std::optional<TlsKeys> tls_1_3_keys(const TlsSuite&, Bytes) {
  return std::nullopt;
}

std::vector<std::uint8_t> tls_1_3_next_secret(const TlsSuite&, Bytes) {
  return {};
}

std::optional<TlsKeyBlock> tls_1_2_keys(const TlsSuite&, Bytes, Bytes, Bytes) {
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> open_tls_record(const TlsKeys&, std::uint64_t,
                                                         const TlsProtected&) {
  return std::nullopt;
}

}  // namespace hilo::trace

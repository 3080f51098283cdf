// SPDX-License-Identifier: MIT

#include "ws/trace/tls_names.h"

#include <array>
#include <span>

#include "ws/trace/text.h"

namespace hilo::trace {
namespace {

using enum TlsAead;
using enum TlsHash;

// TLS 1.3 (RFC 8446 §B.4), and those of TLS 1.2 that are an AEAD of these (RFC 5288, 5289, 7905):
// how the master secret came about does not matter to who has it.
constexpr TlsSuite tls_suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", aes_128_gcm, sha256},
    {0x1302, "TLS_AES_256_GCM_SHA384", aes_256_gcm, sha384},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", chacha20_poly1305, sha256},
    {0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256", aes_128_gcm, sha256},
    {0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384", aes_256_gcm, sha384},
    {0x009E, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", aes_128_gcm, sha256},
    {0x009F, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", aes_256_gcm, sha384},
    {0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", aes_128_gcm, sha256},
    {0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", aes_256_gcm, sha384},
    {0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", aes_128_gcm, sha256},
    {0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", aes_256_gcm, sha384},
    {0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", chacha20_poly1305, sha256},
    {0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", chacha20_poly1305, sha256},
    {0xCCAA, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", chacha20_poly1305, sha256},
};

struct TlsName {
  std::uint16_t number;
  std::string_view name;
};

constexpr TlsName tls_versions[] = {{0x0300, "SSL 3.0"},
                                    {0x0301, "TLS 1.0"},
                                    {0x0302, "TLS 1.1"},
                                    {tls_1_2, "TLS 1.2"},
                                    {tls_1_3, "TLS 1.3"}};

constexpr TlsName tls_contents[] = {
    {20, "change_cipher_spec"}, {21, "alert"}, {22, "handshake"}, {23, "application_data"}};

// RFC 8446 §4, and what TLS 1.2 had besides (RFC 5246 §7.4).
constexpr TlsName tls_messages[] = {
    {0, "HelloRequest"},     {1, "ClientHello"},        {2, "ServerHello"},
    {4, "NewSessionTicket"}, {5, "EndOfEarlyData"},     {8, "EncryptedExtensions"},
    {11, "Certificate"},     {12, "ServerKeyExchange"}, {13, "CertificateRequest"},
    {14, "ServerHelloDone"}, {15, "CertificateVerify"}, {16, "ClientKeyExchange"},
    {20, "Finished"},        {22, "CertificateStatus"}, {24, "KeyUpdate"},
};

// RFC 8446 §6.
constexpr TlsName tls_alerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {22, "record_overflow"},
    {40, "handshake_failure"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
};

std::string_view tls_name(std::span<const TlsName> names, std::uint16_t number) noexcept {
  for (const TlsName& each : names) {
    if (each.number == number) return each.name;
  }
  return "unknown";
}

std::string number_and_name(std::uint16_t number, std::string_view name) {
  std::array<std::uint8_t, 2> bytes;
  store_be16(bytes.data(), number);
  std::string text = hex_pairs(bytes);
  text.erase(2, 1);
  return "0x" + text + ' ' + std::string(name);
}

}  // namespace

const TlsSuite* find_tls_suite(std::uint16_t number) noexcept {
  for (const TlsSuite& each : tls_suites) {
    if (each.number == number) return &each;
  }
  return nullptr;
}

std::string tls_suite_text(std::uint16_t number) {
  const TlsSuite* const suite = find_tls_suite(number);
  return number_and_name(number, suite != nullptr ? suite->name : "unknown");
}

std::string tls_version_text(std::uint16_t number) {
  return number_and_name(number, tls_name(tls_versions, number));
}

bool is_tls_content(std::uint8_t type) noexcept {
  return type >= 20 && type <= 23;
}

std::string_view tls_content_name(std::uint8_t type) noexcept {
  return tls_name(tls_contents, type);
}

std::string_view tls_message_name(std::uint8_t type) noexcept {
  return tls_name(tls_messages, type);
}

std::string tls_alert_text(Bytes alert) {
  if (alert.size() != 2) return "malformed";
  const std::string_view level = alert[0] == 1 ? "warning" : alert[0] == 2 ? "fatal" : "unknown";
  return std::string(level) + ' ' + std::string(tls_name(tls_alerts, alert[1])) + " (" +
         std::to_string(alert[1]) + ')';
}

}  // namespace hilo::trace

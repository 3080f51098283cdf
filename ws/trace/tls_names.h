// SPDX-License-Identifier: MIT
//
// What the numbers of TLS are called (RFC 8446, RFC 5246, and IANA's registry of TLS parameters).
//
// All views are static text; what has no name here is "unknown".

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/bytes.h"

namespace hilo::trace {

// RFC 8446 §5.1. A record of another type is none.
enum class TlsContent : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23
};

// Of a handshake, in whose messages more is read than their length (RFC 8446 §4).
inline constexpr std::uint8_t tls_client_hello = 1;
inline constexpr std::uint8_t tls_server_hello = 2;
inline constexpr std::uint8_t tls_encrypted_extensions = 8;
inline constexpr std::uint8_t tls_finished = 20;
inline constexpr std::uint8_t tls_key_update = 24;

inline constexpr std::uint16_t tls_1_2 = 0x0303;
inline constexpr std::uint16_t tls_1_3 = 0x0304;

// How a suite protects records. Those that are not known here are named and not opened.
enum class TlsAead : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };
enum class TlsHash : std::uint8_t { sha256, sha384 };

struct TlsSuite {
  std::uint16_t number = 0;
  std::string_view name;
  TlsAead aead = TlsAead::aes_128_gcm;
  TlsHash hash = TlsHash::sha256;
};

// Null: one whose records are not opened here.
const TlsSuite* find_tls_suite(std::uint16_t number) noexcept;

// "0x1301 TLS_AES_128_GCM_SHA256", "0x0303 TLS 1.2".
std::string tls_suite_text(std::uint16_t number);
std::string tls_version_text(std::uint16_t number);

bool is_tls_content(std::uint8_t type) noexcept;
std::string_view tls_content_name(std::uint8_t type) noexcept;  // "handshake"
std::string_view tls_message_name(std::uint8_t type) noexcept;  // of a handshake: "ClientHello"
std::string tls_alert_text(Bytes alert);                        // "fatal bad_record_mac (20)"

}  // namespace hilo::trace

// SPDX-License-Identifier: MIT
//
// What a ClientHello and a ServerHello say in the clear (RFC 8446 §4.1.2, §4.1.3; RFC 5246 §7.4.1),
// and of their extensions what a WebSocket is about: for whom it is (SNI), in which version, and
// for which protocol (ALPN).
//
//   views   refer to the message
//   errors  nothing, where a length does not fit: decode_error

#pragma once

#include <cstdint>
#include <optional>

#include "net/base/bytes.h"

namespace hilo::trace {

// Empty where it is not there.
struct TlsExtensions {
  Bytes server_name;  // the first one, without its length (RFC 6066 §3)
  Bytes protocols;    // the list of ALPN, each with its length in front (RFC 7301 §3.1)
  Bytes versions;     // two bytes each (RFC 8446 §4.2.1)
  bool early_data = false;
};

struct TlsHello {
  Bytes version;  // the legacy one
  Bytes random;
  Bytes suites;  // two bytes each; of a ServerHello one
  Bytes compression;
  TlsExtensions extensions;

  // The one that the extensions say, or else the legacy one: what a ServerHello has chosen.
  std::uint16_t chosen_version() const noexcept {
    return load_be16(extensions.versions.size() == 2 ? extensions.versions.data() : version.data());
  }
};

// The bodies of messages, behind type and length.
std::optional<TlsHello> parse_client_hello(Bytes body);
std::optional<TlsHello> parse_server_hello(Bytes body);
// Of an EncryptedExtensions.
std::optional<TlsExtensions> parse_encrypted_extensions(Bytes body);

// A ServerHello that asks for another ClientHello (RFC 8446 §4.1.3).
bool is_retry_request(const TlsHello& server) noexcept;

}  // namespace hilo::trace

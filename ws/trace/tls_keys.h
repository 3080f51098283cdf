// SPDX-License-Identifier: MIT
//
// The keys that protect TLS records, out of the secrets of a key log, and the records opened with
// them: RFC 8446 §5.2, §5.3, §7.1 to §7.3, and for TLS 1.2 RFC 5246 §6.3, RFC 5288 and RFC 7905.
//
// This is all of ws/trace that needs a cipher, and it is of OpenSSL's libcrypto. With TLS=0
// tls_keys_none.cc stands in its place: then records are told, and none is opened.
//
//   errors  nothing: a secret that does not fit the suite, a record that is not authentic, no
//           memory, or a libcrypto without that cipher
//   thread  any

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "ws/trace/tls_names.h"

namespace hilo::trace {

// Of one direction.
struct TlsKeys {
  TlsAead aead = TlsAead::aes_128_gcm;
  std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 12> iv{};
  bool is_1_3 = false;
  bool explicit_nonce = false;  // eight bytes of the nonce stand in front of each record
};

// A record as it came: its five bytes, and what is behind them.
struct TlsProtected {
  Bytes header;
  Bytes fragment;
};

bool tls_keys_available() noexcept;  // false: TLS=0

// TLS 1.3: the keys of a traffic secret, and the secret that follows it by a KeyUpdate.
std::optional<TlsKeys> tls_1_3_keys(const TlsSuite& suite, Bytes secret);
std::vector<std::uint8_t> tls_1_3_next_secret(const TlsSuite& suite, Bytes secret);

struct TlsKeyBlock {
  TlsKeys client;
  TlsKeys server;
};
std::optional<TlsKeyBlock> tls_1_2_keys(const TlsSuite& suite, Bytes master, Bytes client_random,
                                        Bytes server_random);

// What was in the record that has this number in its direction.
std::optional<std::vector<std::uint8_t>> open_tls_record(const TlsKeys& keys,
                                                         std::uint64_t sequence,
                                                         const TlsProtected& record);

}  // namespace hilo::trace

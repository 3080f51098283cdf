// SPDX-License-Identifier: MIT
//
// TlsKeyLog: the secrets of TLS connections, as browsers, curl and OpenSSL write them to a key log
// (SSLKEYLOGFILE, NSS's format) and captures hold them in a Decryption Secrets Block:
//
//   CLIENT_TRAFFIC_SECRET_0 <random of the ClientHello, in hexadecimal> <secret, likewise>
//
// Whoever has them can read the connection; they are kept as long as this lives.
//
//   limits  a line that is no secret, or one of a kind that is not used here, is passed over
//   memory  as much as the texts
//   views   what find() returns is valid until the next add()

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"

namespace hilo::trace {

enum class TlsSecret : std::uint8_t {
  master,  // CLIENT_RANDOM, of TLS 1.2
  client_handshake,
  server_handshake,
  client_traffic,
  server_traffic
};

class TlsKeyLog {
 public:
  static constexpr std::size_t random_bytes = 32;
  static constexpr std::size_t secret_bytes_max = 64;

  // How many secrets were in the text. Of two for the same purpose the later one counts.
  std::size_t add(std::string_view text);
  // Empty: it is not there.
  Bytes find(TlsSecret kind, Bytes client_random) const;
  bool empty() const noexcept { return secrets_.empty(); }

 private:
  bool add_line(std::string_view line);

  std::map<std::string, std::vector<std::uint8_t>> secrets_;  // by kind and random
};

}  // namespace hilo::trace

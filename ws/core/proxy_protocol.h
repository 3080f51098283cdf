// SPDX-License-Identifier: MIT
//
// The PROXY protocol, versions 1 and 2: the header by which a proxy says whose connection it passes
// on (www.haproxy.org/download/2.9/doc/proxy-protocol.txt). It stands in front of everything else,
// TLS too.
//
//   PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n                          version 1, a line
//   0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A | 21 | 11 | 00 0C | addresses, TLVs    version 2
//   signature                             ver  fam  length
//                                         cmd  proto
//
// A sender's word is all there is to it, so only a proxy must be able to reach a socket where it is
// expected.
//
//   limits  107 bytes in version 1 (with its CR LF), 536 in version 2, TLVs included
//   skipped destination, TLVs

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"

namespace hilo::ws {

inline constexpr std::size_t proxy_line_bytes_max = 107;
inline constexpr std::size_t proxy_header_bytes_max = 536;

struct ProxyHeader {
  enum class Kind : std::uint8_t {
    need_input,  // all bytes so far belong to the header, and more of it is to come
    complete,
    failed,
  };
  enum class Source : std::uint8_t {
    unknown,  // LOCAL, UNKNOWN, UNSPEC, or a family beside TCP: the connection is the proxy's own
    ipv4,
    ipv6,
  };
  Kind kind = Kind::need_input;
  std::size_t bytes = 0;  // complete: how long the header is
  Source source = Source::unknown;
  std::array<std::uint8_t, 16> ip{};  // in network byte order; IPv4 in the first four bytes
  std::uint16_t port = 0;
};

// Reads the header at the front of `all_so_far`, which begins with the connection's first byte. A
// byte that cannot belong to one is told at once.
ProxyHeader parse_proxy_header(Bytes all_so_far) noexcept;

}  // namespace hilo::ws

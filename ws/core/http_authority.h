// SPDX-License-Identifier: MIT
//
// host[:port], as it stands in Host, in Origin and in URLs (RFC 3986 §3.2).
//
// Stricter than the RFC's grammar where no name in use needs more: a name consists of letters,
// digits, '-', '.', '_' and '~' (so no comma, no percent sign, no userinfo), an address in brackets
// is an IPv6 address without a zone.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hilo::ws {

struct Authority {
  std::string_view host;   // never empty; without the brackets of an IPv6 address
  std::uint16_t port = 0;  // 0: none was given, or an empty one as in "host:"
  bool is_ipv6 = false;    // the host stood in brackets
};

// Null unless the whole text is an authority. The host is a view into `text`.
std::optional<Authority> parse_authority(std::string_view text) noexcept;

// RFC 4291 §2.2: the text form of an IPv6 address, all three variants, without brackets.
bool is_ipv6_address(std::string_view text) noexcept;

// 1-65535 in decimal; null for anything else.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

}  // namespace hilo::ws

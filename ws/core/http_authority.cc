// SPDX-License-Identifier: MIT

#include "ws/core/http_authority.h"

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// RFC 1035 §2.3.4 allows 255 bytes of a name on the wire, which are fewer in text.
constexpr std::size_t host_bytes_max = 255;

// A number of at most `digits_max` digits, or -1. Without leading zeros if `is_strict`.
int parse_number(std::string_view text, std::size_t digits_max, bool is_strict) noexcept {
  if (text.empty() || text.size() > digits_max || !all_in(text, ByteClass::digit)) return -1;
  if (is_strict && text.size() > 1 && text.front() == '0') return -1;
  int value = 0;
  for (const char digit : text) value = value * 10 + (digit - '0');
  return value;
}

// RFC 3986 §3.2.2: dec-octet has no leading zeros, which some readers would take for octal.
bool is_ipv4_address(std::string_view text) noexcept {
  for (int octets = 1; octets <= 4; ++octets) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (octets == 4)) return false;
    const int value = parse_number(text.substr(0, dot), 3, true);
    if (value < 0 || value > 255) return false;
    text.remove_prefix(octets == 4 ? text.size() : dot + 1);
  }
  return true;
}

}  // namespace

bool is_ipv6_address(std::string_view text) noexcept {
  // Eight groups of 16 bits; "::" stands once for one or more groups of zero, and a dotted IPv4
  // address at the end for two.
  std::size_t groups = 0;
  bool has_gap = text.starts_with("::");
  if (has_gap) text.remove_prefix(2);
  while (!(has_gap && text.empty())) {
    std::size_t digits = 0;
    while (digits < text.size() && is_in(text[digits], ByteClass::hex)) ++digits;
    if (digits < text.size() && text[digits] == '.') {
      if (!is_ipv4_address(text)) return false;
      groups += 2;
      break;
    }
    if (digits == 0 || digits > 4) return false;
    ++groups;
    text.remove_prefix(digits);
    if (text.empty()) break;
    const bool is_gap = text.starts_with("::");
    if (text.front() != ':' || (is_gap && has_gap)) return false;
    has_gap = has_gap || is_gap;
    text.remove_prefix(is_gap ? 2 : 1);
    if (text.empty() && !is_gap) return false;
    if (text.empty()) break;
  }
  return has_gap ? groups < 8 : groups == 8;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  const int value = parse_number(text, 5, false);
  if (value < 1 || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

std::optional<Authority> parse_authority(std::string_view text) noexcept {
  Authority authority;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    authority.host = text.substr(1, bracket - 1);
    authority.is_ipv6 = true;
    if (!is_ipv6_address(authority.host)) return std::nullopt;
    text.remove_prefix(bracket + 1);
  } else {
    authority.host = text.substr(0, text.find(':'));
    if (authority.host.empty() || authority.host.size() > host_bytes_max) return std::nullopt;
    if (!all_in(authority.host, ByteClass::host)) return std::nullopt;
    text.remove_prefix(authority.host.size());
  }
  if (text.empty()) return authority;
  if (text.front() != ':') return std::nullopt;
  text.remove_prefix(1);
  if (text.empty()) return authority;  // RFC 3986 §3.2.3: the port may be empty
  const auto port = parse_port(text);
  if (!port) return std::nullopt;
  authority.port = *port;
  return authority;
}

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT

#include "ws/core/proxy_protocol.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "ws/core/http_authority.h"

namespace hilo::ws {
namespace {

using Kind = ProxyHeader::Kind;
using Source = ProxyHeader::Source;

constexpr std::string_view line_signature = "PROXY ";
constexpr std::array<std::uint8_t, 12> signature = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                                    0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::size_t prefix_bytes = 16;  // signature, version, family, length

ProxyHeader failed() noexcept {
  return {.kind = Kind::failed};
}

// Whether the one begins with the other, as far as both go.
bool agree(Bytes a, Bytes b) noexcept {
  const std::size_t both = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(both), b.begin());
}

// --- version 1 -----------------------------------------------------------------------------------

// The next word of the line. Words are parted by exactly one space.
std::string_view take_word(std::string_view& line) noexcept {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<std::uint16_t> read_port(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return {};
  unsigned port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  if (port > 0xFFFF) return {};
  return static_cast<std::uint16_t>(port);
}

// RFC 3986 §3.2.2, dec-octet: no leading zeros.
bool read_ipv4(std::string_view text, std::uint8_t* into) noexcept {
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return false;
    const std::string_view digits = text.substr(0, dot);
    const auto octet = read_port(digits);
    if (digits.size() > 3 || !octet || *octet > 255) return false;
    into[i] = static_cast<std::uint8_t>(*octet);
    text.remove_prefix(i == 3 ? text.size() : dot + 1);
  }
  return true;
}

std::uint16_t read_group(std::string_view& text) noexcept {
  unsigned value = 0;
  while (!text.empty() && text.front() != ':') {
    const char c = text.front();
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = value << 4 | static_cast<unsigned>(digit);
    text.remove_prefix(1);
  }
  if (!text.empty()) text.remove_prefix(1);
  return static_cast<std::uint16_t>(value);
}

// The groups of one side of "::". The text was checked, so they fit and are groups.
std::size_t read_groups(std::string_view text, std::uint8_t* into) noexcept {
  std::size_t bytes = 0;
  while (!text.empty()) {
    if (text.find('.') < text.find(':')) {
      static_cast<void>(read_ipv4(text, into + bytes));
      return bytes + 4;
    }
    store_be16(into + bytes, read_group(text));
    bytes += 2;
  }
  return bytes;
}

bool read_ipv6(std::string_view text, std::array<std::uint8_t, 16>& into) noexcept {
  if (!is_ipv6_address(text)) return false;
  into.fill(0);
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return read_groups(text, into.data()) == into.size();
  read_groups(text.substr(0, gap), into.data());
  std::array<std::uint8_t, 16> tail{};
  const std::size_t bytes = read_groups(text.substr(gap + 2), tail.data());
  std::copy_n(tail.begin(), bytes, into.end() - static_cast<std::ptrdiff_t>(bytes));
  return true;
}

bool read_ip(std::string_view text, Source source, std::array<std::uint8_t, 16>& into) noexcept {
  return source == Source::ipv4 ? read_ipv4(text, into.data()) : read_ipv6(text, into);
}

ProxyHeader parse_line(std::string_view line, std::size_t bytes) noexcept {
  ProxyHeader header{.kind = Kind::complete, .bytes = bytes};
  line.remove_prefix(line_signature.size());
  const std::string_view protocol = take_word(line);
  // Whatever else the line says is to be ignored then.
  if (protocol == "UNKNOWN") return header;
  if (protocol != "TCP4" && protocol != "TCP6") return failed();
  header.source = protocol == "TCP4" ? Source::ipv4 : Source::ipv6;
  std::array<std::uint8_t, 16> destination;
  const bool has_ips = read_ip(take_word(line), header.source, header.ip) &&
                       read_ip(take_word(line), header.source, destination);
  const auto source_port = read_port(take_word(line));
  const bool ends_here = line.find(' ') == std::string_view::npos;
  if (!has_ips || !source_port || !ends_here || !read_port(line)) return failed();
  header.port = *source_port;
  return header;
}

ProxyHeader parse_text(Bytes all) noexcept {
  const std::string_view text = as_text(all.first(std::min(all.size(), proxy_line_bytes_max)));
  const std::size_t end = text.find('\r');
  if (end == std::string_view::npos || end + 1 == text.size()) {
    return text.size() == proxy_line_bytes_max ? failed() : ProxyHeader{};
  }
  if (text[end + 1] != '\n') return failed();
  return parse_line(text.substr(0, end), end + 2);
}

// --- version 2 -----------------------------------------------------------------------------------

// How many bytes the addresses of a family take; null for a family there is none of.
std::optional<std::size_t> address_bytes(unsigned family) noexcept {
  switch (family) {
    case 0x00: return 0;           // UNSPEC
    case 0x11:                     // TCP over IPv4
    case 0x12: return 12;          // UDP
    case 0x21:                     // TCP over IPv6
    case 0x22: return 36;          // UDP
    case 0x31:                     // Unix stream
    case 0x32: return 216;         // Unix datagram
    default: return std::nullopt;  // this is a byte from the wire, no enumeration
  }
}

ProxyHeader parse_binary(Bytes all) noexcept {
  constexpr std::size_t command_at = 12;
  constexpr std::size_t family_at = 13;
  // What cannot become right is refused before the rest of the prefix is there.
  if (all.size() > command_at && all[command_at] != 0x20 && all[command_at] != 0x21) {
    return failed();
  }
  const bool is_local = all.size() > command_at && all[command_at] == 0x20;
  if (all.size() > family_at && !is_local && !address_bytes(all[family_at])) return failed();
  if (all.size() < prefix_bytes) return {};
  const std::size_t length = std::size_t{all[14]} << 8 | all[15];
  const std::size_t bytes = prefix_bytes + length;
  if (bytes > proxy_header_bytes_max) return failed();
  // A health check of the proxy's: whatever stands behind is skipped.
  if (!is_local && length < *address_bytes(all[family_at])) return failed();
  if (all.size() < bytes) return {};

  ProxyHeader header{.kind = Kind::complete, .bytes = bytes};
  const Bytes addresses = all.subspan(prefix_bytes);
  const unsigned family = is_local ? 0 : all[family_at];
  if (family == 0x11) {
    header.source = Source::ipv4;
    std::copy_n(addresses.begin(), 4, header.ip.begin());
    header.port = load_be16(addresses.data() + 8);
  } else if (family == 0x21) {
    header.source = Source::ipv6;
    std::copy_n(addresses.begin(), 16, header.ip.begin());
    header.port = load_be16(addresses.data() + 32);
  }
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(Bytes all_so_far) noexcept {
  if (agree(all_so_far, Bytes{signature})) {
    return all_so_far.size() < signature.size() ? ProxyHeader{} : parse_binary(all_so_far);
  }
  if (!agree(all_so_far, as_bytes(line_signature))) return failed();
  return all_so_far.size() < line_signature.size() ? ProxyHeader{} : parse_text(all_so_far);
}

}  // namespace hilo::ws

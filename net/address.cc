// SPDX-License-Identifier: MIT

#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace hilo::net {

namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr std::size_t path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

#ifdef __linux__
constexpr bool has_abstract_names = true;
#else
constexpr bool has_abstract_names = false;
#endif

std::error_code invalid() noexcept {
  return std::make_error_code(std::errc::invalid_argument);
}

// A decimal number and nothing else: no sign, no blank.
template <class Number>
bool read_number(std::string_view text, Number& into) noexcept {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, into);
  return !text.empty() && error == std::errc{} && stop == end;
}

std::string with_port(const char* ip, Family family, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN + sizeof "[%4294967295]:65535"> text;
  const char* const form = family == Family::ipv6 ? "[%s]:%u" : "%s:%u";
  std::snprintf(text.data(), text.size(), form, ip, unsigned{port});
  return text.data();
}

// 127.0.0.0/8, ::1, and the former in the latter's clothes (::ffff:127.0.0.0/104).
bool is_loopback_v4(const std::uint8_t* ip) noexcept {
  return ip[0] == 127;
}
bool is_loopback_v6(const in6_addr& ip) noexcept {
  return IN6_IS_ADDR_LOOPBACK(&ip) || (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
}

}  // namespace

Address::Address() noexcept {
  std::memset(&storage_, 0, sizeof storage_);
  storage_.any.sa_family = AF_UNSPEC;
}

Result<Address> Address::parse(std::string_view text) noexcept {
  if (text.starts_with(unix_prefix)) return from_unix_path(text.substr(unix_prefix.size()));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid();
  std::uint16_t port = 0;
  if (!read_number(text.substr(colon + 1), port)) return invalid();
  std::string_view ip = text.substr(0, colon);
  const bool bracketed = ip.size() >= 2 && ip.front() == '[' && ip.back() == ']';
  if (bracketed) ip = ip.substr(1, ip.size() - 2);
  // Brackets belong to IPv6, whose colons would hide where the port begins, and to nothing else.
  if (bracketed != (ip.find(':') != std::string_view::npos)) return invalid();
  return from_ip(ip, port);
}

Result<Address> Address::from_ip(std::string_view ip, std::uint16_t port) noexcept {
  // inet_pton wants a string that ends in zero; a zone (fe80::1%2) is not its business.
  char text[INET6_ADDRSTRLEN] = {};
  const std::size_t percent = ip.find('%');
  const std::string_view digits = ip.substr(0, percent);
  if (digits.size() >= sizeof text || digits.find('\0') != std::string_view::npos) return invalid();
  std::copy(digits.begin(), digits.end(), text);

  Address address;
  if (percent == std::string_view::npos &&
      inet_pton(AF_INET, text, &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
    address.storage_.v4.sin_port = htons(port);
    address.bytes_ = sizeof(sockaddr_in);
    return address;
  }
  std::uint32_t zone = 0;
  if (percent != std::string_view::npos && !read_number(ip.substr(percent + 1), zone)) {
    return invalid();
  }
  if (inet_pton(AF_INET6, text, &address.storage_.v6.sin6_addr) != 1) return invalid();
  address.storage_.v6.sin6_family = AF_INET6;
  address.storage_.v6.sin6_port = htons(port);
  address.storage_.v6.sin6_scope_id = zone;
  address.bytes_ = sizeof(sockaddr_in6);
  return address;
}

Result<Address> Address::from_unix_path(std::string_view path) noexcept {
  if (path.empty() || path.size() > path_bytes_max) return invalid();
  if (path.find('\0') != std::string_view::npos) return invalid();
  const bool is_abstract = path.front() == '@';
  if (is_abstract && (!has_abstract_names || path.size() == 1)) return invalid();
  Address address;
  sockaddr_un& native = address.storage_.path;
  native.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), native.sun_path);
  // An abstract name begins with a zero and ends with the length; a path ends with a zero.
  if (is_abstract) native.sun_path[0] = '\0';
  address.bytes_ = static_cast<socklen_t>(path_offset + path.size() + (is_abstract ? 0 : 1));
  return address;
}

Address Address::from_native(const sockaddr* native, socklen_t bytes) noexcept {
  Address address;
  if (native == nullptr || bytes < sizeof(sockaddr::sa_family)) return address;
  const int family = native->sa_family;
  const bool whole = (family == AF_INET && bytes >= sizeof(sockaddr_in)) ||
                     (family == AF_INET6 && bytes >= sizeof(sockaddr_in6)) ||
                     (family == AF_UNIX && bytes >= path_offset);
  if (!whole) return address;
  const std::size_t kept = std::min<std::size_t>(bytes, sizeof address.storage_);
  std::memcpy(&address.storage_, native, kept);
  address.bytes_ = static_cast<socklen_t>(kept);
  return address;
}

Family Address::family() const noexcept {
  if (storage_.any.sa_family == AF_INET) return Family::ipv4;
  if (storage_.any.sa_family == AF_INET6) return Family::ipv6;
  if (storage_.any.sa_family == AF_UNIX) return Family::unix_path;
  return Family::none;
}

std::uint16_t Address::port() const noexcept {
  if (family() == Family::ipv4) return ntohs(storage_.v4.sin_port);
  if (family() == Family::ipv6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

bool Address::is_loopback() const noexcept {
  std::uint8_t ip[4];
  switch (family()) {
    case Family::none: return false;
    case Family::ipv4: std::memcpy(ip, &storage_.v4.sin_addr, sizeof ip); return is_loopback_v4(ip);
    case Family::ipv6: return is_loopback_v6(storage_.v6.sin6_addr);
    case Family::unix_path: return true;
  }
  return false;
}

std::string Address::ip() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family() == Family::ipv4) {
    inet_ntop(AF_INET, &storage_.v4.sin_addr, text, sizeof text);
  } else if (family() == Family::ipv6) {
    inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text, sizeof text);
    if (storage_.v6.sin6_scope_id != 0) {
      return std::string(text) + '%' + std::to_string(storage_.v6.sin6_scope_id);
    }
  }
  return text;
}

std::string Address::to_string() const {
  if (family() == Family::none) return {};
  if (family() != Family::unix_path) return with_port(ip().c_str(), family(), port());
  std::string text(unix_prefix);
  const std::string_view path(storage_.path.sun_path, bytes_ - path_offset);
  if (path.empty()) return text;
  if (path.front() == '\0') return text.append("@").append(path.substr(1));
  // A file may be called @name, too: say where it is, lest it be taken for an abstract name.
  if (path.front() == '@') text.append("./");
  return text.append(path.substr(0, path.find('\0')));
}

bool operator==(const Address& a, const Address& b) noexcept {
  if (a.family() != b.family()) return false;
  switch (a.family()) {
    case Family::none: return true;
    case Family::ipv4:
      return a.storage_.v4.sin_port == b.storage_.v4.sin_port &&
             a.storage_.v4.sin_addr.s_addr == b.storage_.v4.sin_addr.s_addr;
    case Family::ipv6:
      return a.storage_.v6.sin6_port == b.storage_.v6.sin6_port &&
             a.storage_.v6.sin6_scope_id == b.storage_.v6.sin6_scope_id &&
             std::memcmp(&a.storage_.v6.sin6_addr, &b.storage_.v6.sin6_addr, sizeof(in6_addr)) == 0;
    case Family::unix_path:
      // What lies behind bytes_ is zero in both, so that a path compares with or without its end.
      return std::memcmp(a.storage_.path.sun_path, b.storage_.path.sun_path,
                         sizeof a.storage_.path.sun_path) == 0;
  }
  return false;
}

PeerAddress::PeerAddress(const Address& address) noexcept
    : port_(address.port()), family_(address.family()) {
  if (family_ == Family::ipv4) {
    std::memcpy(ip_, &reinterpret_cast<const sockaddr_in*>(address.native())->sin_addr, 4);
  } else if (family_ == Family::ipv6) {
    std::memcpy(ip_, &reinterpret_cast<const sockaddr_in6*>(address.native())->sin6_addr, 16);
  }
}

bool PeerAddress::is_loopback() const noexcept {
  in6_addr ip;
  switch (family_) {
    case Family::none: return false;
    case Family::ipv4: return is_loopback_v4(ip_);
    case Family::ipv6: std::memcpy(&ip, ip_, sizeof ip); return is_loopback_v6(ip);
    case Family::unix_path: return true;
  }
  return false;
}

Bytes PeerAddress::ip_bytes() const noexcept {
  switch (family_) {
    case Family::ipv4: return Bytes{ip_}.first(4);
    case Family::ipv6: return Bytes{ip_};
    case Family::none:
    case Family::unix_path: break;
  }
  return {};
}

PeerAddress PeerAddress::from_bytes(Family family, Bytes ip, std::uint16_t port) noexcept {
  PeerAddress address;
  address.family_ = family;
  address.port_ = port;
  std::copy_n(ip.begin(), address.ip_bytes().size(), address.ip_);
  return address;
}

bool PeerAddress::is_mapped() const noexcept {
  constexpr std::uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return family_ == Family::ipv6 && std::equal(prefix, prefix + 12, ip_);
}

PeerAddress PeerAddress::unmapped() const noexcept {
  if (!is_mapped()) return *this;
  return from_bytes(Family::ipv4, Bytes{ip_}.subspan(12), port_);
}

std::string PeerAddress::ip() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family_ == Family::ipv4) inet_ntop(AF_INET, ip_, text, sizeof text);
  if (family_ == Family::ipv6) inet_ntop(AF_INET6, ip_, text, sizeof text);
  return text;
}

std::string PeerAddress::to_string() const {
  if (family_ == Family::none) return {};
  if (family_ == Family::unix_path) return std::string(unix_prefix);
  return with_port(ip().c_str(), family_, port_);
}

}  // namespace hilo::net

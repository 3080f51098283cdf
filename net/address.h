// SPDX-License-Identifier: MIT
//
// Address: where a socket is bound or connected: IPv4, IPv6 or a Unix path.
//
// Text forms, read and written: "127.0.0.1:9001", "[::1]:9001", "unix:/run/hilo.sock" and
// "unix:@name" for Linux's abstract namespace. Names are not looked up here: see resolver.h.

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/result.h"

namespace hilo::net {

enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path };

class Address {
 public:
  Address() noexcept;  // Family::none

  // Reads one of the text forms; errc::invalid_argument otherwise.
  static Result<Address> parse(std::string_view text) noexcept;
  // `ip` is a numeric address of either family without brackets.
  static Result<Address> from_ip(std::string_view ip, std::uint16_t port) noexcept;
  static Result<Address> from_unix_path(std::string_view path) noexcept;
  // From what accept(2), getsockname(2) or getaddrinfo(3) gave.
  static Address from_native(const sockaddr* native, socklen_t bytes) noexcept;

  Family family() const noexcept;
  std::uint16_t port() const noexcept;  // host byte order; 0 for a Unix path
  bool is_loopback() const noexcept;    // 127.0.0.0/8, ::1, or a Unix path
  std::string to_string() const;        // a text form that parse() reads back
  std::string ip() const;               // without port and brackets; empty for a Unix path

  const sockaddr* native() const noexcept { return &storage_.any; }
  sockaddr* native() noexcept { return &storage_.any; }
  socklen_t native_bytes() const noexcept { return bytes_; }

  friend bool operator==(const Address& a, const Address& b) noexcept;

 private:
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un path;
  } storage_;
  socklen_t bytes_ = 0;
};

// The peer of a connection in 20 bytes instead of Address's 116, because one is kept for every idle
// connection. A Unix peer keeps no path.
class PeerAddress {
 public:
  PeerAddress() noexcept = default;
  explicit PeerAddress(const Address& address) noexcept;

  Family family() const noexcept { return family_; }
  std::uint16_t port() const noexcept { return port_; }
  bool is_loopback() const noexcept;
  std::string to_string() const;  // "127.0.0.1:40312", "[::1]:40312", "unix:"
  std::string ip() const;

  // The address in network byte order: 4 or 16 bytes, none of a Unix peer.
  Bytes ip_bytes() const noexcept;
  // `ip` begins with the 4 or 16 bytes of that family.
  static PeerAddress from_bytes(Family family, Bytes ip, std::uint16_t port) noexcept;
  // Whether it is an IPv4 address inside an IPv6 one (::ffff:192.0.2.7, RFC 4291 §2.5.5.2), as a
  // socket of both families shows it; and the same address as IPv4.
  bool is_mapped() const noexcept;
  PeerAddress unmapped() const noexcept;

  friend bool operator==(const PeerAddress&, const PeerAddress&) noexcept = default;

 private:
  std::uint8_t ip_[16] = {};  // IPv4 in the first four bytes
  std::uint16_t port_ = 0;
  Family family_ = Family::none;
};

}  // namespace hilo::net

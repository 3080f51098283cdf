// SPDX-License-Identifier: MIT
//
// AddressRange: a block of IP addresses, as in "10.0.0.0/8", "2001:db8::/32" or "192.0.2.7", or the
// peers of Unix sockets, "unix". For lists of who is trusted.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/base/result.h"

namespace hilo::net {

class AddressRange {
 public:
  // errc::invalid_argument unless it is one of the forms above. Bits behind the prefix must be
  // zero: who writes 10.0.0.1/8 may have meant one address or sixteen million.
  static Result<AddressRange> parse(std::string_view text) noexcept;

  // An IPv4 address in IPv6's clothes (::ffff:192.0.2.7) is the IPv4 address.
  bool contains(const PeerAddress& peer) const noexcept;
  std::string to_string() const;

 private:
  std::array<std::uint8_t, 16> ip_{};  // IPv4 in the first four bytes
  std::uint8_t bits_ = 0;
  Family family_ = Family::none;
};

bool contains(std::span<const AddressRange> ranges, const PeerAddress& peer) noexcept;

}  // namespace hilo::net

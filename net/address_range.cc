// SPDX-License-Identifier: MIT

#include "net/address_range.h"

#include <algorithm>
#include <charconv>

namespace hilo::net {
namespace {

std::error_code not_a_range() noexcept {
  return std::make_error_code(std::errc::invalid_argument);
}

// True if the first `bits` of the two are the same.
bool same_prefix(const std::uint8_t* a, const std::uint8_t* b, unsigned bits) noexcept {
  const unsigned whole = bits / 8;
  if (!std::equal(a, a + whole, b)) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xFF00u >> bits % 8;
  return ((a[whole] ^ b[whole]) & mask & 0xFF) == 0;
}

bool is_zero_behind(const std::array<std::uint8_t, 16>& ip, unsigned bits, unsigned all) noexcept {
  for (unsigned i = bits; i < all; ++i) {
    if ((ip[i / 8] >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

}  // namespace

Result<AddressRange> AddressRange::parse(std::string_view text) noexcept {
  AddressRange range;
  if (text == "unix") {
    range.family_ = Family::unix_path;
    return range;
  }
  const std::size_t slash = text.find('/');
  const Result<Address> address = Address::from_ip(text.substr(0, slash), 0);
  if (!address) return address.error();
  const PeerAddress plain{*address};
  if (plain.is_mapped()) return not_a_range();  // it would never match what it seems to say
  range.family_ = plain.family();
  std::copy_n(plain.ip_bytes().begin(), plain.ip_bytes().size(), range.ip_.begin());
  const unsigned all = 8 * static_cast<unsigned>(plain.ip_bytes().size());
  unsigned bits = all;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, bits);
    if (digits.empty() || error != std::errc{} || stop != end || bits > all) return not_a_range();
  }
  if (!is_zero_behind(range.ip_, bits, all)) return not_a_range();
  range.bits_ = static_cast<std::uint8_t>(bits);
  return range;
}

bool AddressRange::contains(const PeerAddress& peer) const noexcept {
  const PeerAddress plain = peer.unmapped();
  if (plain.family() != family_) return false;
  return same_prefix(plain.ip_bytes().data(), ip_.data(), bits_);
}

std::string AddressRange::to_string() const {
  if (family_ == Family::unix_path) return "unix";
  return PeerAddress::from_bytes(family_, {ip_.data(), ip_.size()}, 0).ip() + "/" +
         std::to_string(bits_);
}

bool contains(std::span<const AddressRange> ranges, const PeerAddress& peer) noexcept {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&peer](const AddressRange& range) { return range.contains(peer); });
}

}  // namespace hilo::net

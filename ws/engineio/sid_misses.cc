// SPDX-License-Identifier: MIT

#include "ws/engineio/sid_misses.h"

#include <algorithm>
#include <array>
#include <new>

#include "net/base/bytes.h"
#include "net/entropy.h"

namespace hilo::engineio {
namespace {

// An IPv4 address, or the half of an IPv6 one that names a network.
std::uint64_t address_bits(const net::PeerAddress& peer) noexcept {
  const net::PeerAddress plain = peer.unmapped();
  const Bytes ip = plain.ip_bytes();
  std::array<std::uint8_t, 8> bytes{};
  std::copy_n(ip.begin(), std::min(ip.size(), bytes.size()), bytes.begin());
  // No IPv6 network is all zeros but for its last bits.
  return ip.size() == 4 ? load_be32(bytes.data()) : load_be64(bytes.data());
}

}  // namespace

bool SidMisses::count(const net::PeerAddress& peer, net::Time now) noexcept {
  if (table_ == nullptr) {
    std::array<std::uint8_t, 8> random{};
    if (!net::entropy_fill(random)) return true;
    seed_ = load_be64(random.data()) | 1;
    table_.reset(new (std::nothrow) Entry[places]);
    if (table_ == nullptr) return true;
  }
  const std::uint64_t address = address_bits(peer);
  // The upper bits of a product depend on all bits below; nobody knows the seed.
  Entry& entry = table_[static_cast<std::size_t>((address * seed_) >> 56)];
  if (entry.address != address || now - entry.began >= window_) {
    entry = {.address = address, .began = now, .misses = 0};
  }
  return ++entry.misses <= count_max_;
}

}  // namespace hilo::engineio

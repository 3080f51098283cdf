// SPDX-License-Identifier: MIT
//
// SidMisses: who asks for sessions that are not there, and how often. A few of those are clients
// that were away for too long; many are somebody who guesses.
//
//   limit   so many of one address (IPv6: of a /64) in a window
//   memory  one table of a fixed size, made at the first miss. Where two addresses meet in it the
//           later one displaces the other, so that an innocent one is never counted with another.
//   thread  one

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "net/address.h"
#include "net/duration.h"

namespace hilo::engineio {

class SidMisses {
 public:
  SidMisses(std::uint32_t count_max, net::Duration window) noexcept
      : count_max_(count_max), window_(window) {}

  // Counts one more. False: there were too many.
  bool count(const net::PeerAddress& peer, net::Time now) noexcept;

 private:
  static constexpr std::size_t places = 256;
  struct Entry {
    std::uint64_t address = 0;
    net::Time began{};
    std::uint32_t misses = 0;
  };

  std::uint32_t count_max_;
  net::Duration window_;
  std::unique_ptr<Entry[]> table_;
  std::uint64_t seed_ = 0;
};

}  // namespace hilo::engineio

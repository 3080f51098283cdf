// SPDX-License-Identifier: MIT
//
// ConnectionId: names a connection for as long as one likes, long after it is gone.

#pragma once

#include <cstdint>

#include "net/base/slab.h"

namespace hilo::ws {

// Compares equal only to itself. The index of the loop keeps ids of several loops apart; an id made
// by default names nobody.
struct ConnectionId {
  std::uint64_t value = 0;  // generation (32 bits), index of the loop (8), slot (24)

  ConnectionId() noexcept = default;
  ConnectionId(SlabHandle handle, std::uint8_t loop_index) noexcept
      : value(std::uint64_t{handle.generation} << 32 | std::uint64_t{loop_index} << 24 |
              (handle.index & 0xFFFFFF)) {}
  SlabHandle handle() const noexcept {
    return {static_cast<std::uint32_t>(value & 0xFFFFFF), static_cast<std::uint32_t>(value >> 32)};
  }
  std::uint8_t loop_index() const noexcept { return static_cast<std::uint8_t>(value >> 24); }
  friend bool operator==(const ConnectionId&, const ConnectionId&) = default;
};

}  // namespace hilo::ws

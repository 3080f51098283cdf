// SPDX-License-Identifier: MIT
//
// What compression and decompression did (RFC 7692), for Metrics.

#pragma once

#include <cstdint>

namespace hilo::ws {

// What compression did: messages, their bytes, and the bytes that stood for them on the wire.
struct DeflateCounters {
  std::uint64_t messages_inflated = 0;
  std::uint64_t inflated_bytes = 0;
  std::uint64_t inflated_wire_bytes = 0;
  std::uint64_t messages_deflated = 0;
  std::uint64_t deflated_bytes = 0;
  std::uint64_t deflated_wire_bytes = 0;
};

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// What an endpoint wants of permessage-deflate (RFC 7692).

#pragma once

#include <cstddef>
#include <cstdint>

namespace hilo::ws {

// What one side is ready to do, and how. The same for both roles; "server" and "client" are what
// they are in the RFC's parameters, whoever we are.
struct DeflateOptions {
  bool enabled = false;
  // Shorter messages go out as they are: compression costs more than it saves.
  std::size_t threshold_bytes = 1024;
  // No context takeover (§7.1.1): each message stands for itself, and all connections of a loop
  // share one context per direction. False in a direction lets connections that agree have a
  // context of their own there, which compresses small messages of a kind better, and costs memory
  // for the life of the connection: see deflate.h.
  bool server_no_context_takeover = true;
  bool client_no_context_takeover = true;
  // The largest LZ77 window (§7.1.2), as powers of two from 9 to 15; what is beyond counts as the
  // nearest of these. Smaller ones cost less memory and compress less.
  std::uint8_t server_max_window_bits = 15;
  std::uint8_t client_max_window_bits = 15;
  // zlib's: 1 is fastest and 9 smallest; and how much memory goes into finding matches, 1 to 9.
  std::uint8_t level = 6;
  std::uint8_t memory_level = 8;
};

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 10: one ws::Inflater, with the one limit that is asked for.

#include "tools/ladder/exercises/10_deflate.h"
#include "ws/core/deflate.h"

namespace hilo::exercise {

std::optional<std::vector<std::string>> inflate_messages(std::span<const std::string> wire,
                                                         std::size_t bytes_max) {
  Pool pool;
  ws::DeflateMemory memory;
  ws::Inflater inflater{memory, ws::window_bits_max};
  ws::MessageLimits limits;
  limits.message_bytes_max = bytes_max;
  limits.inflate_ratio_max = 0;
  std::vector<std::string> messages;
  for (const std::string& payload : wire) {
    Buffer message{pool};
    const ws::Errc error = inflater.inflate(as_bytes(payload), limits, message);
    if (error != ws::Errc::none) return std::nullopt;
    messages.emplace_back(as_text(message.readable()));
  }
  return messages;
}

}  // namespace hilo::exercise

// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 10: ws::Inflater, with the one limit that is asked for.

#include "tools/ladder/exercises/10_deflate.h"
#include "ws/core/deflate.h"

namespace hilo::exercise {

std::optional<std::string> inflate_message(std::string_view wire, std::size_t bytes_max) {
  Pool pool;
  ws::DeflateMemory memory;
  ws::Inflater inflater{memory, ws::window_bits_max};
  ws::MessageLimits limits;
  limits.message_bytes_max = bytes_max;
  limits.inflate_ratio_max = 0;
  Buffer message{pool};
  if (inflater.inflate(as_bytes(wire), limits, message) != ws::Errc::none) return std::nullopt;
  return std::string(as_text(message.readable()));
}

}  // namespace hilo::exercise

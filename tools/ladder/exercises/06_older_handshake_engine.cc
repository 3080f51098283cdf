// SPDX-License-Identifier: MIT
//
// How hilo answers the museum's exercise: ws/trace/hixie76.cc.

#include "tools/ladder/exercises/06_older_handshake.h"
#include "ws/trace/hixie76.h"

namespace hilo::exercise {

std::optional<std::uint32_t> hidden_number(std::string_view key) {
  return hixie76::number_of(key);
}

}  // namespace hilo::exercise

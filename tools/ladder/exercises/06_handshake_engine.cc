// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 6: ws/core/accept_key.cc.

#include <array>

#include "tools/ladder/exercises/06_handshake.h"
#include "ws/core/accept_key.h"

namespace hilo::exercise {

std::string accept_for(std::string_view key) {
  if (!ws::is_valid_key(key)) return {};
  const std::array<char, 28> answer = ws::accept_key(key);
  return {answer.data(), answer.size()};
}

}  // namespace hilo::exercise

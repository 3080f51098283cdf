// SPDX-License-Identifier: MIT

#include "net/base/bytes.h"

namespace hilo {

Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace hilo

// SPDX-License-Identifier: MIT

#include "ws/mask_keys.h"

namespace hilo::ws {

Result<MaskKey> MaskKeys::next() noexcept {
  MaskKey key;
  if (Status status = entropy_.fill(key); !status) return status.error();
  return key;
}

}  // namespace hilo::ws

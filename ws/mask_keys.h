// SPDX-License-Identifier: MIT
//
// MaskKeys: a fresh, unpredictable masking key for every frame a client sends (RFC 6455 §5.3,
// §10.3). Keys are drawn from net/entropy.h in batches and handed out once; a fork throws the
// batch away, so that parent and child never share a key.

#pragma once

#include <array>
#include <cstddef>

#include "net/base/result.h"
#include "ws/core/mask.h"

namespace hilo::ws {

class MaskKeys {
 public:
  // An error, and never a weak key, when no entropy can be had.
  Result<MaskKey> next() noexcept;

 private:
  static constexpr std::size_t batch_bytes = 1024;
  std::array<std::uint8_t, batch_bytes> batch_;
  std::size_t used_ = batch_bytes;
  unsigned fork_generation_ = 0;
};

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// MaskKeys: a fresh, unpredictable masking key for every frame a client sends (RFC 6455 §5.3,
// §10.3). Each is handed out once, and parent and child of a fork never share one
// (net/entropy_store.h).

#pragma once

#include "net/base/result.h"
#include "net/entropy_store.h"
#include "ws/core/mask.h"

namespace hilo::ws {

class MaskKeys {
 public:
  // An error, and never a weak key, when no entropy can be had.
  Result<MaskKey> next() noexcept;

 private:
  net::EntropyStore entropy_;
};

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// Unpredictable bytes (a seam). RFC 6455 §10.3 wants masking keys from a strong source; session
// identifiers and handshake keys draw from here too.

#pragma once

#include "net/base/bytes.h"
#include "net/base/result.h"

namespace hilo::net {

// Fills `out` from OpenSSL's generator, which reseeds itself after a fork. On failure the content
// of `out` must not be used: there is no weaker source to fall back to.
Status entropy_fill(MutableBytes out) noexcept;

// Changes in the child of every fork, so that whoever keeps random bytes in store knows to throw
// them away.
unsigned entropy_fork_generation() noexcept;

}  // namespace hilo::net

// SPDX-License-Identifier: MIT
//
// Noise: random bytes in place of a request, behind an upgrade, or in what was legal. Nothing is
// due to it but that the server lives on, sends nothing that is illegal itself, and lets go of a
// connection that has ended.

#pragma once

#include "tools/fuzz/draft.h"

namespace hilo::tools::fuzz {

void write_noise(Draft& draft);

// Changes, moves, doubles or leaves out some of the bytes.
void mutate(Octets& bytes, Random& random);

}  // namespace hilo::tools::fuzz

// SPDX-License-Identifier: MIT
//
// The second dimension of a case: how its bytes are cut into writes, and how long the pauses
// between them are. None of it changes what the bytes mean.

#pragma once

#include "tools/fuzz/case.h"
#include "tools/fuzz/random.h"

namespace hilo::tools::fuzz {

// Cuts the bytes of a step that sends: not at all, byte by byte, anywhere, or near the beginning,
// where headers are.
void cut(Step& step, Random& random);

// The sizes of the writes of so many bytes.
std::vector<std::size_t> writes_of(const Step& step, std::size_t bytes);

}  // namespace hilo::tools::fuzz

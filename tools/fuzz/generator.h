// SPDX-License-Identifier: MIT
//
// From a seed and a number to a case. Pure: the same seed, number and grammar make the same case to
// the byte, keys and masks included, whatever was played before. Only "$SID", which a server
// chooses, is filled in while it is played.

#pragma once

#include <cstdint>
#include <vector>

#include "tools/fuzz/case.h"
#include "tools/fuzz/draft.h"

namespace hilo::tools::fuzz {

// The levels take turns, and so do the faults: after as many cases as there are of both, each was
// played. `levels` is not empty.
Case make_case(const Grammar& grammar, const std::vector<Level>& levels, std::uint64_t seed,
               std::uint64_t number);

// See write_clean().
Case make_clean_case(const Grammar& grammar, std::uint64_t seed, std::uint64_t number);

}  // namespace hilo::tools::fuzz

// SPDX-License-Identifier: MIT
//
// Counts the allocations of the calling thread, so that a test can demand that there be none.
//
//   const auto before = allocation_counter::count();
//   echo_ten_thousand_messages();
//   CHECK(allocation_counter::count() == before);
//
// malloc, calloc, realloc, the aligned kinds and mmap are counted; operator new is, because it asks
// malloc. A test that includes this header is linked with replacements of these functions, which
// only works with glibc and not beside a sanitizer, which replaces them too: ask `available` first.

#pragma once

#include <cstdint>
#include <cstdlib>

#include "tests/support/interposing.h"

namespace hilo::test::allocation_counter {

inline constexpr bool available = HILO_INTERPOSES != 0;

// Allocations of this thread since it began; 0 for ever where they cannot be counted.
std::uint64_t count() noexcept;

}  // namespace hilo::test::allocation_counter

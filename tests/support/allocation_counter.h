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

namespace hilo::test::allocation_counter {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
inline constexpr bool available = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool available = false;
#else
inline constexpr bool available = true;
#endif
#else
inline constexpr bool available = true;
#endif

// Allocations of this thread since it began; 0 for ever where they cannot be counted.
std::uint64_t count() noexcept;

}  // namespace hilo::test::allocation_counter

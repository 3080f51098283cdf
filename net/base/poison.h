// SPDX-License-Identifier: MIT
//
// poison(): memory that is kept and holds nothing. Under AddressSanitizer whoever touches it is
// found, as if it had been freed; elsewhere nothing happens. HILO_ASAN is defined under it.

#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define HILO_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HILO_ASAN 1
#endif
#endif
#ifdef HILO_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace hilo {

inline void poison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef HILO_ASAN
  __asan_poison_memory_region(at, bytes);
#endif
}

inline void unpoison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef HILO_ASAN
  __asan_unpoison_memory_region(at, bytes);
#endif
}

}  // namespace hilo

// SPDX-License-Identifier: MIT
//
// What the processor can do beyond what the program was compiled for, asked by those who have a
// kernel for it (mask.cc, utf8.cc). Pure questions; any thread, at any time.

#pragma once

namespace hilo::ws::processor {

// For kernels that run everywhere.
inline bool does_all() noexcept {
  return true;
}

#if defined(__x86_64__)
inline bool has_ssse3() noexcept {
  __builtin_cpu_init();  // The first call may come from a constructor, before the runtime's own.
  return __builtin_cpu_supports("ssse3") != 0;
}
inline bool has_avx2() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}
// With byte masks, and with VBMI2, which the first processors with AVX-512 have not: their clock
// sinks for wide registers, and whatever runs next pays for it.
inline bool has_avx512() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vbmi2") != 0 &&
         __builtin_cpu_supports("bmi2") != 0;
}
#endif

}  // namespace hilo::ws::processor

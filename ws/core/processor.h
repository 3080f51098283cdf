// SPDX-License-Identifier: MIT
//
// What the processor can do beyond what the program was compiled for, asked by those who have a
// kernel for it (mask.cc, utf8.cc). Pure questions; any thread, at any time.

#pragma once

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hilo::ws::processor {

// For kernels that run everywhere.
inline bool does_all() noexcept {
  return true;
}

#if defined(__x86_64__)
// The processor's own words (Intel SDM, CPUID and XGETBV). The compiler's __builtin_cpu_supports()
// says the same, and brings 5 KB of tables of all processors into every program.
struct Answer {
  unsigned a = 0, b = 0, c = 0, d = 0;
};
inline Answer ask(unsigned leaf) noexcept {
  Answer answer;
  if (__get_cpuid_count(leaf, 0, &answer.a, &answer.b, &answer.c, &answer.d) == 0) return {};
  return answer;
}

// Whether the system saves the registers of `parts` between threads.
inline bool keeps(unsigned parts) noexcept {
  if ((ask(1).c & bit_OSXSAVE) == 0) return false;
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & parts) == parts;
}
inline constexpr unsigned wide_registers = 0x06;    // XMM and the upper halves of YMM
inline constexpr unsigned widest_registers = 0xE6;  // and masks, and all of ZMM

inline bool has_ssse3() noexcept {
  return (ask(1).c & bit_SSSE3) != 0;
}
inline bool has_avx2() noexcept {
  return keeps(wide_registers) && (ask(7).b & bit_AVX2) != 0;
}
// With byte masks, and with VBMI2, which the first processors with AVX-512 have not: their clock
// sinks for wide registers, and whatever runs next pays for it.
inline bool has_avx512() noexcept {
  constexpr unsigned wanted = bit_AVX512F | bit_AVX512BW | bit_BMI2;
  const Answer answer = ask(7);
  return keeps(widest_registers) && (answer.b & wanted) == wanted &&
         (answer.c & bit_AVX512VBMI2) != 0;
}
#endif

}  // namespace hilo::ws::processor

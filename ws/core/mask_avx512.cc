// SPDX-License-Identifier: MIT
//
// Masking in 64-byte registers whose bytes can be left out one by one: what is left at the end is
// one more register of which only so many bytes are read and written. So nothing overlaps, and the
// key is turned for nothing but the alignment of long data.
//
// Only these functions are compiled for AVX-512, and whoever calls in here has asked the processor
// first.

#if defined(__x86_64__)

#include <immintrin.h>

#include "ws/core/mask.h"
#include "ws/core/mask_kernels.h"

namespace hilo::ws::mask_avx512 {

namespace {

constexpr std::size_t width = sizeof(__m512i);

// Up to here the registers are asked for one by one: a loop would cost as much as they do.
constexpr std::size_t short_bytes_max = 8 * width;

// Below this, aligning costs more than the stores across cache lines that it avoids.
constexpr std::size_t align_bytes_min = 4096;

[[gnu::target("avx512bw,bmi2")]] inline __m512i repeated(std::uint32_t key) noexcept {
  return _mm512_set1_epi32(static_cast<int>(key));
}

[[gnu::target("avx512bw,bmi2")]] inline void apply_register(std::uint8_t* to,
                                                            const std::uint8_t* from,
                                                            __m512i keys) noexcept {
  _mm512_storeu_si512(to, _mm512_xor_si512(_mm512_loadu_si512(from), keys));
}

// The first `size` bytes of a register.
[[gnu::target("avx512bw,bmi2")]] inline void apply_part(std::uint8_t* to, const std::uint8_t* from,
                                                        std::size_t size, __m512i keys) noexcept {
  const __mmask64 bytes = _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(size));
  const __m512i plain = _mm512_maskz_loadu_epi8(bytes, from);
  _mm512_mask_storeu_epi8(to, bytes, _mm512_xor_si512(plain, keys));
}

[[gnu::target("avx512bw,bmi2")]] inline void apply_registers(std::uint8_t* to,
                                                             const std::uint8_t* from,
                                                             std::size_t size,
                                                             __m512i keys) noexcept {
  std::size_t i = 0;
  for (; i + 4 * width < size; i += 4 * width) {
    apply_register(to + i, from + i, keys);
    apply_register(to + i + width, from + i + width, keys);
    apply_register(to + i + 2 * width, from + i + 2 * width, keys);
    apply_register(to + i + 3 * width, from + i + 3 * width, keys);
  }
#pragma GCC unroll 1
  for (; i + width < size; i += width) apply_register(to + i, from + i, keys);
  apply_part(to + i, from + i, size - i, keys);
}

// Aligned for the stores, by a first register of fewer bytes.
[[gnu::target("avx512bw,bmi2"), gnu::noinline]] void apply_long(std::uint8_t* to,
                                                                const std::uint8_t* from,
                                                                std::size_t size,
                                                                std::uint32_t key) noexcept {
  const std::size_t head = (width - reinterpret_cast<std::uintptr_t>(to) % width) % width;
  apply_part(to, from, head, repeated(key));
  apply_registers(to + head, from + head, size - head, repeated(mask_detail::turned(key, head)));
}

}  // namespace

[[gnu::target("avx512bw,bmi2"), gnu::aligned(64)]] void apply(std::uint8_t* to,
                                                              const std::uint8_t* from,
                                                              std::size_t size,
                                                              std::uint32_t key) noexcept {
  if (size >= align_bytes_min) [[unlikely]]
    return apply_long(to, from, size, key);
  const __m512i keys = repeated(key);
  std::size_t i = 0;
#pragma GCC unroll 8
  for (; i < short_bytes_max; i += width) {
    if (size - i <= width) [[likely]]
      return apply_part(to + i, from + i, size - i, keys);
    apply_register(to + i, from + i, keys);
  }
  apply_registers(to + i, from + i, size - i, keys);
}

}  // namespace hilo::ws::mask_avx512

#endif

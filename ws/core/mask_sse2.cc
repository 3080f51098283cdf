// SPDX-License-Identifier: MIT
//
// Masking in 16-byte registers. Every x86-64 has SSE2, so nothing needs to be asked or enabled.

#if defined(__x86_64__)

#include <emmintrin.h>

#include "ws/core/mask.h"
#include "ws/core/mask_kernels.h"

namespace hilo::ws::mask_sse2 {

namespace {

constexpr std::size_t width = sizeof(__m128i);

__m128i load(const std::uint8_t* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

void store(std::uint8_t* to, __m128i value) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

__m128i repeated(std::uint32_t key) noexcept {
  return _mm_set1_epi32(static_cast<int>(key));
}

}  // namespace

void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept {
  if (size < width) return mask_detail::apply(to, from, size, key);

  const __m128i keys = repeated(key);
  const std::size_t last = size - width;
  const bool overlaps = size % width != 0;
  // Where the last register overlaps the one before, it is read first, while its bytes are plain.
  __m128i last_value = keys;
  if (overlaps) {
    last_value = _mm_xor_si128(load(from + last), repeated(mask_detail::turned(key, last)));
  }

  std::size_t i = 0;
  for (; i + 4 * width <= size; i += 4 * width) {
    const __m128i a = _mm_xor_si128(load(from + i), keys);
    const __m128i b = _mm_xor_si128(load(from + i + width), keys);
    const __m128i c = _mm_xor_si128(load(from + i + 2 * width), keys);
    const __m128i d = _mm_xor_si128(load(from + i + 3 * width), keys);
    store(to + i, a);
    store(to + i + width, b);
    store(to + i + 2 * width, c);
    store(to + i + 3 * width, d);
  }
  for (; i + width <= size; i += width) store(to + i, _mm_xor_si128(load(from + i), keys));
  if (overlaps) store(to + last, last_value);
}

}  // namespace hilo::ws::mask_sse2

#endif

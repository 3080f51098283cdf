// SPDX-License-Identifier: MIT
//
// Masking in 32-byte registers. Only these functions are compiled for AVX2; the rest of the program
// stays runnable everywhere, and whoever calls in here has asked the processor first.

#if defined(__x86_64__)

#include <immintrin.h>

#include "ws/core/mask.h"
#include "ws/core/mask_kernels.h"

namespace hilo::ws::mask_avx2 {

namespace {

constexpr std::size_t width = sizeof(__m256i);

// Below this, aligning costs more than the stores across cache lines that it avoids.
constexpr std::size_t align_bytes_min = 4096;

[[gnu::target("avx2")]] inline __m256i load(const std::uint8_t* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

[[gnu::target("avx2")]] inline void store(std::uint8_t* to, __m256i value) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}

[[gnu::target("avx2")]] inline __m256i masked(const std::uint8_t* from, __m256i keys) noexcept {
  return _mm256_xor_si256(load(from), keys);
}

[[gnu::target("avx2")]] inline __m256i repeated(std::uint32_t key) noexcept {
  return _mm256_set1_epi32(static_cast<int>(key));
}

[[gnu::target("avx2")]] inline void apply_register(std::uint8_t* to, const std::uint8_t* from,
                                                   __m256i keys) noexcept {
  store(to, masked(from, keys));
}

// 2 × `half` registers for whatever they cover: `half` from the front on and `half` up to the end,
// which may overlap. All are read before the first is written, while their bytes are plain. To ask
// for the exact number of registers costs more than the few that are done twice.
template <std::size_t half>
[[gnu::target("avx2")]] inline void apply_ends(std::uint8_t* to, const std::uint8_t* from,
                                               std::size_t size, std::uint32_t key) noexcept {
  const std::size_t back = size - half * width;
  const __m256i keys = repeated(key);
  const __m256i back_keys = repeated(mask_detail::turned(key, size));
  __m256i front_values[half];
  __m256i back_values[half];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < half; ++i) {
    front_values[i] = masked(from + i * width, keys);
    back_values[i] = masked(from + back + i * width, back_keys);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < half; ++i) {
    store(to + i * width, front_values[i]);
    store(to + back + i * width, back_values[i]);
  }
}

// Blocks of four registers up to the end, and in front of them `count` registers for the `lead`
// bytes that make no block. These may overlap the first block: they are read before it and written
// last, with the same bytes. So no register is read or written that need not be, and no loop is
// left early, which a processor does not foresee.
template <std::size_t count>
[[gnu::target("avx2")]] inline void apply_blocks(std::uint8_t* to, const std::uint8_t* from,
                                                 std::size_t size, std::size_t lead,
                                                 std::uint32_t key) noexcept {
  const __m256i lead_keys = repeated(key);
  const __m256i keys = repeated(mask_detail::turned(key, lead));
  __m256i lead_values[count];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < count; ++i) lead_values[i] = masked(from + i * width, lead_keys);
  for (std::size_t i = lead; i < size; i += 4 * width) {
    apply_register(to + i, from + i, keys);
    apply_register(to + i + width, from + i + width, keys);
    apply_register(to + i + 2 * width, from + i + 2 * width, keys);
    apply_register(to + i + 3 * width, from + i + 3 * width, keys);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < count; ++i) store(to + i * width, lead_values[i]);
}

// More than eight registers.
[[gnu::target("avx2")]] inline void apply_blocks(std::uint8_t* to, const std::uint8_t* from,
                                                 std::size_t size, std::uint32_t key) noexcept {
  const std::size_t lead = (size - 1) % (4 * width) + 1;
  if (lead <= 2 * width) {
    if (lead <= width) return apply_blocks<1>(to, from, size, lead, key);
    return apply_blocks<2>(to, from, size, lead, key);
  }
  if (lead <= 3 * width) return apply_blocks<3>(to, from, size, lead, key);
  return apply_blocks<4>(to, from, size, lead, key);
}

// `size` is more than four registers. The last one may overlap the one in front of it and is
// therefore read first. What comes first stays where it is, aligned or not.
[[gnu::target("avx2")]] inline void apply_registers(std::uint8_t* to, const std::uint8_t* from,
                                                    std::size_t size, std::uint32_t key) noexcept {
  const __m256i keys = repeated(key);
  const std::size_t last = size - width;
  const __m256i last_value = masked(from + last, repeated(mask_detail::turned(key, last)));
  std::size_t i = 0;
  do {
    apply_register(to + i, from + i, keys);
    apply_register(to + i + width, from + i + width, keys);
    apply_register(to + i + 2 * width, from + i + 2 * width, keys);
    apply_register(to + i + 3 * width, from + i + 3 * width, keys);
    i += 4 * width;
  } while (i + 4 * width <= last);
#pragma GCC unroll 1
  for (; i < last; i += width) apply_register(to + i, from + i, keys);
  store(to + last, last_value);
}

// Long data, aligned for the stores. The first register covers the way to the next aligned place
// and a bit more: it is read before the rest and written after, so that the overlap is masked once.
[[gnu::target("avx2"), gnu::noinline]] void apply_long(std::uint8_t* to, const std::uint8_t* from,
                                                       std::size_t size,
                                                       std::uint32_t key) noexcept {
  const std::size_t head = (width - reinterpret_cast<std::uintptr_t>(to) % width) % width;
  const __m256i first_value = masked(from, repeated(key));
  apply_registers(to + head, from + head, size - head, mask_detail::turned(key, head));
  store(to, first_value);
}

}  // namespace

// Questions instead of a jump by the number of registers, and the shortest data is asked for first:
// up to 64 bytes a cycle is a seventh of what is spent. Aligned for the same reason.
[[gnu::target("avx2"), gnu::aligned(64)]] void apply(std::uint8_t* to, const std::uint8_t* from,
                                                     std::size_t size, std::uint32_t key) noexcept {
  if (size <= 2 * width) [[likely]] {
    if (size < width) return mask_detail::apply(to, from, size, key);
    return apply_ends<1>(to, from, size, key);
  }
  if (size <= 4 * width) [[likely]]
    return apply_ends<2>(to, from, size, key);
  if (size <= 6 * width) [[likely]]
    return apply_ends<3>(to, from, size, key);
  if (size <= 8 * width) [[likely]]
    return apply_ends<4>(to, from, size, key);
  if (size < align_bytes_min) return apply_blocks(to, from, size, key);
  apply_long(to, from, size, key);
}

}  // namespace hilo::ws::mask_avx2

#endif

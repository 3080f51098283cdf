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

[[gnu::target("avx2")]] inline __m256i repeated(std::uint64_t key) noexcept {
  return _mm256_set1_epi64x(static_cast<long long>(key));
}

// `size` is at least one register.
[[gnu::target("avx2")]] inline void apply_registers(std::uint8_t* to, const std::uint8_t* from,
                                                    std::size_t size, std::uint64_t key) noexcept {
  const __m256i keys = repeated(key);
  const std::size_t last = size - width;
  const bool overlaps = size % width != 0;
  // Where the last register overlaps the one before, it is read first, while its bytes are plain.
  __m256i last_value = keys;
  if (overlaps) last_value = masked(from + last, repeated(mask_detail::turned(key, last)));

  std::size_t i = 0;
  for (; i + 4 * width <= size; i += 4 * width) {
    store(to + i, masked(from + i, keys));
    store(to + i + width, masked(from + i + width, keys));
    store(to + i + 2 * width, masked(from + i + 2 * width, keys));
    store(to + i + 3 * width, masked(from + i + 3 * width, keys));
  }
  for (; i + width <= size; i += width) store(to + i, masked(from + i, keys));
  if (overlaps) store(to + last, last_value);
}

// Between Count and 2 * Count registers, without a loop: the first Count of them and the last,
// which may overlap those. All are read before any is written.
template <std::size_t Count>
[[gnu::target("avx2")]] inline void apply_ends(std::uint8_t* to, const std::uint8_t* from,
                                               std::size_t size, std::uint64_t key) noexcept {
  const std::size_t last = size - Count * width;
  const __m256i keys = repeated(key);
  const __m256i last_keys = repeated(mask_detail::turned(key, last));
  __m256i first_values[Count];
  __m256i last_values[Count];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Count; ++i) first_values[i] = masked(from + i * width, keys);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Count; ++i) {
    last_values[i] = masked(from + last + i * width, last_keys);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Count; ++i) store(to + i * width, first_values[i]);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Count; ++i) store(to + last + i * width, last_values[i]);
}

// Long data, aligned for the stores. The first register covers the way to the next aligned place
// and a bit more: it is read before the rest and written after, so that the overlap is masked once.
[[gnu::target("avx2"), gnu::noinline]] void apply_long(std::uint8_t* to, const std::uint8_t* from,
                                                       std::size_t size,
                                                       std::uint64_t key) noexcept {
  const std::size_t head = (width - reinterpret_cast<std::uintptr_t>(to) % width) % width;
  const __m256i first_value = masked(from, repeated(key));
  apply_registers(to + head, from + head, size - head, mask_detail::turned(key, head));
  store(to, first_value);
}

}  // namespace

[[gnu::target("avx2")]] void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                                   std::uint64_t key) noexcept {
  if (size < width) [[unlikely]]
    return mask_detail::apply(to, from, size, key);
  if (size <= 2 * width) return apply_ends<1>(to, from, size, key);
  if (size <= 4 * width) return apply_ends<2>(to, from, size, key);
  if (size <= 8 * width) return apply_ends<4>(to, from, size, key);
  if (size >= align_bytes_min) [[unlikely]]
    return apply_long(to, from, size, key);
  apply_registers(to, from, size, key);
}

}  // namespace hilo::ws::mask_avx2

#endif

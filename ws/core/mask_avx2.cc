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

template <std::size_t Count>
[[gnu::target("avx2")]] inline void apply_before(std::uint8_t* to, const std::uint8_t* from,
                                                 __m256i keys) noexcept {
  store(to - Count * width, masked(from - Count * width, keys));
}

// One to thirteen registers, exactly as many as there are and without a loop. The last one may
// overlap the one in front of it and is therefore read first.
[[gnu::target("avx2")]] inline void apply_few(std::uint8_t* to, const std::uint8_t* from,
                                              std::size_t size, std::uint64_t key) noexcept {
  const std::size_t last = size - width;
  const __m256i keys = repeated(key);
  const __m256i last_value = masked(from + last, repeated(mask_detail::turned(key, last)));
  std::uint8_t* const last_to = to + last;
  const std::size_t count = (size - 1) / width;
  to += count * width;
  from += count * width;
  switch (count) {
    case 12: apply_before<12>(to, from, keys); [[fallthrough]];
    case 11: apply_before<11>(to, from, keys); [[fallthrough]];
    case 10: apply_before<10>(to, from, keys); [[fallthrough]];
    case 9: apply_before<9>(to, from, keys); [[fallthrough]];
    case 8: apply_before<8>(to, from, keys); [[fallthrough]];
    case 7: apply_before<7>(to, from, keys); [[fallthrough]];
    case 6: apply_before<6>(to, from, keys); [[fallthrough]];
    case 5: apply_before<5>(to, from, keys); [[fallthrough]];
    case 4: apply_before<4>(to, from, keys); [[fallthrough]];
    case 3: apply_before<3>(to, from, keys); [[fallthrough]];
    case 2: apply_before<2>(to, from, keys); [[fallthrough]];
    case 1: apply_before<1>(to, from, keys); [[fallthrough]];
    default: store(last_to, last_value);
  }
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
  if (size <= 13 * width) return apply_few(to, from, size, key);
  if (size >= align_bytes_min) [[unlikely]]
    return apply_long(to, from, size, key);
  apply_registers(to, from, size, key);
}

}  // namespace hilo::ws::mask_avx2

#endif

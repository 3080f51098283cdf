// SPDX-License-Identifier: MIT
//
// UTF-8 in 32-byte registers, otherwise like the SSSE3 kernel. Only these functions are compiled
// for AVX2; whoever calls in here has asked the processor first.

#if defined(__x86_64__)

#include <immintrin.h>

#include "ws/core/utf8_kernels.h"

namespace hilo::ws::utf8_avx2 {

namespace {

constexpr std::size_t width = sizeof(__m256i);
constexpr std::size_t chunk = 4 * width;  // what is looked over for ASCII at once

[[gnu::target("avx2")]] inline __m256i load(const void* from) noexcept {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

[[gnu::target("avx2")]] inline __m256i all(std::uint8_t byte) noexcept {
  return _mm256_set1_epi8(static_cast<char>(byte));
}

// The table in both halves, because the shuffle looks up each half in its own.
[[gnu::target("avx2")]] inline __m256i looked_up(const utf8_tables::Table& table,
                                                 __m256i places) noexcept {
  const __m128i once =
      _mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(table.data())));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(once), places);
}

[[gnu::target("avx2")]] inline __m256i upper_halves(__m256i bytes) noexcept {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), all(0x0F));
}

// All zero: nothing is wrong. At least three bytes can be read before `data`.
[[gnu::target("avx2")]] inline __m256i errors_at(const std::uint8_t* data) noexcept {
  const __m256i bytes = load(data);
  const __m256i before_1 = load(data - 1);
  const __m256i of_pairs = _mm256_and_si256(
      _mm256_and_si256(looked_up(utf8_tables::first_high, upper_halves(before_1)),
                       looked_up(utf8_tables::first_low, _mm256_and_si256(before_1, all(0x0F)))),
      looked_up(utf8_tables::second_high, upper_halves(bytes)));

  const __m256i third = _mm256_subs_epu8(load(data - 2), all(utf8_tables::lead_3_less_top_bit));
  const __m256i fourth = _mm256_subs_epu8(load(data - 3), all(utf8_tables::lead_4_less_top_bit));
  const __m256i awaited = _mm256_and_si256(_mm256_or_si256(third, fourth), all(0x80));
  return _mm256_xor_si256(of_pairs, awaited);
}

[[gnu::target("avx2")]] inline bool chunk_is_ascii(const std::uint8_t* data) noexcept {
  const __m256i first = _mm256_or_si256(load(data), load(data + width));
  const __m256i second = _mm256_or_si256(load(data + 2 * width), load(data + 3 * width));
  return _mm256_movemask_epi8(_mm256_or_si256(first, second)) == 0;
}

// `bytes` are a whole number of registers, with three bytes to be read before them.
[[gnu::target("avx2")]] inline bool wrong_in(const std::uint8_t* data, std::size_t bytes) noexcept {
  __m256i seen = _mm256_setzero_si256();
  for (std::size_t i = 0; i < bytes; i += width) seen = _mm256_or_si256(seen, errors_at(data + i));
  return _mm256_testz_si256(seen, seen) == 0;
}

}  // namespace

[[gnu::target("avx2")]] std::size_t check(const std::uint8_t* data, std::size_t size) noexcept {
  if (size < chunk) return utf8_ssse3::check(data, size);

  // What does not begin with ASCII begins in the narrow kernel, which knows how to; from its end
  // on, up to three bytes short of it, there are always three to look back at.
  std::size_t i = chunk;
  if (!chunk_is_ascii(data)) {
    i = utf8_ssse3::check(data, width);
    if (i == utf8_wrong) return utf8_wrong;
  }

  bool may_be_cut = false;  // whether a character may go on at i
  for (; i + chunk <= size; i += chunk) {
    if (chunk_is_ascii(data + i)) {
      if (may_be_cut && utf8_tables::cut_bytes(data + i) != 0) return utf8_wrong;
      may_be_cut = false;
    } else {
      if (wrong_in(data + i, chunk)) return utf8_wrong;
      may_be_cut = true;
    }
  }
  const std::size_t registers = (size - i) / width * width;
  if (wrong_in(data + i, registers)) return utf8_wrong;
  if (i + registers < size && wrong_in(data + size - width, width)) return utf8_wrong;
  return size - utf8_tables::cut_bytes(data + size);
}

}  // namespace hilo::ws::utf8_avx2

#endif

// SPDX-License-Identifier: MIT
//
// UTF-8 in 16-byte registers. Only these functions are compiled for SSSE3; the rest of the program
// stays runnable everywhere, and whoever calls in here has asked the processor first.

#if defined(__x86_64__)

#include <tmmintrin.h>

#include "ws/core/utf8_kernels.h"

namespace hilo::ws::utf8_ssse3 {

namespace {

constexpr std::size_t width = sizeof(__m128i);
constexpr std::size_t chunk = 4 * width;  // what is looked over for ASCII at once

[[gnu::target("ssse3")]] inline __m128i load(const void* from) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

[[gnu::target("ssse3")]] inline __m128i all(std::uint8_t byte) noexcept {
  return _mm_set1_epi8(static_cast<char>(byte));
}

[[gnu::target("ssse3")]] inline __m128i upper_halves(__m128i bytes) noexcept {
  return _mm_and_si128(_mm_srli_epi16(bytes, 4), all(0x0F));
}

// `before_n` holds for each byte the one n places before it. All zero: nothing is wrong.
[[gnu::target("ssse3")]] inline __m128i errors(__m128i bytes, __m128i before_1, __m128i before_2,
                                               __m128i before_3) noexcept {
  const __m128i first_high =
      _mm_shuffle_epi8(load(utf8_tables::first_high.data()), upper_halves(before_1));
  const __m128i first_low =
      _mm_shuffle_epi8(load(utf8_tables::first_low.data()), _mm_and_si128(before_1, all(0x0F)));
  const __m128i second_high =
      _mm_shuffle_epi8(load(utf8_tables::second_high.data()), upper_halves(bytes));
  const __m128i of_pairs = _mm_and_si128(_mm_and_si128(first_high, first_low), second_high);

  const __m128i third = _mm_subs_epu8(before_2, all(utf8_tables::lead_3_less_top_bit));
  const __m128i fourth = _mm_subs_epu8(before_3, all(utf8_tables::lead_4_less_top_bit));
  const __m128i awaited = _mm_and_si128(_mm_or_si128(third, fourth), all(0x80));
  return _mm_xor_si128(of_pairs, awaited);
}

// At least three bytes can be read before `data`.
[[gnu::target("ssse3")]] inline __m128i errors_at(const std::uint8_t* data) noexcept {
  return errors(load(data), load(data - 1), load(data - 2), load(data - 3));
}

// The very first register: what stands before it is the end of a character, for which zeros do.
[[gnu::target("ssse3")]] inline __m128i errors_at_start(const std::uint8_t* data) noexcept {
  const __m128i bytes = load(data);
  return errors(bytes, _mm_slli_si128(bytes, 1), _mm_slli_si128(bytes, 2),
                _mm_slli_si128(bytes, 3));
}

[[gnu::target("ssse3")]] inline bool any(__m128i errors) noexcept {
  return _mm_movemask_epi8(_mm_cmpeq_epi8(errors, _mm_setzero_si128())) != 0xFFFF;
}

[[gnu::target("ssse3")]] inline bool chunk_is_ascii(const std::uint8_t* data) noexcept {
  const __m128i first = _mm_or_si128(load(data), load(data + width));
  const __m128i second = _mm_or_si128(load(data + 2 * width), load(data + 3 * width));
  return _mm_movemask_epi8(_mm_or_si128(first, second)) == 0;
}

// `bytes` are a whole number of registers, with three bytes to be read before them.
[[gnu::target("ssse3")]] inline bool wrong_in(const std::uint8_t* data,
                                              std::size_t bytes) noexcept {
  __m128i seen = _mm_setzero_si128();
  for (std::size_t i = 0; i < bytes; i += width) seen = _mm_or_si128(seen, errors_at(data + i));
  return any(seen);
}

}  // namespace

[[gnu::target("ssse3")]] std::size_t check(const std::uint8_t* data, std::size_t size) noexcept {
  if (size < width) return 0;
  if (any(errors_at_start(data))) return utf8_wrong;

  std::size_t i = width;
  bool may_be_cut = true;  // whether a character may go on at i
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
  i += registers;
  if (i < size && size - width >= 3) {
    if (wrong_in(data + size - width, width)) return utf8_wrong;
    i = size;
  }
  return i - utf8_tables::cut_bytes(data + i);
}

}  // namespace hilo::ws::utf8_ssse3

#endif

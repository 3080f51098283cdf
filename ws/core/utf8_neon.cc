// SPDX-License-Identifier: MIT
//
// UTF-8 in 16-byte registers. Every AArch64 has NEON, so nothing needs to be asked or enabled.

#if defined(__aarch64__)

#include <arm_neon.h>

#include "ws/core/utf8_kernels.h"

namespace hilo::ws::utf8_neon {

namespace {

constexpr std::size_t width = sizeof(uint8x16_t);
constexpr std::size_t chunk = 4 * width;  // what is looked over for ASCII at once

// `before_n` holds for each byte the one n places before it. All zero: nothing is wrong.
inline uint8x16_t errors(uint8x16_t bytes, uint8x16_t before_1, uint8x16_t before_2,
                         uint8x16_t before_3) noexcept {
  const uint8x16_t first_high =
      vqtbl1q_u8(vld1q_u8(utf8_tables::first_high.data()), vshrq_n_u8(before_1, 4));
  const uint8x16_t first_low =
      vqtbl1q_u8(vld1q_u8(utf8_tables::first_low.data()), vandq_u8(before_1, vdupq_n_u8(0x0F)));
  const uint8x16_t second_high =
      vqtbl1q_u8(vld1q_u8(utf8_tables::second_high.data()), vshrq_n_u8(bytes, 4));
  const uint8x16_t of_pairs = vandq_u8(vandq_u8(first_high, first_low), second_high);

  const uint8x16_t third = vqsubq_u8(before_2, vdupq_n_u8(utf8_tables::lead_3_less_top_bit));
  const uint8x16_t fourth = vqsubq_u8(before_3, vdupq_n_u8(utf8_tables::lead_4_less_top_bit));
  const uint8x16_t awaited = vandq_u8(vorrq_u8(third, fourth), vdupq_n_u8(0x80));
  return veorq_u8(of_pairs, awaited);
}

// At least three bytes can be read before `data`.
inline uint8x16_t errors_at(const std::uint8_t* data) noexcept {
  return errors(vld1q_u8(data), vld1q_u8(data - 1), vld1q_u8(data - 2), vld1q_u8(data - 3));
}

// The very first register: what stands before it is the end of a character, for which zeros do.
inline uint8x16_t errors_at_start(const std::uint8_t* data) noexcept {
  const uint8x16_t bytes = vld1q_u8(data);
  const uint8x16_t zeros = vdupq_n_u8(0);
  return errors(bytes, vextq_u8(zeros, bytes, 15), vextq_u8(zeros, bytes, 14),
                vextq_u8(zeros, bytes, 13));
}

inline bool any(uint8x16_t errors) noexcept {
  return vmaxvq_u8(errors) != 0;
}

inline bool chunk_is_ascii(const std::uint8_t* data) noexcept {
  const uint8x16_t first = vorrq_u8(vld1q_u8(data), vld1q_u8(data + width));
  const uint8x16_t second = vorrq_u8(vld1q_u8(data + 2 * width), vld1q_u8(data + 3 * width));
  return vmaxvq_u8(vorrq_u8(first, second)) < 0x80;
}

// `bytes` are a whole number of registers, with three bytes to be read before them.
inline bool wrong_in(const std::uint8_t* data, std::size_t bytes) noexcept {
  uint8x16_t seen = vdupq_n_u8(0);
  for (std::size_t i = 0; i < bytes; i += width) seen = vorrq_u8(seen, errors_at(data + i));
  return any(seen);
}

}  // namespace

std::size_t check(const std::uint8_t* data, std::size_t size) noexcept {
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

}  // namespace hilo::ws::utf8_neon

#endif

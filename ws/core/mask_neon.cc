// SPDX-License-Identifier: MIT
//
// Masking in 16-byte registers. Every AArch64 has NEON, so nothing needs to be asked or enabled.

#if defined(__aarch64__)

#include <arm_neon.h>

#include <array>
#include <cstring>

#include "ws/core/mask.h"
#include "ws/core/mask_kernels.h"

namespace hilo::ws::mask_neon {

namespace {

constexpr std::size_t width = sizeof(uint8x16_t);

// By way of memory and by the same load as the data, so that the key bytes meet their places on a
// big-endian machine too, whose compilers number the parts of a register in their own way.
uint8x16_t repeated(std::uint32_t key) noexcept {
  const std::array<std::uint32_t, width / sizeof(key)> words{key, key, key, key};
  std::array<std::uint8_t, width> bytes;
  std::memcpy(bytes.data(), words.data(), width);
  return vld1q_u8(bytes.data());
}

}  // namespace

void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept {
  if (size < width) return mask_detail::apply(to, from, size, key);

  const uint8x16_t keys = repeated(key);
  const std::size_t last = size - width;
  const bool overlaps = size % width != 0;
  // Where the last register overlaps the one before, it is read first, while its bytes are plain.
  uint8x16_t last_value = keys;
  if (overlaps) {
    last_value = veorq_u8(vld1q_u8(from + last), repeated(mask_detail::turned(key, last)));
  }

  std::size_t i = 0;
  for (; i + 4 * width <= size; i += 4 * width) {
    const uint8x16_t a = veorq_u8(vld1q_u8(from + i), keys);
    const uint8x16_t b = veorq_u8(vld1q_u8(from + i + width), keys);
    const uint8x16_t c = veorq_u8(vld1q_u8(from + i + 2 * width), keys);
    const uint8x16_t d = veorq_u8(vld1q_u8(from + i + 3 * width), keys);
    vst1q_u8(to + i, a);
    vst1q_u8(to + i + width, b);
    vst1q_u8(to + i + 2 * width, c);
    vst1q_u8(to + i + 3 * width, d);
  }
  for (; i + width <= size; i += width) vst1q_u8(to + i, veorq_u8(vld1q_u8(from + i), keys));
  if (overlaps) vst1q_u8(to + last, last_value);
}

}  // namespace hilo::ws::mask_neon

#endif

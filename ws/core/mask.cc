// SPDX-License-Identifier: MIT

#include "ws/core/mask.h"

#include <array>
#include <atomic>
#include <cstring>

#include "ws/core/mask_kernels.h"
#include "ws/core/processor.h"

namespace hilo::ws {

namespace {

// clang-format off
constexpr std::array known_masks{
    MaskKernel{"scalar", mask_scalar::apply, processor::does_all},
    MaskKernel{"words", mask_words::apply, processor::does_all},
#if defined(__x86_64__)
    MaskKernel{"sse2", mask_sse2::apply, processor::does_all},
    MaskKernel{"avx2", mask_avx2::apply, processor::has_avx2},
    MaskKernel{"avx512", mask_avx512::apply, processor::has_avx512},
#elif defined(__aarch64__)
    MaskKernel{"neon", mask_neon::apply, processor::does_all},
#endif
};
// clang-format on

}  // namespace

#if defined(__x86_64__)
// Relaxed is enough: every value is a right one at any time, and the kernels keep no data.
constinit std::atomic<mask_detail::Machine> mask_detail::machine{Machine::unknown};

void mask_detail::apply_otherwise(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                                  std::uint32_t key) noexcept {
  if (machine.load(std::memory_order_relaxed) == Machine::unknown) {
    const Machine found = processor::has_avx512() ? Machine::avx512
                          : processor::has_avx2() ? Machine::avx2
                                                  : Machine::sse2;
    machine.store(found, std::memory_order_relaxed);
    if (found != Machine::sse2) return apply_kernel(to, from, size, key);
  }
  mask_sse2::apply(to, from, size, key);
}
#endif

std::span<const MaskKernel> mask_kernels() noexcept {
  return known_masks;
}

void mask_scalar::apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                        std::uint32_t key) noexcept {
  std::array<std::uint8_t, sizeof(key)> bytes;
  std::memcpy(bytes.data(), &key, sizeof(key));
  for (std::size_t i = 0; i < size; ++i) {
    to[i] = static_cast<std::uint8_t>(from[i] ^ bytes[i % bytes.size()]);
  }
}

void mask_words::apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                       std::uint32_t key) noexcept {
  mask_detail::apply(to, from, size, key);
}

}  // namespace hilo::ws

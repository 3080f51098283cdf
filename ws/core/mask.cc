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
#elif defined(__aarch64__)
    MaskKernel{"neon", mask_neon::apply, processor::does_all},
#endif
};
// clang-format on

void choose_and_apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                      std::uint64_t key) noexcept {
  MaskFunction best = mask_words::apply;
  for (const MaskKernel& candidate : known_masks) {
    if (candidate.available()) best = candidate.apply;
  }
  mask_detail::kernel.store(best, std::memory_order_relaxed);
  best(to, from, size, key);
}

}  // namespace

// Begins as the function that puts the best kernel in its own place. Relaxed is enough: every value
// that a thread can see here is a right one, and the kernels keep no data.
constinit std::atomic<MaskFunction> mask_detail::kernel{choose_and_apply};

std::span<const MaskKernel> mask_kernels() noexcept {
  return known_masks;
}

void mask_scalar::apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                        std::uint64_t key) noexcept {
  std::array<std::uint8_t, sizeof(key)> bytes;
  std::memcpy(bytes.data(), &key, sizeof(key));
  for (std::size_t i = 0; i < size; ++i) {
    to[i] = static_cast<std::uint8_t>(from[i] ^ bytes[i % bytes.size()]);
  }
}

void mask_words::apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                       std::uint64_t key) noexcept {
  mask_detail::apply(to, from, size, key);
}

}  // namespace hilo::ws

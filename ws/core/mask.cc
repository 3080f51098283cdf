// SPDX-License-Identifier: MIT

#include "ws/core/mask.h"

#include <array>
#include <atomic>
#include <cstring>

#include "ws/core/mask_kernels.h"

namespace hilo::ws {

namespace {

bool always() noexcept {
  return true;
}

#if defined(__x86_64__)
bool has_avx2() noexcept {
  __builtin_cpu_init();  // The first call may come from a constructor, before the runtime's own.
  return __builtin_cpu_supports("avx2") != 0;
}
#endif

constexpr std::array kernels {
  MaskKernel{"scalar", mask_scalar::apply, always}, MaskKernel{"words", mask_words::apply, always},
#if defined(__x86_64__)
      MaskKernel{"sse2", mask_sse2::apply, always}, MaskKernel{"avx2", mask_avx2::apply, has_avx2},
#elif defined(__aarch64__)
      MaskKernel{"neon", mask_neon::apply, always},
#endif
};

void choose_and_apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                      std::uint64_t key) noexcept {
  MaskFunction best = mask_words::apply;
  for (const MaskKernel& candidate : kernels) {
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
  return kernels;
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

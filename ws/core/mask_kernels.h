// SPDX-License-Identifier: MIT
//
// The kernels behind mask.h, one namespace and one file each, so that tests and benches can hold
// them against each other. Everyone else includes mask.h.
//
// All of them do the same: to[i] = from[i] ^ (byte i % 4 of `key`, as it lies in memory), for any
// size and alignment, where `to` and `from` are the same or do not overlap. `key` comes from
// mask_detail::key_word. Nothing outside the data is touched: where the size is no multiple of the
// register, registers overlap inside the data, or leave bytes out.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ws/core/mask.h"

namespace hilo::ws {

using MaskFunction = void (*)(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                              std::uint32_t key) noexcept;

struct MaskKernel {
  const char* name;
  MaskFunction apply;
  bool (*available)() noexcept;  // whether this machine has the instructions
};

// The kernels compiled for this architecture, the slowest first. Lives forever.
std::span<const MaskKernel> mask_kernels() noexcept;

// Byte by byte, as the RFC says it: the slow twin that the tests believe.
namespace mask_scalar {
void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept;
}

// Defined on x86-64 only, where every machine has it.
namespace mask_sse2 {
void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept;
}

// mask.h has the others, which it calls: mask_words, mask_avx2 and mask_avx512 (x86-64), mask_neon
// (AArch64).

}  // namespace hilo::ws

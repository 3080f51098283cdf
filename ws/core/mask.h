// SPDX-License-Identifier: MIT
//
// The masking of client frames (RFC 6455 §5.3): every payload byte is XORed with one of the four
// key bytes in turn. Masking and unmasking are the same operation.
//
// A payload may arrive in pieces: `offset` is the position of data[0] in the payload, so that the
// turn of the key bytes goes on where the piece before stopped. Only offset mod 4 matters.
//
// Nothing is owned and nothing is kept; no byte outside the given data is read or written, at any
// alignment. Any number of threads may call these at the same time.
//
// Short payloads, which are most of them, are done right here in words; longer ones go to the
// fastest kernel of this machine (mask_kernels.h).

#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"

namespace hilo::ws {

// The four bytes in the order in which they stand in the frame.
using MaskKey = std::array<std::uint8_t, 4>;

// In place: data[i] ^= key[(offset + i) % 4].
void mask(MutableBytes data, MaskKey key, std::size_t offset = 0) noexcept;

// to[i] = from[i] ^ key[(offset + i) % 4]. `to` has room for from.size() bytes and does not overlap
// `from`: this is the copy that a client makes anyway, with the masking for free.
void mask_copy(std::uint8_t* to, Bytes from, MaskKey key, std::size_t offset = 0) noexcept;

// The payload of a frame that lies as it came: the four bytes of the key in front of it.
void mask_behind_key(MutableBytes payload) noexcept;
// The same, without a call where it is short.
void mask_behind_key_here(MutableBytes payload) noexcept;

// A copy of at most short_copy_max bytes, which is masking without a key, and costs less than the
// call of memcpy.
void copy_short(std::uint8_t* to, Bytes from) noexcept;

namespace mask_detail {

// Up to here the call of a kernel costs more than its wide registers save.
constexpr std::size_t inline_bytes_max = 32;

// Sixteen bytes that the compiler keeps in one register where the machine has such.
using Quad = std::uint32_t __attribute__((vector_size(16)));

// The key, beginning with the byte that is `bytes` places further on in memory.
constexpr std::uint32_t turned(std::uint32_t key, std::size_t bytes) noexcept {
  const int bits = static_cast<int>(bytes * 8 % 32);
  return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

// The byte that lies first in memory.
constexpr std::uint8_t first_byte(std::uint32_t word) noexcept {
  constexpr int shift = std::endian::native == std::endian::little ? 0 : 24;
  return static_cast<std::uint8_t>(word >> shift);
}

// The key as it lies in memory, beginning with the byte that is due at `offset`.
inline std::uint32_t key_word(MaskKey key, std::size_t offset) noexcept {
  return turned(std::bit_cast<std::uint32_t>(key), offset);
}

constexpr std::uint64_t twice(std::uint32_t key) noexcept {
  return std::uint64_t{key} << 32 | key;
}

// The builtins, because a hardened std::memcpy becomes a call where the compiler knows the object
// behind the pointer, and a call for eight bytes is what this file is here to avoid.
template <typename Word>
Word load(const std::uint8_t* from) noexcept {
  Word word{};
  __builtin_memcpy(&word, from, sizeof(word));
  return word;
}
template <typename Word>
void store(std::uint8_t* to, Word word) noexcept {
  __builtin_memcpy(to, &word, sizeof(word));
}

// One or more whole words, of which the last may overlap the one before. It is read before anything
// is written, because in place it would otherwise find bytes that are masked already.
template <typename Word>
void apply_words(std::uint8_t* to, const std::uint8_t* from, std::size_t size, Word key,
                 Word last_key) noexcept {
  const std::size_t last = size - sizeof(Word);
  const Word last_word = load<Word>(from + last) ^ last_key;
  for (std::size_t i = 0; i < last; i += sizeof(Word)) {
    store<Word>(to + i, load<Word>(from + i) ^ key);
  }
  store<Word>(to + last, last_word);
}

// Any size. `to` and `from` are the same or do not overlap; the same goes for kernels. Where it
// stands in the way of every message it is to be found right there, elsewhere as the compiler
// likes.
[[gnu::always_inline]] inline void apply_here(std::uint8_t* to, const std::uint8_t* from,
                                              std::size_t size, std::uint32_t key) noexcept {
  const std::uint32_t last_key = turned(key, size);  // Words are a whole number of keys long.
  // At exactly one of them, moving the key to a wide register costs more than a second word.
  if (size > sizeof(Quad)) {
    return apply_words(to, from, size, Quad{key, key, key, key},
                       Quad{last_key, last_key, last_key, last_key});
  }
  if (size >= sizeof(std::uint64_t)) {
    return apply_words(to, from, size, twice(key), twice(last_key));
  }
  if (size >= sizeof(key)) return apply_words(to, from, size, key, last_key);
  // No array of key bytes: one on the stack would put a stack protector into every caller.
  for (std::size_t i = 0; i < size; ++i) {
    to[i] = static_cast<std::uint8_t>(from[i] ^ first_byte(turned(key, i)));
  }
}
inline void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                  std::uint32_t key) noexcept {
  apply_here(to, from, size, key);
}

}  // namespace mask_detail

// The kernels that mask() calls by name (mask_kernels.h says what they do).
namespace mask_words {
void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept;
}
namespace mask_avx2 {
void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept;
}
namespace mask_avx512 {
void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept;
}
namespace mask_neon {
void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
           std::uint32_t key) noexcept;
}

namespace mask_detail {

#if defined(__x86_64__)
// What this machine can do. Unknown until the first call has asked.
enum class Machine : std::uint8_t { unknown, sse2, avx2, avx512 };
extern std::atomic<Machine> machine;

void apply_otherwise(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                     std::uint32_t key) noexcept;
#endif

// The fastest kernel of this machine. Called by its name: a call through a pointer which the first
// call has set costs a fifth of what 64 bytes take.
[[gnu::always_inline]] inline void apply_kernel(std::uint8_t* to, const std::uint8_t* from,
                                                std::size_t size, std::uint32_t key) noexcept {
#if defined(__x86_64__)
  const Machine known = machine.load(std::memory_order_relaxed);
  if (known == Machine::avx512) [[likely]]
    return mask_avx512::apply(to, from, size, key);
  if (known == Machine::avx2) return mask_avx2::apply(to, from, size, key);
  apply_otherwise(to, from, size, key);
#elif defined(__aarch64__)
  mask_neon::apply(to, from, size, key);
#else
  mask_words::apply(to, from, size, key);
#endif
}

// The same, or right here if it is short.
[[gnu::always_inline]] inline void apply_best(std::uint8_t* to, const std::uint8_t* from,
                                              std::size_t size, std::uint32_t key) noexcept {
  if (size <= inline_bytes_max) return apply(to, from, size, key);
  apply_kernel(to, from, size, key);
}

}  // namespace mask_detail

[[gnu::always_inline]] inline void mask_copy(std::uint8_t* to, Bytes from, MaskKey key,
                                             std::size_t offset) noexcept {
  mask_detail::apply_best(to, from.data(), from.size(), mask_detail::key_word(key, offset));
}

[[gnu::always_inline]] inline void mask(MutableBytes data, MaskKey key,
                                        std::size_t offset) noexcept {
  mask_copy(data.data(), data, key, offset);
}

inline constexpr std::size_t short_copy_max = mask_detail::inline_bytes_max;
[[gnu::always_inline]] inline void copy_short(std::uint8_t* to, Bytes from) noexcept {
  mask_detail::apply_here(to, from.data(), from.size(), 0);
}

[[gnu::always_inline]] inline void mask_behind_key(MutableBytes payload) noexcept {
  const auto key = mask_detail::load<std::uint32_t>(payload.data() - sizeof(MaskKey));
  mask_detail::apply_best(payload.data(), payload.data(), payload.size(), key);
}

[[gnu::always_inline]] inline void mask_behind_key_here(MutableBytes payload) noexcept {
  if (payload.size() > mask_detail::inline_bytes_max) return mask_behind_key(payload);
  const auto key = mask_detail::load<std::uint32_t>(payload.data() - sizeof(MaskKey));
  mask_detail::apply_here(payload.data(), payload.data(), payload.size(), key);
}

}  // namespace hilo::ws

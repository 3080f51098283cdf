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
// Short payloads, which are most of them, are done right here in 64-bit words; longer ones go to
// the fastest kernel of this machine (mask_kernels.h).

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

namespace mask_detail {

// Up to here the call of a kernel costs more than its wide registers save.
constexpr std::size_t inline_bytes_max = 32;

// Sixteen bytes that the compiler keeps in one register where the machine has such.
using Pair = std::uint64_t __attribute__((vector_size(16)));

// Turns a word so that the byte `bytes` places further on in memory becomes its first one.
template <typename Word>
constexpr Word turned(Word word, std::size_t bytes) noexcept {
  const int bits = static_cast<int>(bytes % sizeof(Word)) * 8;
  return std::endian::native == std::endian::little ? std::rotr(word, bits) : std::rotl(word, bits);
}

// The byte that lies first in memory.
constexpr std::uint8_t first_byte(std::uint32_t word) noexcept {
  constexpr int shift = std::endian::native == std::endian::little ? 0 : 24;
  return static_cast<std::uint8_t>(word >> shift);
}

// The key twice over, beginning with the byte that is due at `offset`, as it lies in memory.
inline std::uint64_t key_word(std::uint32_t key, std::size_t offset) noexcept {
  const std::uint64_t turned_half = turned(key, offset);
  return turned_half << 32 | turned_half;
}
inline std::uint64_t key_word(MaskKey key, std::size_t offset) noexcept {
  return key_word(std::bit_cast<std::uint32_t>(key), offset);
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

// Any size. `to` and `from` are the same or do not overlap; the same goes for kernels.
inline void apply(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                  std::uint64_t key) noexcept {
  const std::uint64_t last_key = turned(key, size);  // Words are a whole number of keys long.
  // At exactly one pair, moving the key to a wide register costs more than a second word.
  if (size > sizeof(Pair))
    return apply_words(to, from, size, Pair{key, key}, Pair{last_key, last_key});
  if (size >= sizeof(key)) return apply_words(to, from, size, key, last_key);
  // Both halves of the key are alike, so either will do on every byte order.
  const auto half = static_cast<std::uint32_t>(key);
  if (size >= sizeof(half)) {
    return apply_words(to, from, size, half, static_cast<std::uint32_t>(last_key));
  }
  // No array of key bytes: one on the stack would put a stack protector into every caller.
  for (std::size_t i = 0; i < size; ++i) {
    to[i] = static_cast<std::uint8_t>(from[i] ^ first_byte(turned(half, i)));
  }
}

// The fastest kernel of this machine, for any size. Found out by the first call.
using Kernel = void (*)(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
                        std::uint64_t key) noexcept;
extern std::atomic<Kernel> kernel;

// The same, or right here if it is short.
[[gnu::always_inline]] inline void apply_best(std::uint8_t* to, const std::uint8_t* from,
                                              std::size_t size, std::uint64_t key) noexcept {
  if (size <= inline_bytes_max) return apply(to, from, size, key);
  kernel.load(std::memory_order_relaxed)(to, from, size, key);
}

}  // namespace mask_detail

inline void mask_copy(std::uint8_t* to, Bytes from, MaskKey key, std::size_t offset) noexcept {
  mask_detail::apply_best(to, from.data(), from.size(), mask_detail::key_word(key, offset));
}

inline void mask(MutableBytes data, MaskKey key, std::size_t offset) noexcept {
  mask_copy(data.data(), data, key, offset);
}

inline void mask_behind_key(MutableBytes payload) noexcept {
  const auto key = mask_detail::load<std::uint32_t>(payload.data() - sizeof(MaskKey));
  mask_detail::apply_best(payload.data(), payload.data(), payload.size(),
                          mask_detail::key_word(key, 0));
}

}  // namespace hilo::ws

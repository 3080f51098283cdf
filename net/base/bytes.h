// SPDX-License-Identifier: MIT
//
// The words every layer speaks: views of bytes, and integers in network byte order.
//
// A view owns nothing. Whoever returns one says how long it stays valid.
//
// Where a span is made of a pointer and a size, or copied, g++ proves for some 70 million of its
// own instructions that the pointer is a contiguous iterator, once for each file and type. So what
// everybody includes leaves that to source files.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace hilo {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// The same bytes, seen as text or as octets. No copy, no check of the encoding.
Bytes as_bytes(std::string_view text) noexcept;
inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Big-endian loads and stores by shifts: right on every byte order and at every alignment, and
// compilers turn them into one load and one byte swap.
inline std::uint16_t load_be16(const std::uint8_t* p) noexcept {
  return static_cast<std::uint16_t>((p[0] << 8) | p[1]);
}
inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
  return (static_cast<std::uint32_t>(load_be16(p)) << 16) | load_be16(p + 2);
}
inline std::uint64_t load_be64(const std::uint8_t* p) noexcept {
  return (static_cast<std::uint64_t>(load_be32(p)) << 32) | load_be32(p + 4);
}
inline void store_be16(std::uint8_t* p, std::uint16_t value) noexcept {
  p[0] = static_cast<std::uint8_t>(value >> 8);
  p[1] = static_cast<std::uint8_t>(value);
}
inline void store_be32(std::uint8_t* p, std::uint32_t value) noexcept {
  store_be16(p, static_cast<std::uint16_t>(value >> 16));
  store_be16(p + 2, static_cast<std::uint16_t>(value));
}
inline void store_be64(std::uint8_t* p, std::uint64_t value) noexcept {
  store_be32(p, static_cast<std::uint32_t>(value >> 32));
  store_be32(p + 4, static_cast<std::uint32_t>(value));
}

}  // namespace hilo

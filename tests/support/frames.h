// SPDX-License-Identifier: MIT
//
// Frames of RFC 6455 as strings, for tests without sockets. Written byte by byte and not with
// write_header(), so that the two can be held against each other.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "ws/core/mask.h"
#include "ws/core/rfc6455.h"

namespace hilo::test {

inline constexpr ws::MaskKey example_key{0x37, 0xFA, 0x21, 0x3D};

inline char as_char(std::uint64_t value) {
  return static_cast<char>(static_cast<std::uint8_t>(value & 0xFF));
}

// Bytes from hex digits; spaces are ignored.
inline std::string from_hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      bytes += as_char(static_cast<std::uint64_t>(high * 16 + value));
      high = -1;
    }
  }
  return bytes;
}

inline std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string result;
  for (std::size_t i = bytes; i-- > 0;) result += as_char(value >> (8 * i));
  return result;
}

inline std::string masked(std::string_view payload, ws::MaskKey key) {
  std::string result(payload);
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = as_char(static_cast<std::uint8_t>(result[i]) ^ key[i % 4]);
  }
  return result;
}

// The header of a frame: `first` is its whole first byte.
inline std::string header_of(std::uint8_t first, std::uint64_t size, const ws::MaskKey* key) {
  const unsigned mask_bit = key != nullptr ? 0x80 : 0;
  std::string header(1, as_char(first));
  if (size < 126) {
    header += as_char(mask_bit | size);
  } else if (size < 65536) {
    header += as_char(mask_bit | 126) + big_endian(size, 2);
  } else {
    header += as_char(mask_bit | 127) + big_endian(size, 8);
  }
  if (key != nullptr) header.append(key->begin(), key->end());
  return header;
}

// As a server sends it.
inline std::string plain_frame(std::uint8_t first, std::string_view payload) {
  return header_of(first, payload.size(), nullptr) + std::string(payload);
}
// As a client sends it.
inline std::string masked_frame(std::uint8_t first, std::string_view payload,
                                ws::MaskKey key = example_key) {
  return header_of(first, payload.size(), &key) + masked(payload, key);
}
// As the peer of `role` sends it.
inline std::string peer_frame(ws::Role role, std::uint8_t first, std::string_view payload) {
  return role == ws::Role::server ? masked_frame(first, payload) : plain_frame(first, payload);
}

// The payload of a Close frame with a code.
inline std::string close_payload(std::uint64_t code, std::string_view reason = {}) {
  return big_endian(code, 2) + std::string(reason);
}

inline std::string repeat(std::string_view piece, std::size_t times) {
  std::string all;
  all.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += piece;
  return all;
}

}  // namespace hilo::test

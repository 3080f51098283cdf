// SPDX-License-Identifier: MIT
//
// Base64 (RFC 4648 §4), strict: padding is there, nothing else is, and the bits that mean nothing
// are zero. One text has one reading, so what was checked is what is decoded.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/base/bytes.h"

namespace hilo::engineio {

constexpr std::size_t base64_size(std::size_t bytes) noexcept {
  return (bytes + 2) / 3 * 4;
}

// Writes base64_size(data.size()) characters to `into`.
void encode_base64(Bytes data, std::uint8_t* into) noexcept;
// RFC 4648 §5 without padding: (8 * bytes + 5) / 6 characters.
void encode_base64url(Bytes data, char* into) noexcept;

// How many bytes `text` stands for; nothing if it is malformed.
std::optional<std::size_t> check_base64(Bytes text) noexcept;
// Writes them over the text itself, from its beginning. Nothing if it is malformed: then only what
// the text holds is lost.
std::optional<std::size_t> decode_base64(MutableBytes text) noexcept;

}  // namespace hilo::engineio

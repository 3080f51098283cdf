// SPDX-License-Identifier: MIT
//
// Session ids: 160 random bits, and the place where their session is found.
//
//   base64url( 20 random bytes | 1 byte: index of the loop | 3 bytes: slot )     32 characters
//
// Whoever knows a sid is the client, so all of its randomness is compared, and it is never written
// to a log. The place is no secret; it spares a table that a peer could fill or collide in.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hilo::engineio {

inline constexpr std::size_t sid_random_bytes = 20;
inline constexpr std::size_t sid_chars = 32;
inline constexpr std::uint32_t sid_slots_max = 1U << 24;

using SidRandom = std::array<std::uint8_t, sid_random_bytes>;

struct SidPlace {
  std::uint32_t slot = 0;  // below sid_slots_max
  std::uint8_t loop_index = 0;
  friend bool operator==(const SidPlace&, const SidPlace&) = default;
};

class Sid {
 public:
  Sid() noexcept = default;
  Sid(std::span<const std::uint8_t, sid_random_bytes> random, SidPlace place) noexcept;

  std::string_view view() const noexcept { return {text_.data(), text_.size()}; }
  // In a time that says nothing about where they differ.
  bool equals(std::string_view other) const noexcept;

  // Where the session of this id would be; nothing if no session has such an id.
  static std::optional<SidPlace> place(std::string_view sid) noexcept;

 private:
  std::array<char, sid_chars> text_{};
};

}  // namespace hilo::engineio

// SPDX-License-Identifier: MIT

#include "ws/socketio/socket_id.h"

#include <span>

namespace hilo::socketio {
namespace {

// RFC 4648 §5
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void write_group(std::uint32_t three_bytes, char* into) noexcept {
  for (int i = 3; i >= 0; --i, three_bytes >>= 6) into[i] = alphabet[three_bytes & 63];
}

// A whole number of groups.
void write_groups(std::span<const std::uint8_t> bytes, char* into) noexcept {
  for (std::size_t i = 0; i + 2 < bytes.size(); i += 3, into += 4) {
    write_group(static_cast<std::uint32_t>(bytes[i]) << 16 |
                    static_cast<std::uint32_t>(bytes[i + 1]) << 8 | bytes[i + 2],
                into);
  }
}

}  // namespace

SocketId make_socket_id(const SocketIdRandom& random, std::uint32_t slot) noexcept {
  SocketId id;
  write_groups(random, id.data());
  write_group(slot, id.data() + 16);
  return id;
}

PrivateId make_private_id(const PrivateIdRandom& random) noexcept {
  PrivateId id;
  write_groups(random, id.data());
  return id;
}

std::optional<std::uint32_t> slot_of(std::string_view id) noexcept {
  if (id.size() != socket_id_chars) return std::nullopt;
  std::uint32_t slot = 0;
  for (const char c : id.substr(16)) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    slot = slot << 6 | static_cast<std::uint32_t>(digit);
  }
  return slot;
}

}  // namespace hilo::socketio

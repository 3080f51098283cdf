// SPDX-License-Identifier: MIT
//
// Ids of sockets: base64url( 12 random bytes | 3 bytes: slot ), 20 characters. The place spares a
// table. An id is no secret: whoever knows it can name the socket in to(), if the application lets
// peers choose rooms, and no more.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hilo::socketio {

inline constexpr std::size_t socket_id_chars = 20;
using SocketId = std::array<char, socket_id_chars>;
using SocketIdRandom = std::array<std::uint8_t, 12>;

SocketId make_socket_id(const SocketIdRandom& random, std::uint32_t slot) noexcept;
// base64url( 21 random bytes ): what nobody else can guess.
using PrivateId = std::array<char, 28>;
using PrivateIdRandom = std::array<std::uint8_t, 21>;
PrivateId make_private_id(const PrivateIdRandom& random) noexcept;

// Where the socket of this id would be; nothing if no socket has such an id.
std::optional<std::uint32_t> slot_of(std::string_view id) noexcept;

}  // namespace hilo::socketio

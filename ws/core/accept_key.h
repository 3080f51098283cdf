// SPDX-License-Identifier: MIT
//
// The proof in the opening handshake that the server has read the request and speaks WebSocket: a
// digest of the client's Sec-WebSocket-Key (RFC 6455 §1.3, §4.2.2). It keeps caches and chance
// answers out, not attackers. Pure functions; any thread.

#pragma once

#include <array>
#include <string_view>

namespace hilo::ws {

// Whether this is the base64 of exactly 16 bytes (RFC 6455 §4.2.1), in the one way to write them:
// 22 digits and "==", where the bits of the last digit that stand for nothing are zero.
bool is_valid_key(std::string_view key) noexcept;

// The value of Sec-WebSocket-Accept: base64(SHA-1(key + the GUID of RFC 6455)). Meant for a
// key that is_valid_key(); of a longer one only the first 24 characters count.
//
// Each thread that calls this keeps a digest of libcrypto's, some 300 bytes, until it ends. Should
// libcrypto refuse to digest (the first call of a thread allocates), the answer is the base64 of
// zeros: no peer takes it for right, so the handshake fails and nothing else does.
std::array<char, 28> accept_key(std::string_view key) noexcept;

}  // namespace hilo::ws

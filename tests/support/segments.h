// SPDX-License-Identifier: MIT
//
// What a TCP socket has put on the wire.

#pragma once

#include <cstdint>
#include <optional>

namespace hilo::test {

// Segments that the socket has sent since it was connected, empty ones among them. None where the
// system does not tell: other systems than Linux, qemu-user.
std::optional<std::uint32_t> segments_sent(int fd);

}  // namespace hilo::test

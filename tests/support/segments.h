// SPDX-License-Identifier: MIT
//
// What a TCP socket has put on the wire, as Linux counts it.

#pragma once

#include <cstdint>

namespace hilo::test {

// Segments that the socket has sent since it was connected, empty ones among them.
std::uint32_t segments_sent(int fd);

}  // namespace hilo::test

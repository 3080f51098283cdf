// SPDX-License-Identifier: MIT
//
// In which fields the proxies in front of a server say who asks (forwarded.h).

#pragma once

#include <cstdint>

namespace hilo::ws {

enum class ForwardedBy : std::uint8_t { x_forwarded, forwarded };

}  // namespace hilo::ws

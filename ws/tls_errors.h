// SPDX-License-Identifier: MIT
//
// What a failure of TLS (net/transport_tls.h) is called among the rules of ws/core/error.h.

#pragma once

#include <system_error>

#include "ws/core/error.h"

namespace hilo::ws {

// none: no error of TLS, or no fault of the peer's. A connection that ends without a close_notify
// is such a one: it is cut, and whoever was in the midst of something will say so.
Errc tls_errc(std::error_code error) noexcept;

}  // namespace hilo::ws

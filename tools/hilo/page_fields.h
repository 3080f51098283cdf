// SPDX-License-Identifier: MIT
//
// What the tool's own pages are answered with besides their text.

#pragma once

#include <array>

#include "ws/core/http_fields.h"

namespace hilo::tools {

// A page's script and style stand inside it or in a file of ours, and it talks to WebSockets only.
// ws: and wss: are named because 'self' does not cover them in every browser.
inline constexpr std::array<ws::FieldView, 5> page_fields = {
    {{"Content-Security-Policy",
      "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "
      "img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'"},
     {"X-Content-Type-Options", "nosniff"},
     {"Referrer-Policy", "no-referrer"},
     {"Cross-Origin-Opener-Policy", "same-origin"},
     {"Cache-Control", "no-cache"}}};

}  // namespace hilo::tools

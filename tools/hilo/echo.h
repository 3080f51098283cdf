// SPDX-License-Identifier: MIT
//
// The path /echo: every message comes back, text as text and bytes as bytes, in one frame.
//
// For those who want to see fragments, where that is allowed: /echo/fragments/N sends each message
// back in frames of N bytes (RFC 6455 §5.4), of which a text may be cut within a character (§5.6).
// Not in more than echo_fragments_max: they are larger then; and in one frame if N is no number
// from 1 to 65536. Such a connection is not read from while an answer waits for its reader.
//
//   thread   that of the server's loop

#pragma once

#include <cstddef>

#include "ws/server.h"

namespace hilo::tools {

constexpr std::size_t echo_fragments_max = 1000;

// Serves the path on that server.
void serve_echo(ws::Server& server, bool may_fragment);

}  // namespace hilo::tools

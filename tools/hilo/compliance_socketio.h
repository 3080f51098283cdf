// SPDX-License-Identifier: MIT
//
// What the suites of npm's socket.io-client want of a server, both of 4.x and of 2.5: the handlers
// that their tests talk to.

#pragma once

#include "ws/socketio/server.h"

namespace hilo::tools {

// The middleware and the handlers of all namespaces. `io` outlives its clients.
void serve_client_tests(socketio::Server& io);

}  // namespace hilo::tools

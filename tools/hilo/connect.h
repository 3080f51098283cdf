// SPDX-License-Identifier: MIT
//
// `hilo connect URL`: a WebSocket between a server and stdin and stdout; with --socketio, events.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command connect_command();

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// `hilo fuzz`: legal, wrong and random input for any WebSocket, Engine.IO or Socket.IO server.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command fuzz_command();

}  // namespace hilo::tools

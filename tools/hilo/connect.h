// SPDX-License-Identifier: MIT
//
// `hilo connect URL`: a WebSocket between a server and stdin and stdout.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command connect_command();

}  // namespace hilo::tools

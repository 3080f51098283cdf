// SPDX-License-Identifier: MIT
//
// `hilo conform`: tests any WebSocket server or client against the rules of RFC 6455 and RFC 7692.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command conform_command();

}  // namespace hilo::tools

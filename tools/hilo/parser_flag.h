// SPDX-License-Identifier: MIT
//
// --parser, which a Socket.IO server and its clients have in common.

#pragma once

#include "tools/hilo/command.h"
#include "ws/socketio/packet.h"

namespace hilo::tools {

// The variable must outlive the parsing of the command line.
Flag parser_flag(socketio::Parser& into);

}  // namespace hilo::tools

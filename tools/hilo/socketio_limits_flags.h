// SPDX-License-Identifier: MIT
//
// Flags for the times and limits of engineio::Options and socketio::Options, by the names of their
// members behind --eio- and --sio-: ws::Limits has a ping_interval, too, and it is another one.

#pragma once

#include <vector>

#include "tools/hilo/command.h"
#include "ws/socketio/options.h"

namespace hilo::tools {

// The flags in their groups. `options` holds the defaults, and receives the values.
std::vector<FlagGroup> socketio_limits_flags(socketio::Options& options);

}  // namespace hilo::tools

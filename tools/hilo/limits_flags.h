// SPDX-License-Identifier: MIT
//
// A flag for every member of ws::Limits, by the member's name: message_bytes_max is set by
// --message-bytes-max. One table makes the flags, their help and their defaults; a member without a
// row does not compile.

#pragma once

#include <vector>

#include "tools/hilo/command.h"
#include "ws/limits.h"

namespace hilo::tools {

// The flags in their groups. `limits` holds the defaults, and receives the values.
std::vector<FlagGroup> limits_flags(ws::Limits& limits);

}  // namespace hilo::tools

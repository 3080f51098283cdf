// SPDX-License-Identifier: MIT
//
// `hilo serve`: the demo page, an echo and a broadcast, on any number of threads.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command serve_command();

}  // namespace hilo::tools

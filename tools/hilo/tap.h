// SPDX-License-Identifier: MIT
//
// `hilo tap`: a proxy that tells what flows between a client and a server.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command tap_command();

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// `hilo bench URL`: a load for a server, and what came of it.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command bench_command();

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// `hilo explain`: what bytes of a connection say, layer by layer and bit by bit.

#pragma once

#include "tools/hilo/command.h"

namespace hilo::tools {

Command explain_command();

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// The flags of permessage-deflate, the same for `hilo serve` and `hilo connect`.

#pragma once

#include "tools/hilo/command.h"
#include "ws/core/deflate_negotiation.h"

namespace hilo::tools {

// `options` must outlive the parsing.
FlagGroup deflate_flags(ws::DeflateOptions& options);

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// How a broken server reads frame headers (RFC 6455 §5.2): what it takes a length for, and what it
// overlooks before ws/core judges the rest.

#pragma once

#include "tools/broken/fault.h"
#include "ws/core/frame.h"

namespace hilo::tools::broken {

// The header with the length that the server takes it to have.
ws::FrameHeader understood(Fault fault, ws::FrameHeader header);

// What is wrong with it, as far as the server sees that.
ws::Errc judge(Fault fault, const ws::FrameHeader& header, ws::FrameRules rules);

}  // namespace hilo::tools::broken

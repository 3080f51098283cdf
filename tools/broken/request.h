// SPDX-License-Identifier: MIT
//
// What a server that overlooks a fault in a request makes of it: the same request without the
// fault. The strict reader of ws/core then judges the rest.

#pragma once

#include <string>
#include <string_view>

#include "tools/broken/fault.h"

namespace hilo::tools::broken {

// Whether the fault is one of reading requests.
bool is_overlooked(Fault fault);
// `head`: a whole request head, its empty line included.
std::string overlook(Fault fault, std::string_view head);

}  // namespace hilo::tools::broken

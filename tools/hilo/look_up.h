// SPDX-License-Identifier: MIT
//
// The addresses behind a URL, looked up once and waited for, for commands that then connect often.

#pragma once

#include <vector>

#include "net/address.h"
#include "net/base/result.h"
#include "ws/core/url.h"

namespace hilo::tools {

// At least one, or why there is none.
Result<std::vector<net::Address>> look_up(const ws::Url& url);

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// `hilo serve --compliance SUITE`: a server with the settings that the official test suites of
// Engine.IO want, which echoes every message. tests/interop/official_suites.sh runs them.

#pragma once

#include <string>
#include <vector>

#include "net/address.h"
#include "tools/hilo/command.h"

namespace hilo::tools {

Complaint take_suite_name(std::string_view value, std::string& into);

// Serves until a signal ends it. Returns the exit code.
int serve_compliance(const std::string& suite, const std::vector<net::Address>& addresses);

}  // namespace hilo::tools

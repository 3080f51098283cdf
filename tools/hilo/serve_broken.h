// SPDX-License-Identifier: MIT
//
// `hilo serve --broken=FAULT`: a server that breaks one rule, for those who test servers. All of it
// is in tools/broken; what `hilo serve` is otherwise made of has no part in it.

#pragma once

#include <string>
#include <vector>

#include "net/address.h"
#include "tools/hilo/command.h"

namespace hilo::tools {

Complaint take_fault_name(std::string_view value, std::string& into);

// Serves until a signal ends it, or prints what it can break, for the name "list". Returns the exit
// code.
int serve_broken(const std::string& name, const std::vector<net::Address>& addresses);

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// The texts of --help, made from the commands themselves.

#pragma once

#include <span>
#include <string>

#include "tools/hilo/command.h"

namespace hilo::tools {

// Of `hilo --help`.
std::string program_help(std::span<const Command> commands);
// Of `hilo <command> --help`.
std::string command_help(const Command& command);

}  // namespace hilo::tools

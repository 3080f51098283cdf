// SPDX-License-Identifier: MIT
//
// From the words of the command line to a subcommand that runs.

#pragma once

#include <span>

#include "tools/hilo/command.h"

namespace hilo::tools {

// Parses, runs the subcommand that was asked for, and returns the exit code. Wrong usage is told in
// one line on stderr (exit_usage); --help and --version print to stdout.
int run_command_line(std::span<const Command> commands, int argc, const char* const* argv);

}  // namespace hilo::tools

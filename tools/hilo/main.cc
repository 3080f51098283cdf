// SPDX-License-Identifier: MIT
//
// hilo, the tool: one binary, one file per subcommand.

#include <array>

#include "net/signals.h"
#include "tools/hilo/bench.h"
#include "tools/hilo/command_line.h"
#include "tools/hilo/conform.h"
#include "tools/hilo/connect.h"
#include "tools/hilo/explain.h"
#include "tools/hilo/fuzz.h"
#include "tools/hilo/serve.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/tap.h"

int main(int argc, char** argv) {
  using namespace hilo;
  tools::open_standard_descriptors();
  net::ignore_sigpipe();
  const std::array<tools::Command, 7> commands = {
      tools::serve_command(), tools::connect_command(), tools::conform_command(),
      tools::bench_command(), tools::explain_command(), tools::tap_command(),
      tools::fuzz_command()};
  return tools::run_command_line(commands, argc, argv);
}

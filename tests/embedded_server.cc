// SPDX-License-Identifier: MIT
//
// The smallest server of net and ws/core, to be measured (`make size`). What it does is in
// tools/loops/small_server.h, whose tests are tests/sim/test_sim_small_server.cc and, by
// `hilo conform`, tests/interop/conform.py.

#include "tools/loops/small_server.h"

using namespace hilo;

int main() {
  net::Loop loop;
  loops::SmallServer server{loop};
  const Result<net::Address> address = net::Address::from_ip("127.0.0.1", 9001);
  if (!address || !server.listen(*address)) return 1;
  return loop.run() ? 0 : 1;
}

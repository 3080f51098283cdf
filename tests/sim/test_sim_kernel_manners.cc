// SPDX-License-Identifier: MIT
//
// The simulated network's half of what kernel_manners.h says of both.

#include <doctest/doctest.h>

#include "tests/sim/virtual_network.h"
#include "tests/support/kernel_manners.h"

TEST_CASE("the simulated network has the manners of the kernel") {
  for (const hilo::test::Manner& manner : hilo::test::manners::all) {
    CAPTURE(manner.says);
    const hilo::sim::Network network;
    manner.holds();
  }
}

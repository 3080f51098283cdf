// SPDX-License-Identifier: MIT
//
// The kernel's half of what kernel_manners.h says of both.

#include "tests/support/kernel_manners.h"

#include <doctest/doctest.h>

TEST_CASE("the kernel has the manners that the simulated network has") {
  for (const hilo::test::Manner& manner : hilo::test::manners::all) {
    CAPTURE(manner.says);
    manner.holds();
  }
}

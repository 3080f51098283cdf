// SPDX-License-Identifier: MIT
//
// HILO_SKIP("reason"): leaves a test case that cannot run here, for want of a program or of a
// system's feature, and has it counted as skipped instead of passed.
//
// Where nothing may be skipped (CI) the runner makes it a failure unless the case is listed, with a
// reason, in tests/allowed_skips.txt.

#pragma once

#include <doctest/doctest.h>

#include <cstdio>

namespace hilo::test {

inline void report_skip(const char* reason) {
  const char* name = doctest::getContextOptions()->currentTest->m_name;
  std::fflush(stdout);
  std::printf("\nSKIP: %s: %s\n", name, reason);
  std::fflush(stdout);
}

}  // namespace hilo::test

#define HILO_SKIP(reason)              \
  do {                                 \
    ::hilo::test::report_skip(reason); \
    return;                            \
  } while (false)

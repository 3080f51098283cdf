// SPDX-License-Identifier: MIT
//
// What the tests in C say: one line for each case, as tools/check/run_tests.py counts them. A case
// is a sentence and holds if everything that was asked since the last one did.

#pragma once

#include <stdio.h>

static int failures;         // of all cases
static int failures_before;  // when this case began

static void expect_at(int line, int holds, const char* condition) {
  if (holds) return;
  ++failures;
  printf("line %d: %s\n", line, condition);
}

// Something that has to be true.
#define EXPECT(condition) expect_at(__LINE__, (condition) ? 1 : 0, #condition)

// The end of a case.
static void told(const char* sentence) {
  printf("%s %s\n", failures == failures_before ? "ok" : "not ok", sentence);
  fflush(stdout);
  failures_before = failures;
}

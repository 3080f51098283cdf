// SPDX-License-Identifier: MIT
//
// Whole visits with the Nth system call failing, and with the Nth allocation: see torture.h.

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/torture/memory.h"
#include "tests/sim/torture/run.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::sim::torture;

namespace {

struct Point {
  std::uint64_t number = 0;  // 0: nothing fails
  std::size_t error = 0;
  Length length = Length::once;
};

void arm_call(void* argument) {
  const Point& point = *static_cast<const Point*>(argument);
  fail_calls(point.number, point.error, point.length);
}

void arm_allocation(void* argument) {
  const Point& point = *static_cast<const Point*>(argument);
  fail_allocations(point.number, point.length);
}

const char* name(Length length) {
  return length == Length::once ? "once" : "persistent";
}

Outcome run_at(const Kind& kind, Point point, bool memory) {
  return memory ? run_visit(kind, arm_allocation, stop_failing_allocations, &point)
                : run_visit(kind, arm_call, stop_failing_calls, &point);
}

std::uint64_t failures(bool memory) {
  return memory ? failed_allocations() : failed_calls();
}

// In the environment TORTURE_KIND picks one visit, and TORTURE_AT one point, which shows where it
// is. TORTURE_ALL has each call fail by all of its errors in turn, instead of one of them, and each
// allocation where a kind has a stride.
bool is_picked(const Kind& kind) {
  const char* const picked = std::getenv("TORTURE_KIND");
  return picked == nullptr || kind.name == picked;
}

void torture_kind(const Kind& kind, Length length, bool memory) {
  if (!is_picked(kind)) return;
  const std::uint64_t only = number_from_environment("TORTURE_AT", 0);
  // The first one goes whole: OpenSSL makes its algorithms when they are first needed, and one that
  // finds no memory then is missing in this process for ever.
  CHECK(run_at(kind, {}, memory).was_whole);
  if (only != 0) show_where();
  const bool is_whole_run = std::getenv("TORTURE_ALL") != nullptr;
  const std::size_t errors = memory ? 1 : errors_max;
  const std::uint64_t stride = memory && !is_whole_run ? kind.memory_stride : 1;
  std::uint64_t number = only != 0 ? only : 1;
  std::uint64_t survived = 0;
  for (bool is_through = false; !is_through; number += stride) {
    for (std::size_t error = 0; error < errors && !is_through; ++error) {
      if (!is_whole_run && errors > 1 && error != number % errors) continue;
      CAPTURE(kind.name);
      const std::string mode = name(length);
      CAPTURE(mode);
      CAPTURE(number);
      CAPTURE(error);
      const Outcome outcome = run_at(kind, {number, error, length}, memory);
      is_through = failures(memory) == 0;
      CHECK_MESSAGE(outcome.complaint.empty(), outcome.complaint);
      if (is_through) CHECK(outcome.was_whole);
      survived += outcome.was_whole;
    }
    if (only != 0) return;
  }
  CHECK(number > 10 * stride);  // or nothing was tortured
  std::printf("%s, %s: %llu %s, %llu visits went whole\n", std::string(kind.name).c_str(),
              name(length), static_cast<unsigned long long>(number - 2 * stride),
              memory ? "allocations" : "calls", static_cast<unsigned long long>(survived));
}

}  // namespace

TEST_CASE("the Nth system call fails, once") {
  for (const Kind& kind : kinds) torture_kind(kind, Length::once, false);
}

TEST_CASE("from the Nth on every system call fails") {
  for (const Kind& kind : kinds) torture_kind(kind, Length::persistent, false);
}

TEST_CASE("the Nth allocation fails, once") {
  for (const Kind& kind : kinds) torture_kind(kind, Length::once, true);
}

TEST_CASE("from the Nth on every allocation fails") {
  for (const Kind& kind : kinds) torture_kind(kind, Length::persistent, true);
}

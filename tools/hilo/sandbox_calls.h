// SPDX-License-Identifier: MIT
//
// The system calls that a sandboxed server may make, and the filter for the kernel made from them.
//
// A filter is a program for the kernel's little machine (seccomp(2)). Ours is the list, in its
// order: every rule asks whether it is its call and whether the arguments are as they should be,
// and if so has the outcome at hand; otherwise the next rule is asked. Behind the last one the
// process is killed. All jumps lead over the rest of one rule, and so forwards and not far.
//
//     load the architecture      another one:  kill
//     load the number            one of x32:   kill
//     rule:
//       is it my number?         no:  next rule  ------+
//       load the argument, mask it, is it the value?   |     once for each condition
//                                no:  next rule  ------+
//       return the outcome                             |
//       load the number  <-----------------------------+    (only where an argument was loaded)
//     ...
//     kill
//
// Only the lower halves of arguments are looked at. All that are asked for here are ints to the
// kernel, or have nothing but flags there.

#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace hilo::tools {

// (argument & mask) == value. The default asks nothing.
struct ArgumentCondition {
  unsigned argument = 0;  // 0 to 5
  std::uint32_t mask = 0;
  std::uint32_t value = 0;

  bool asks() const noexcept { return mask != 0; }
  bool operator==(const ArgumentCondition&) const = default;
};

struct CallRule {
  std::uint32_t number = 0;
  std::array<ArgumentCondition, 2> conditions = {};
  int error = 0;  // what the call fails with instead of being made; 0: it is made

  bool operator==(const CallRule&) const = default;
};

struct CallNeeds {
  bool removes_files = false;
  bool kernel_tls = false;
};
// Empty where no list is known for this architecture.
std::vector<CallRule> allowed_calls(CallNeeds needs);

std::vector<sock_filter> assemble(std::span<const CallRule> rules);

}  // namespace hilo::tools

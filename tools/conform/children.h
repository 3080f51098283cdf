// SPDX-License-Identifier: MIT
//
// The clients under test, as processes: one command for each case.
//
// A child gets $URL, /dev/null to read and to print to, and a process group of its own, so that
// what it starts itself can be ended with it. What it says on stderr is seen.

#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "net/base/result.h"

namespace hilo::tools::conform {

class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  // kills what still runs, and waits for it

  // Runs `command` by the shell, with $URL in its environment; it is put behind the command if that
  // does not name it.
  static Result<Child> start(std::string_view command, std::string_view url);

  // Whether it has ended. Does not wait.
  bool ended();

 private:
  pid_t pid_ = -1;
};

}  // namespace hilo::tools::conform

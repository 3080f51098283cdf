// SPDX-License-Identifier: MIT
//
// A reproducer: a case and what was found in it, as a file that people can read and change.
//
//     hilo fuzz reproducer 1
//     # what breaks a rule was taken as if it did not
//     found fault-accepted
//     detail it goes on; right is Close 1002
//     url ws://127.0.0.1:8080/echo
//     seed 7
//     case 12
//     level one-fault
//     protocol ws
//     name rsv
//     rule a reserved bit is set (RFC 6455 §5.2)
//     catalogue 106
//     send 0 474554202f...
//      pieces 1 1 1
//      pause 2
//      reply pong 6162
//     await-answer 0
//      status 101
//     await-end 0
//      code 1002
//
// The number of a step is that of its connection. A line that begins with a space belongs to the
// step above it. Bytes are hexadecimal, and "-" where there are none. What a line means, is said of
// the members in case.h.

#pragma once

#include <string>
#include <string_view>

#include "net/base/result.h"
#include "tools/fuzz/case.h"
#include "tools/fuzz/oracle.h"

namespace hilo::tools::fuzz {

struct Reproducer {
  Case subject;
  Finding finding;
  std::string url;  // where it was found
  friend bool operator==(const Reproducer&, const Reproducer&) = default;
};

std::string write_reproducer(const Reproducer& reproducer);

// errc::invalid_argument: it is none. `line` is then the number of the line that is wrong.
Result<Reproducer> read_reproducer(std::string_view text, std::size_t& line);

}  // namespace hilo::tools::fuzz

// SPDX-License-Identifier: MIT
//
// Counts the system calls of the calling thread that have to do with descriptors, so that a test
// can say how many there are to be.
//
//   const auto before = call_counter::now();
//   turn();
//   CHECK((call_counter::now() - before) == call_counter::Calls{.waits = 1});
//
// A test that includes this header is linked with replacements of the functions of libc that make
// these calls, which does not work everywhere: ask `available`.

#pragma once

#include <cstdint>
#include <ostream>

#include "tests/support/interposing.h"

namespace hilo::test::call_counter {

inline constexpr bool available = HILO_INTERPOSES != 0;

struct Calls {
  std::int64_t waits = 0;     // epoll_wait, poll
  std::int64_t receives = 0;  // recv, recvmsg, read, readv
  std::int64_t sends = 0;     // send, sendmsg, write, writev
  std::int64_t accepts = 0;   // accept, accept4
  std::int64_t watches = 0;   // epoll_ctl
  std::int64_t others = 0;    // options, names, flags, shutdown and close

  friend bool operator==(const Calls&, const Calls&) = default;
  friend Calls operator-(const Calls& a, const Calls& b) {
    return {a.waits - b.waits,     a.receives - b.receives, a.sends - b.sends,
            a.accepts - b.accepts, a.watches - b.watches,   a.others - b.others};
  }
  friend Calls operator+(const Calls& a, const Calls& b) {
    return {a.waits + b.waits,     a.receives + b.receives, a.sends + b.sends,
            a.accepts + b.accepts, a.watches + b.watches,   a.others + b.others};
  }
  friend std::ostream& operator<<(std::ostream& out, const Calls& calls) {
    return out << calls.waits << " waits, " << calls.receives << " receives, " << calls.sends
               << " sends, " << calls.accepts << " accepts, " << calls.watches << " watches, "
               << calls.others << " others";
  }
};

// Those of this thread since it began.
Calls now() noexcept;

}  // namespace hilo::test::call_counter

// SPDX-License-Identifier: MIT
//
// guarded(): where an exception ends. hilo throws nothing of its own, but handlers of an
// application may throw, and operator new does so where there is no memory. Neither must unwind
// through the reactor, where it would take every other connection along; so each call that the
// reactor makes into something that may throw is one of these, and costs at most whom it was about.
//
// Without exceptions it is a plain call: what lacks memory ends the process then.

#pragma once

#include "net/base/result.h"

namespace hilo {

// Calls `call()`. False if it threw.
template <class Call>
bool guarded(Call&& call) noexcept {
#if defined(__cpp_exceptions)
  try {
    call();
    return true;
  } catch (...) {
    return false;
  }
#else
  call();
  return true;
#endif
}

// The Status that `call()` returns, or out_of_memory() if it threw. (Not by guarded() and an
// assignment in it: where the call throws, g++ 12 has dropped what stood in the Status before.)
template <class Call>
Status guarded_status(Call&& call) noexcept {
#if defined(__cpp_exceptions)
  try {
    return call();
  } catch (...) {
    return out_of_memory();
  }
#else
  return call();
#endif
}

}  // namespace hilo

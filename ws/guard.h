// SPDX-License-Identifier: MIT
//
// guarded(): the one way in which the endpoints call the application. hilo itself throws nothing,
// but a handler may; an exception must not unwind through the reactor, where it would take every
// other connection along.

#pragma once

namespace hilo::ws {

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

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// For tests that count descriptors, or leave none. A kqueue on Linux is one of libkqueue's, which
// takes a closed one apart in a thread of its own: its other descriptors come back when that thread
// gets to it, perhaps in the middle of a test that is sure that none is free, or that there is no
// gap below those it opens. The library has a function to wait for it, which is not there with any
// other poller.

#pragma once

#include <dlfcn.h>

namespace hilo::test {

// Returns when no descriptor of a loop that is gone is still to be closed.
inline void await_late_closing() noexcept {
  static const auto drain =
      reinterpret_cast<void (*)()>(::dlsym(RTLD_DEFAULT, "libkqueue_drain_pending_close"));
  if (drain != nullptr) drain();
}

}  // namespace hilo::test

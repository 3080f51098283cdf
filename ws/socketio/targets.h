// SPDX-License-Identifier: MIT
//
// Targets: whom a broadcast is for.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/base/slab.h"
#include "net/duration.h"

namespace hilo::socketio {

// How a packet goes out.
struct Flags {
  // Not at all, unless it can leave now: a poll waits, or no more than Limits::queue_bytes_pause
  // stands in front of it in our queue. What the kernel holds is not seen.
  bool volatile_ = false;
  bool compress = true;                       // where permessage-deflate was agreed on
  std::optional<net::Duration> timeout = {};  // of the answers
};

struct Targets {
  // None: everybody in the namespace. A socket's id is a room with that socket in it.
  std::vector<std::string> rooms = {};
  std::vector<std::string> except = {};
  std::optional<SlabHandle> sender = {};  // who does not get it
  bool local = false;                     // of this loop alone
  Flags flags = {};
};

}  // namespace hilo::socketio

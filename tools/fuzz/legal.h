// SPDX-License-Identifier: MIT
//
// What is legal, at random: opening handshakes, messages cut into frames and fragments, pings,
// compressed messages, Closes; sessions of Engine.IO by polling, over WebSockets and while they
// move from the one to the other; Socket.IO's events. What the server owes for each is known
// exactly.

#pragma once

#include "tools/fuzz/draft.h"

namespace hilo::tools::fuzz {

void write_legal(Draft& draft);

// The clean connection that shows whether a server still serves: it opens, says one thing that has
// to be answered, and closes.
void write_clean(Draft& draft);

}  // namespace hilo::tools::fuzz

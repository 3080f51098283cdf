// SPDX-License-Identifier: MIT
//
// Transfer: how a connection moves from one Server of a process to another, whose loop runs in
// another thread.
//
//   ws::Server here{loop_0}, there{loop_1};             // both listen on the same port
//   here.transfer("/game", there.destination());        // before listen()
//
//       here, thread 0                                   there, thread 1
//   accept, TLS, "GET /game ..."
//   what was answered before leaves
//   the stream is taken apart  --- fd, TLS, bytes --->   a stream again; reads the request once
//   more
//
// So whatever has state in one loop (a session, a room, a game) is served in that one, whichever
// loop the kernel gave the connection to. The request moves before it is answered, and with it all
// that was received: its body, requests behind it, frames behind a handshake. The connection stays
// where it went; requests that follow are served by what that server has at their paths, and may
// move again.
//
//   counts     Admission goes on counting it, once; Metrics::accepted is the first server's,
//              Metrics::transfers and all that follows the other one's
//   deadlines  begin anew: what travels is not timed
//   draining   A server that drains or stops waits for those who are on their way to it, and serves
//              them as it serves its own. Where it is gone already the answer is 503; where it goes
//              while they travel, they are closed.
//   loops      What came with this very request does not move on: 500.
//   cost       one message between two threads, one registration with the poller; nothing for
//              connections that stay
//   thread     Destination: any

#pragma once

#include <memory>

namespace hilo::ws {

class Dock;  // dock.h

// A server as those of other threads know it, for as long as they like; null: none.
using Destination = std::shared_ptr<Dock>;

}  // namespace hilo::ws

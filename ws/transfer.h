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
//   thread     Destination: any. Dock and TransferredConnection: as said there.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/transport.h"
#include "ws/admission.h"
#include "ws/http_connection.h"

namespace hilo::ws {

class Dock;
class Server;

// A server as those of other threads know it, for as long as they like; null: none.
using Destination = std::shared_ptr<Dock>;

// --- for Server alone ----------------------------------------------------------------------------

// A connection on its way. Whoever destroys it closes it, in any thread.
struct TransferredConnection {
  TransferredConnection() = default;
  TransferredConnection(const TransferredConnection&) = delete;
  TransferredConnection& operator=(const TransferredConnection&) = delete;
  ~TransferredConnection();

  net::PeerAddress peer;  // HttpConnection::socket_peer()
  HttpPast past;
  std::shared_ptr<Admission> admission;  // release(peer) is owed there, unless this is null
  Destination dock;                      // where it counts as coming, once it was sent
  std::unique_ptr<std::uint8_t[]> input;
  std::size_t input_bytes = 0;
  net::Fd fd;
  std::unique_ptr<net::Transport> transport;  // behind fd: it may want to look at it as it goes
};

class Dock {
 public:
  Dock(Server& server, net::Loop& loop) noexcept : server_(&server), loop_(&loop) {}
  Dock(const Dock&) = delete;
  Dock& operator=(const Dock&) = delete;
  ~Dock() = default;

  // The server is gone, in its loop's thread.
  void close() noexcept;
  // From any thread. False may still become of true.
  bool is_open() noexcept;
  // From any thread: Server::arrive() follows in the other one. Where the server is gone the
  // connection is closed. `self` is the one that this is.
  static void send(const Destination& self, std::unique_ptr<TransferredConnection> connection);
  // Sent and not served yet.
  bool awaits_any() const noexcept { return coming_.load(std::memory_order_acquire) != 0; }

 private:
  friend struct TransferredConnection;

  Server* server_;  // for the loop's thread only
  std::atomic<std::size_t> coming_{0};
  std::mutex mutex_;
  net::Loop* loop_;  // guarded by mutex_; null once the server is gone
};

}  // namespace hilo::ws

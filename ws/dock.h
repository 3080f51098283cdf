// SPDX-License-Identifier: MIT
//
// Dock: where a server takes connections in that come from other servers of the process, and what
// travels between the two. transfer.h says what for.
//
//   thread  as said for each of them

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "net/address.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/transport.h"
#include "ws/admission.h"
#include "ws/http_connection.h"
#include "ws/transfer.h"

namespace hilo::ws {

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
  // The server that this is the dock of.
  class Host {
   public:
    virtual void arrive(std::unique_ptr<TransferredConnection> coming) = 0;

   protected:
    ~Host() = default;
  };

  Dock(Host& host, net::Loop& loop) noexcept : host_(&host), loop_(&loop) {}
  Dock(const Dock&) = delete;
  Dock& operator=(const Dock&) = delete;
  ~Dock() = default;

  // The server is gone, in its loop's thread.
  void close() noexcept;
  // From any thread. False may still become of true.
  bool is_open() noexcept;
  // From any thread: Host::arrive() follows in the other one. Where the server is gone the
  // connection is closed. `self` is the one that this is.
  static void send(const Destination& self, std::unique_ptr<TransferredConnection> connection);
  // Sent and not served yet.
  bool awaits_any() const noexcept { return coming_.load(std::memory_order_acquire) != 0; }

 private:
  friend struct TransferredConnection;

  Host* host_;  // for the loop's thread only; null once the server is gone
  std::atomic<std::size_t> coming_{0};
  std::mutex mutex_;
  net::Loop* loop_;  // guarded by mutex_; null once the server is gone
};

}  // namespace hilo::ws

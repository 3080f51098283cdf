// SPDX-License-Identifier: MIT
//
// Neighbour: a Server as those of other loops know it. Servers that have met (Server::meet) are one
// to their clients: what goes to many goes to those of every loop.
//
//   loop 0                                         loop 1
//   io.to("room").emit(...)
//     its own members
//     Neighbour::post --- shared, never changed --->  its members of "room"
//
//   thread   any
//   limits   what is on its way to one loop is bounded (Limits::publish_bytes_max): beyond it a
//            broadcast does not reach the clients of that loop, and Metrics::relays_lost counts
//   order    what one thread posts arrives in that order

#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "net/base/callback.h"
#include "net/loop.h"
#include "ws/parcel.h"

namespace hilo::socketio {

class Server;

class Neighbour {
 public:
  Neighbour(Server& server, net::Loop& loop, std::size_t bytes_max) noexcept
      : server_(&server), transit_(bytes_max), loop_(&loop) {}
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() = default;

  // The server is gone, in its loop's thread.
  void end() noexcept;

  // `task` runs in the other loop, unless its server is gone by then: then it is destroyed. False:
  // it is gone already, or so many `bytes` more are too much.
  static bool post(const std::shared_ptr<Neighbour>& to, std::size_t bytes,
                   Callback<void(Server&)> task);
  // The same without a limit, for answers: of them there are as many as questions.
  static bool answer(const std::shared_ptr<Neighbour>& to, Callback<void(Server&)> task);

 private:
  class Load;
  bool post(Callback<void()> task);

  Server* server_;  // for the loop's thread only
  ws::Transit transit_;
  std::mutex mutex_;
  net::Loop* loop_;  // guarded by mutex_; null once the server is gone
};

}  // namespace hilo::socketio

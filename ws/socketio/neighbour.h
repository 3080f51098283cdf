// SPDX-License-Identifier: MIT
//
// Neighbours: the Adapter of servers in several loops of one process (Server::meet).
//
//   loop 0                                         loop 1
//   io.to("room").emit(...)
//     its own members
//     Neighbour::post --- shared, never changed --->  its members of "room"
//
//   thread   Neighbour: any; Neighbours: that of its server
//   limits   what is on its way to one loop is bounded (Limits::publish_bytes_max): beyond it a
//            message does not reach the clients of that loop, and Metrics::relays_lost counts

#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "net/base/callback.h"
#include "net/loop.h"
#include "ws/parcel.h"
#include "ws/socketio/adapter.h"

namespace hilo::socketio {

class Server;

// A Server as those of other loops know it.
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

class Neighbours final : public Adapter {
 public:
  explicit Neighbours(Server& server);
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;
  ~Neighbours() override { self_->end(); }

  // Each knows all the others.
  static void meet(std::span<Neighbours* const> all);

  std::size_t others() const noexcept override { return others_.size(); }
  std::size_t tell(std::shared_ptr<const ServerMessage> message) override;

 private:
  std::shared_ptr<Neighbour> self_;
  std::vector<std::shared_ptr<Neighbour>> others_;
};

}  // namespace hilo::socketio

// SPDX-License-Identifier: MIT
//
// The path /broadcast: what one sends, all receive, the sender too, whichever thread they are on.
// It is one topic of the servers' hubs (ws/hub.h), which have met.
//
// A member that does not read is dealt with by its own queue's limit. Whoever sends while half of
// --publish-bytes-max is on its way to other threads is not read from until most of it has arrived;
// where even that does not help, its connection is closed with 1013.
//
//   thread    that of its server's loop
//   lifetime  room before server

#pragma once

#include <vector>

#include "ws/server.h"

namespace hilo::tools {

class BroadcastRoom {
 public:
  // Serves the path on that server.
  void open(ws::Server& server);

 private:
  void on_message(ws::Connection& from, const ws::Message& message);
  void resume_all();

  ws::Server* server_ = nullptr;
  std::vector<ws::ConnectionId> paused_;
};

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// The lesson's server, in C++: how many clients are connected, a chat with rooms and who is typing,
// and for programs that test a client, answers to a few events on "/" and "/chat".

#pragma once

#include <string_view>

#include "ws/socketio/server.h"

namespace hilo::tools {

class Lesson {
 public:
  // `version` is what `welcome` says.
  Lesson(socketio::Server& io, std::string_view version);
  Lesson(const Lesson&) = delete;
  Lesson& operator=(const Lesson&) = delete;

 private:
  void count_clients(socketio::Socket socket);
  void chat(socketio::Socket socket);
  void answer(socketio::Socket socket);

  socketio::Server* io_;
  std::string_view version_;
  int num_clients_ = 0;
};

}  // namespace hilo::tools

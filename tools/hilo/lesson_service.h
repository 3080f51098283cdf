// SPDX-License-Identifier: MIT
//
// LessonService: Socket.IO as `hilo serve` offers it. The lesson's events (lesson.h) at
// /socket.io/, in one thread of all; and what every thread serves for itself, the script of the
// client there and two pages that use them:
//
//   /chat     rooms, who is typing, how many are connected
//   /lesson   the client of the lesson, call for call
//
// The script is the official one if npm has installed it below the working directory, or a flag
// says where it is; otherwise a small one of our own, which is at /small-client.js in any case.

#pragma once

#include <string>

#include "tools/hilo/command.h"
#include "tools/hilo/lesson.h"
#include "ws/server.h"
#include "ws/socketio/server.h"

namespace hilo::tools {

// A directory that has the script.
Complaint take_client_bundle(std::string_view value, std::string& into);

// Where the script is read from: the directory that is given, or the one that npm has made, or
// nowhere (empty), and then our own is served.
std::string find_client_bundle(std::string_view client_bundle);

// The pages and the script. `client_bundle` is a directory, or empty.
void serve_lesson_pages(ws::Server& server, std::string_view client_bundle);

struct LessonSettings {
  net::Duration recovery;  // how long a client may be away and take up where it was; zero: not
  socketio::Parser parser = socketio::Parser::json;
  bool jsonp = false;
  socketio::Options limits;  // its times and limits; the rest comes from here and the service
};

// The events.
class LessonService {
 public:
  // Server first.
  LessonService(ws::Server& server, const LessonSettings& settings);

  socketio::Server& io() noexcept { return io_; }

 private:
  socketio::Server io_;
  Lesson lesson_;
};

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// TraceRooms: pages that look at connections of their own, from the bytes up to the event.
//
//   /trace?id=ID       a WebSocket: the page's window. ID is the page's, and hard to guess.
//   anything?trace=ID  a connection that asks so is shown there, whatever it speaks
//
// The window is told one JSON object a message:
//
//   {"connection":"#1","parts":[...]}      what passed, part by part: tools/explain/print.h
//   {"connection":"#1","queue":N,"most":N} bytes that wait for a slow reader, ten times a second
//   {"connection":"#1","lost":N}           so many parts were not shown: the window is too slow
//
// and says what is to be done to the connections that it shows:
//
//   {"slow":N}        as if their peer took N bytes a second and no more; 0: as fast as it does
//   {"break":"mask"}  the next frame that the peer sends is changed on its way (tap/breaker.h)
//
//   thread   any: the rooms are shared by all loops of a process
//   limits   rooms_max windows, and connections_max that they all show, each of which costs a
//            megabyte at most; what a window does not take is lost
//   cost     connections that do not ask are not looked at

#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/observed_transport.h"
#include "ws/server.h"

namespace hilo::tools {

class TraceRooms {
 public:
  static constexpr std::size_t rooms_max = 64;
  static constexpr int connections_max = 64;
  static constexpr std::size_t kept_bytes = std::size_t{128} << 10;  // of a connection's direction
  static constexpr std::size_t id_bytes_min = 16;
  static constexpr std::size_t id_bytes_max = 64;

  TraceRooms() = default;
  TraceRooms(const TraceRooms&) = delete;
  TraceRooms& operator=(const TraceRooms&) = delete;

  // Serves /trace. The rooms outlive the server.
  void open(ws::Server& server);
  // For ServerOptions::observe_request.
  std::shared_ptr<net::WireObserver> observe(const ws::Request& request);

 private:
  class Room;
  class Observer;

  ws::Decision decide(const ws::Request& request);
  void enter(ws::Connection& window);
  void leave(ws::Connection& window);
  static void obey(ws::Connection& window, const ws::Message& message);

  std::shared_ptr<std::atomic<int>> connections_ = std::make_shared<std::atomic<int>>(0);
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Room>, std::less<>> rooms_;
};

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// TraceRooms: pages that look at connections of their own, from the bytes up to the event.
//
//   /trace?id=ID       a WebSocket: the page's window. ID is the page's, and hard to guess.
//   anything?trace=ID  a connection that asks so is shown there, whatever it speaks
//
// What the window is told, and says, is in trace_window.h: "slow" and "break" are done to the
// connections that it shows.
//
// Who is looked at has to be at the address that the window is at, and a browser must say that it
// asks for its own page; what came by way of a proxy is shown to nobody. Behind a proxy that does
// not say so everybody has one address: there it is to be off (--layers).
//
//   thread   any: the rooms are shared by all loops of a process
//   limits   rooms_max windows, and connections_max that they all show, each of which costs a few
//            megabytes at most; of one call no more than TraceCall::bytes_max is told
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
  std::shared_ptr<net::WireObserver> observe(const ws::Request& request, net::WireObserver* so_far);

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

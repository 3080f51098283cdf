// SPDX-License-Identifier: MIT
//
// TapPage: what passes through a tap, live in a browser: `hilo tap --page`.
//
//   /        the page (tools/web/tap.html)
//   /trace   WebSocket: its window (trace_window.h). It is told {"tap":{"listen":..,"target":..}}
//            and shown every connection from then on; it wishes "break" and "drop" for the next
//            frame of any of them, "inject" for the newest
//
// All windows see the same, and whoever wishes first is heard first. No window holds up what
// passes: what it does not take is lost to it, and counted.
//
// A window sees what others say, so it is opened for this page only: Origin is that of the server,
// a browser says that it asks for its own page, no proxy stands in between; and unless it is for
// others, too, the page was asked for by a number or "localhost", so that no name that somebody
// else points here will do.
//
//   thread   the loop's
//   limits   windows_max at once; of one call no more than TraceCall::bytes_max is told
//   life     the loop outlives it, and it outlives the tap that it shows

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/hilo/trace_window.h"
#include "tools/tap/tap.h"
#include "ws/server.h"

namespace hilo::tools {

class TapPage final : public tap::Onlooker {
 public:
  static constexpr std::size_t windows_max = 16;
  static constexpr std::size_t shown_bytes_max = 1024;  // of one part

  // `for_others`: not only for those who sit at this machine.
  TapPage(net::Loop& loop, bool for_others);
  TapPage(const TapPage&) = delete;
  TapPage& operator=(const TapPage&) = delete;

  // Before the tap listens.
  void show(tap::Tap& tap);
  // What the page says of it: where its clients connect, and what stands behind it.
  void describe(const std::string& listen, const std::string& target);
  Result<net::Address> listen(const net::Address& address) { return server_.listen(address, {}); }

  void on_part(const std::string& connection, const trace::Part& part, Bytes bytes) override;
  void on_pause(const std::string& connection) override;

 private:
  using Window = std::shared_ptr<TraceWindow>;

  ws::Decision decide(const ws::Request& request) const;
  void obey(ws::Connection& connection, std::string_view text);

  bool for_others_;
  tap::Tap* tap_ = nullptr;
  std::vector<Window> windows_;
  TraceCall call_;
  std::string description_ = "{}";
  ws::Server server_;
};

}  // namespace hilo::tools

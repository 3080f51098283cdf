// SPDX-License-Identifier: MIT
//
// ServeWorker: what one thread of `hilo serve` has: a loop, a server, and the paths it serves.
//
//   /            the page, with what it needs inside, or the files of --files
//   /echo        WebSocket: every message back, as one frame
//   /broadcast   WebSocket: every message to all (broadcast.h)
//   /body        POST: the body back
//   /socket.io/  Socket.IO: the lesson's events, and the client's script. The first worker has all
//                clients; who comes in elsewhere moves there.
//   /chat        a page that talks them, and /lesson, the lesson's own (lesson_service.h)
//   /trace       WebSocket: what passes on the page's other connections (trace_rooms.h)
//   /health      "ok", or 503 while it drains
//   /metrics     counters (metrics_page.h)

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.h"
#include "tools/hilo/broadcast.h"
#include "tools/hilo/lesson_service.h"
#include "tools/hilo/log_writer.h"
#include "tools/hilo/metrics_page.h"
#include "tools/hilo/museum.h"
#include "tools/hilo/tls_flags.h"
#include "tools/hilo/trace_rooms.h"
#include "ws/limits.h"
#include "ws/server.h"

namespace hilo::tools {

// What the flags say. Outlives the workers, which refer to its texts.
struct ServeSettings {
  std::vector<net::Address> addresses;
  unsigned threads = 1;
  std::uint32_t busy_poll_us = 0;  // net::Loop::Options::busy_poll
  std::vector<std::string> origins;
  bool origin_any = false;
  std::vector<std::string> subprotocols;
  bool subprotocol_required = false;
  bool keep_request_fields = false;
  std::string layers = "auto";  // whether pages are shown their connections: on, off, or auto
  bool trace = false;           // what passes on every connection, on stdout
  bool hixie76 = false;         // the handshake of 2010 is spoken, too
  std::string files;            // the directory whose files are served; empty: none
  std::vector<net::AddressRange> trusted_proxies;
  ws::ForwardedBy forwarded_by = ws::ForwardedBy::x_forwarded;
  bool count_local = false;
  bool proxy_protocol = false;
  int unix_mode = -1;
  net::Duration drain_time = net::Duration::seconds(30);
  bool systemd = false;       // the sockets that systemd opened are listened on, too
  std::string handover_path;  // where a successor asks for our sockets, and we for a predecessor's
  bool sandbox = false;       // the process gives up what it needs no more (sandbox.h)
  TlsServeSettings tls;
  ws::DeflateOptions deflate;
  std::string client_bundle;  // a directory with socket.io.js; empty: where npm would put it
  LessonSettings lesson;
  LogSettings log;
  ws::Limits limits;
};

class ServeWorker {
 public:
  // `origins` are views of settings.origins.
  ServeWorker(const ServeSettings& settings, std::span<const std::string_view> origins,
              LogWriter& log, std::uint8_t index, std::shared_ptr<ws::Admission> admission,
              TraceRooms& rooms);
  ServeWorker(const ServeWorker&) = delete;
  ServeWorker& operator=(const ServeWorker&) = delete;
  ~ServeWorker() = default;

  // Socket.IO here; and what comes for it to another worker. Before the loops run.
  void open_lesson(const ServeSettings& settings);
  void gather_lesson_from(ServeWorker& other) { lesson_->io().gather_from(other.server_); }

  // In the loop's thread. What comes before drain(), which accepts no more requests: /health says
  // that this server goes; and sessions of Socket.IO that poll end and are told with their next
  // request. `on_told` is called once they were, and `at_most` so late.
  void announce_end() noexcept { goes_ = true; }
  void drain_polls(net::Duration at_most, Callback<void()> on_told);
  // As those of ws::Server, and for Socket.IO, too.
  void drain(const ws::DrainOptions& options, Callback<void()> on_drained);
  void stop(ws::CloseCode code, Callback<void()> on_stopped);

  net::Loop& loop() noexcept { return loop_; }
  ws::Server& server() noexcept { return server_; }
  MetricsPage& metrics() noexcept { return metrics_; }
  // What went wrong when the paths were set up.
  const Status& status() const noexcept { return status_; }

 private:
  void serve_page();
  void serve_files(const std::string& directory);
  void serve_paths(const ServeSettings& settings);

  net::Loop loop_;
  BroadcastRoom room_;
  Museum museum_;
  MetricsPage metrics_;
  ws::Server server_;
  std::unique_ptr<LessonService> lesson_;  // of the first worker
  Status status_;
  bool goes_ = false;  // and /health says so
};

}  // namespace hilo::tools

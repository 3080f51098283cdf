// SPDX-License-Identifier: MIT
//
// ServeProcess: all threads of one `hilo serve`, from listening to the last goodbye.
//
//   begin      bind every address for every thread, enter the sandbox if there is to be one, say so
//              on stdout, then run
//   SIGINT     every server stops: Close 1001 to all, no new connections
//   SIGTERM    every server drains: the same, bit by bit
//   handover   a successor has taken over our sockets: every server drains with 1012
//   SIGHUP     the certificates are read again; a bad file changes nothing
//   the end    when the last server has stopped, all loops do; a second signal does not wait

#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "net/tls.h"
#include "tools/hilo/handover.h"
#include "tools/hilo/log_writer.h"
#include "tools/hilo/sandbox.h"
#include "tools/hilo/serve_worker.h"

namespace hilo::tools {

class ServeProcess {
 public:
  // `settings` must outlive this.
  explicit ServeProcess(const ServeSettings& settings);
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;
  ~ServeProcess();

  // Returns the exit code.
  int run();

 private:
  bool make_tls();
  void reload_tls();
  bool make_workers();
  bool listen();
  Status listen_on(const net::Address& address);
  bool listen_on_given(std::vector<net::Fd> sockets);
  bool prepare_sandbox();
  void await_successor();
  bool enter_sandbox();
  void announce(const net::Address& address);
  void log_start(std::uint64_t descriptors);
  int run_loops();
  void run_loop(ServeWorker& worker);
  void begin_stop(int signal_number);
  void drain(ws::CloseCode code, bool handed_over);
  void drain_servers(const ws::DrainOptions& options);
  void note_file(const net::Address& address);
  void remove_files();
  ws::ListenOptions listen_options(const net::Address& address) const;
  void on_stopped();
  void end_all();

  const ServeSettings* settings_;
  LogWriter log_;
  std::shared_ptr<net::tls::ServerContext> tls_;  // null: plain
  std::vector<std::string_view> origins_;
  TraceRooms trace_rooms_;  // outlives the workers, which show connections there
  std::vector<std::unique_ptr<ServeWorker>> workers_;
  std::vector<net::Address> bound_;
  std::vector<std::string> files_;  // of Unix sockets among them, to be removed at the end
  bool files_are_ours_ = true;      // those of sockets that were handed over
  HandoverOffer offer_;
  std::unique_ptr<HandoverServer> successor_;
  std::optional<Sandbox> sandbox_;
  bool ending_ = false;
  std::atomic<std::size_t> running_servers_{0};
  std::atomic<bool> failed_{false};
};

}  // namespace hilo::tools

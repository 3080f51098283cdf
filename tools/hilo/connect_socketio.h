// SPDX-License-Identifier: MIT
//
// ConnectSocketio: one run of `hilo connect --socketio`, from the first look-up to the exit code.
//
//   stdin --> StandardInput --> MessageInput --> EventLine --> socketio::Manager --> the server
//   stdout <-- OutputQueue <-------------------------------------/
//
// What is read is sent when all namespaces are connected to. At the end of the input the answers
// that were asked for are waited for, and then it disconnects behind what was sent.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "tools/hilo/connect_options.h"
#include "tools/hilo/event_line.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/message_input.h"
#include "tools/hilo/output_queue.h"
#include "tools/hilo/standard_input.h"
#include "tools/hilo/stop_signals.h"
#include "ws/socketio/manager.h"

namespace hilo::tools {

FlagGroup socketio_flags(SocketioSettings& settings);
// What is wrong with the settings together. Nothing if they can be tried.
Complaint check_socketio(const ConnectSettings& settings);

class ConnectSocketio {
 public:
  // `settings` must outlive this.
  explicit ConnectSocketio(const ConnectSettings& settings);
  ConnectSocketio(const ConnectSocketio&) = delete;
  ConnectSocketio& operator=(const ConnectSocketio&) = delete;
  ~ConnectSocketio() = default;

  // Returns the exit code.
  int run();

 private:
  static constexpr std::size_t waiting_bytes_max = std::size_t{256} << 10;
  static constexpr std::size_t unprinted_bytes_max = std::size_t{16} << 20;
  static constexpr std::size_t line_bytes_max = std::size_t{16} << 20;
  static constexpr std::size_t questions_max = 1000;

  bool connect();
  void add_socket(std::string_view nsp);
  void on_connect(const socketio::ClientSocket& socket);
  void on_connect_error(const socketio::ClientSocket& socket, std::string_view message,
                        const socketio::Json& data);
  void on_disconnect(const socketio::ClientSocket& socket, std::string_view reason);
  void on_event(const socketio::ClientSocket& socket, std::string_view event,
                const socketio::Arguments& arguments);

  void pump();
  std::optional<std::string> next_line();
  bool run_line(std::string_view line);
  bool send(const socketio::ClientSocket& socket, EventLine line);
  bool send_answer(EventLine line);
  void on_answer(std::string_view nsp, std::string_view event, std::error_code error,
                 socketio::Json& answers);
  void after_input();
  void end_if_answered();

  void print(socketio::Json line);
  void on_output_drained();
  void on_output_broken(std::error_code error);
  void begin_close();
  void on_signal(int number);
  void give_up(std::string_view why);
  void finish(int exit_code);
  void tell(std::string_view line) const;
  void prompt() const;

  const ConnectSettings* settings_;
  std::string shown_url_;  // without user and password
  std::string query_;
  net::Loop loop_;
  StopSignals signals_;
  MessageInput messages_;
  OutputQueue output_;
  StandardInput input_;
  std::vector<socketio::ClientSocket> sockets_;
  // What the server asked, by the number it was printed with.
  std::deque<std::pair<std::uint64_t, socketio::Ack>> questions_;
  std::uint64_t next_question_ = 1;
  std::size_t next_line_ = 0;     // of those of the command line
  std::uint64_t received_ = 0;    // events
  std::uint64_t lines_ = 0;       // read
  std::uint64_t unanswered_ = 0;  // questions of ours
  int exit_code_ = 0;
  bool interactive_ = false;     // a person sits at both ends
  bool shows_terminal_ = false;  // stdout is one
  bool input_over_ = false;
  bool unanswered_at_all_ = false;  // an answer did not come
  bool closing_ = false;
  bool gave_up_ = false;
  bool finishing_ = false;  // only stdout is waited for
  net::Loop::TimerId next_pump_;
  std::optional<socketio::Manager> manager_;
};

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT
//
// ConnectSession: one run of `hilo connect`, from the first look-up to the exit code.
//
//   stdin --> StandardInput --> MessageInput --> ws::Connection --> the server
//   stdout <-- OutputQueue <--------------------/
//
// Each side slows the other down: with much waiting for the server stdin is not read, with much
// waiting for stdout the server is not. Nothing is dropped, and memory does not grow.
//
// The end of the input is not the end of the talk: answers may be under way. A Ping goes out behind
// the last message, and our Close when its Pong is there: whatever the server had to say to what we
// sent has arrived by then, as far as it answers in order. --count and --wait are other ways.
//
// With --reconnect a connection that is lost, or refused, is not the end: what was read and not
// sent goes to the next one, and the end of the input is asked for there once more. What was sent
// and not answered is not sent again.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/duration.h"
#include "net/loop.h"
#include "tools/hilo/connect_options.h"
#include "tools/hilo/message_input.h"
#include "tools/hilo/output_queue.h"
#include "tools/hilo/standard_input.h"
#include "tools/hilo/stop_signals.h"
#include "ws/client.h"

namespace hilo::tools {

// The exit code of its own: closed with a code that is no good-bye, or not closed at all but lost.
inline constexpr int exit_bad_close = 3;

class ConnectSession {
 public:
  // `settings` must outlive this.
  explicit ConnectSession(const ConnectSettings& settings);
  ConnectSession(const ConnectSession&) = delete;
  ConnectSession& operator=(const ConnectSession&) = delete;
  ~ConnectSession() = default;

  // Returns the exit code.
  int run();

 private:
  static constexpr std::size_t waiting_bytes_max = std::size_t{256} << 10;
  static constexpr std::size_t unprinted_bytes_max = std::size_t{256} << 10;

  bool connect();
  void on_open(ws::Connection& connection);
  void on_message(ws::Connection& connection, const ws::Message& message);
  void on_pong(Bytes payload);
  void on_close(const ws::CloseInfo& info);
  void on_failed(std::error_code error);
  void on_reconnecting(const ws::Reconnecting& again);
  std::string why(std::error_code error) const;

  void on_input_end(std::error_code error);
  void pump();
  bool send_front(ws::Connection& connection, std::string_view text);
  bool send(ws::Connection& connection, ws::Opcode opcode, Bytes payload);
  void wait_for_room();
  void after_input();

  void on_output_drained();
  void on_output_broken(std::error_code error);

  void ping();
  void begin_close();
  void on_signal(int number);
  void give_up(std::string_view why);
  void finish(int exit_code);
  void tell(std::string_view line) const;
  void prompt() const;

  const ConnectSettings* settings_;
  std::string shown_url_;  // without user and password
  net::Loop loop_;
  StopSignals signals_;
  MessageInput messages_;
  OutputQueue output_;
  StandardInput input_;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  int signal_ = 0;  // that came before the connection was open
  int exit_code_ = 0;
  bool interactive_ = false;     // a person sits at both ends
  bool shows_terminal_ = false;  // stdout is one
  bool paused_ = false;          // the connection, until stdout has room
  bool retried_ = false;         // to send what had no room
  bool will_retry_ = false;      // by a timer
  bool input_over_ = false;
  bool closing_ = false;
  bool gave_up_ = false;
  bool finishing_ = false;    // only stdout is waited for
  bool coming_back_ = false;  // there is no connection, and there will be one
  net::Loop::TimerId next_ping_;
  net::Loop::TimerId last_answer_;
  ws::Client client_;  // last: its callbacks use all of the above
};

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT

#include "tools/hilo/connect_session.h"

#include <array>
#include <cstdio>
#include <utility>

#include "net/clock.h"
#include "tools/hilo/command.h"
#include "tools/hilo/display.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/values.h"
#include "ws/core/http_head.h"
#include "ws/core/url.h"
#include "ws/core/utf8.h"

namespace hilo::tools {
namespace {

// The payloads of our own Pings: behind the last message, and the time of sending for --ping.
constexpr std::string_view last_ping = "hilo: end of input";
constexpr std::size_t timed_ping_bytes = sizeof(std::uint64_t);

MessageInput::Cut cut_for(const ConnectSettings& settings) noexcept {
  if (settings.one) return MessageInput::Cut::whole;
  return settings.binary ? MessageInput::Cut::pieces : MessageInput::Cut::lines;
}

}  // namespace

ConnectSession::ConnectSession(const ConnectSettings& settings)
    : settings_(&settings),
      shown_url_(without_userinfo(settings.url)),
      signals_(loop_, [this](int number) { on_signal(number); }),
      messages_(cut_for(settings)),
      output_(
          loop_, [this] { on_output_drained(); },
          [this](std::error_code error) { on_output_broken(error); }),
      input_(
          loop_,
          [this](Bytes bytes) {
            messages_.add(bytes);
            pump();
          },
          [this](std::error_code error) { on_input_end(error); }),
      client_(loop_, settings.limits) {
  shows_terminal_ = is_terminal(standard_output);
  interactive_ = !settings.echo && is_terminal(standard_input) && is_terminal(standard_error);
  client_.on_open([this](ws::Connection& c) { on_open(c); })
      .on_close([this](ws::Connection&, ws::CloseInfo info) { on_close(info); })
      .on_failed([this](std::error_code error) { on_failed(error); })
      .on_reconnecting([this](const ws::Reconnecting& again) { on_reconnecting(again); });
  if (settings.echo) {
    client_.on_message([](ws::Connection& c, ws::Message m) { static_cast<void>(c.send(m)); });
    return;
  }
  client_.on_message([this](ws::Connection& c, ws::Message m) { on_message(c, m); })
      .on_drained([this](ws::Connection&) { pump(); })
      .on_pong([this](ws::Connection&, Bytes payload) { on_pong(payload); });
}

int ConnectSession::run() {
  for (const Status* status : {&loop_.status(), &signals_.status()}) {
    if (*status) continue;
    print_error("hilo connect: " + status->error().message());
    return exit_failure;
  }
  if (!connect()) return exit_code_;
  const Status ended = loop_.run();
  if (ended) return exit_code_;
  print_error("hilo connect: the event loop failed: " + ended.error().message());
  return exit_failure;
}

bool ConnectSession::connect() {
  ws::ConnectOptions options;
  options.url = settings_->url;
  options.reconnect.enabled = settings_->reconnect;
  options.reconnect.backoff = settings_->backoff;
  if (!fill_options(*settings_, options)) {
    exit_code_ = exit_failure;
    return false;
  }
  const Status started = client_.connect(options);
  if (started) return true;
  print_error("hilo connect: " + shown_url_ + ": " + started.error().message());
  exit_code_ =
      started.error() == ws::make_error_code(ws::Errc::argument) ? exit_usage : exit_failure;
  return false;
}

// --- the connection ------------------------------------------------------------------------------

void ConnectSession::on_open(ws::Connection& connection) {
  if (interactive_) {
    std::string line = "connected to " + shown_url_;
    if (!connection.subprotocol().empty()) {
      line.append(", subprotocol ").append(printable(connection.subprotocol()));
    }
    tell(line + " (Ctrl-D closes)");
    prompt();
  }
  coming_back_ = paused_ = retried_ = false;
  if (settings_->ping || settings_->ping_every.nanoseconds != 0) ping();
  if (settings_->echo) return;
  if (input_over_) return after_input();
  pump();
}

void ConnectSession::on_message(ws::Connection& connection, const ws::Message& message) {
  const Display display{.terminal = shows_terminal_ && !settings_->binary,
                        .hex = settings_->hex,
                        .raw = settings_->binary && !settings_->hex,
                        .timestamps = settings_->timestamps};
  // In front of a prompt the line is cleared, and the prompt comes back behind it.
  if (interactive_ && shows_terminal_) output_.write("\r\x1b[K");
  output_.write(show(message, display));
  if (interactive_ && shows_terminal_) {
    output_.flush();
    prompt();
  }
  if (output_.size() > unprinted_bytes_max) output_.flush();
  if (output_.size() > unprinted_bytes_max && !paused_) {
    paused_ = true;
    connection.pause();
  }
  ++received_;
  if (settings_->count != 0 && received_ == settings_->count) begin_close();
}

void ConnectSession::on_pong(Bytes payload) {
  if (as_text(payload) == last_ping) return begin_close();
  if (payload.size() != timed_ping_bytes) return;
  const auto sent_at = static_cast<std::int64_t>(load_be64(payload.data()));
  const std::int64_t microseconds = (net::clock_now() - net::Time{sent_at}).to_microseconds();
  std::array<char, 64> line;
  std::snprintf(line.data(), line.size(), "pong %.3f ms", static_cast<double>(microseconds) / 1000);
  tell(line.data());
}

void ConnectSession::on_close(const ws::CloseInfo& info) {
  if (interactive_) tell("");
  tell(describe(info));
  const bool goodbye = info.code == ws::CloseCode::normal ||
                       info.code == ws::CloseCode::going_away ||
                       info.code == ws::CloseCode::no_status;
  const int code = info.clean && (goodbye || settings_->echo) ? exit_ok : exit_bad_close;
  if (!settings_->reconnect) return finish(code);
  // What we closed ourselves is over, however the server took it.
  if (closing_ || gave_up_) {
    client_.abort();
    return finish(code);
  }
  // Whether it comes back is told next.
  loop_.post([this, code] {
    if (!coming_back_ && client_.connection() == nullptr) finish(code);
  });
}

std::string ConnectSession::why(std::error_code error) const {
  if (const ws::ResponseHead* response = client_.response();
      response != nullptr && response->status != 101) {
    const bool is_proxy = error == ws::Errc::proxy_auth || error == ws::Errc::proxy_refused;
    return (is_proxy ? "the proxy answered " : "the server answered ") +
           std::to_string(response->status) + " " + printable(response->reason) +
           (error == ws::Errc::response_status || is_proxy ? "" : ": " + error.message());
  }
  std::string text = error.message();
  if (!client_.tls_failure().empty()) text.append(": ").append(client_.tls_failure());
  return text;
}

void ConnectSession::on_failed(std::error_code error) {
  print_error("hilo connect: " + shown_url_ + ": " + why(error));
  finish(signal_ != 0 ? 128 + signal_ : exit_failure);
}

void ConnectSession::on_reconnecting(const ws::Reconnecting& again) {
  coming_back_ = true;
  loop_.cancel(next_ping_);
  loop_.cancel(last_answer_);
  std::array<char, 64> when;
  std::snprintf(when.data(), when.size(), "connecting again in %.1f s",
                static_cast<double>(again.delay.to_milliseconds()) / 1000);
  tell(again.error ? shown_url_ + ": " + why(again.error) + "; " + when.data() : when.data());
}

// --- from stdin to the connection ----------------------------------------------------------------

void ConnectSession::on_input_end(std::error_code error) {
  if (error) return give_up("cannot read stdin: " + error.message());
  messages_.end();
  pump();
}

// Sends what is complete, as long as there is room, and then asks for more.
void ConnectSession::pump() {
  ws::Connection* connection = client_.connection();
  if (closing_ || input_over_) return;
  // Until there is one again what is on stdin stays there.
  if (connection == nullptr || !connection->is_open()) return input_.pause();
  while (const std::optional<std::string_view> text = messages_.front()) {
    if (!send_front(*connection, *text)) return wait_for_room();
    messages_.take();
    if (interactive_) prompt();
  }
  if (messages_.size() > settings_->limits.queue_bytes_limit()) {
    return give_up("a message on stdin is larger than the queue (--queue-bytes-max)");
  }
  if (messages_.finished()) return after_input();
  input_.resume();
}

bool ConnectSession::send_front(ws::Connection& connection, std::string_view text) {
  if (settings_->hex) {
    const Result<std::vector<std::uint8_t>> bytes = parse_hex(text);
    if (bytes) return send(connection, ws::Opcode::binary, *bytes);
    give_up("message " + std::to_string(sent_ + 1) + " is not hexadecimal");
    return false;
  }
  if (settings_->binary) return send(connection, ws::Opcode::binary, as_bytes(text));
  if (ws::utf8_valid(as_bytes(text))) return send(connection, ws::Opcode::text, as_bytes(text));
  give_up("message " + std::to_string(sent_ + 1) + " is not UTF-8; --binary sends any bytes");
  return false;
}

bool ConnectSession::send(ws::Connection& connection, ws::Opcode opcode, Bytes payload) {
  const std::size_t waiting = connection.buffered_bytes();
  const std::size_t limit = settings_->limits.queue_bytes_limit();
  const std::size_t size = payload.size() + ws::frame_header_bytes_max;
  if (waiting != 0 && (waiting > waiting_bytes_max || size > limit - waiting)) return false;
  if (size > limit) {
    give_up("message " + std::to_string(sent_ + 1) +
            " is larger than the queue (--queue-bytes-max)");
    return false;
  }
  if (connection.send(opcode, payload) != ws::Sent::accepted) return false;
  retried_ = false;
  ++sent_;
  return true;
}

// on_drained comes only if the kernel refused something. What waits for the end of the turn leaves
// without a word, so there is one more try in the next turn: the first post may still run in this
// one, the second does not.
void ConnectSession::wait_for_room() {
  input_.pause();
  if (closing_) return;
  if (!std::exchange(retried_, true)) {
    return loop_.post([this] { loop_.post([this] { pump(); }); });
  }
  // It may have been told at its mark already, with more waiting than we want to add to.
  if (std::exchange(will_retry_, true)) return;
  loop_.call_after(net::Duration::milliseconds(20), [this] {
    will_retry_ = false;
    pump();
  });
}

void ConnectSession::after_input() {
  input_over_ = true;
  if (settings_->waits) {
    last_answer_ = loop_.call_after(settings_->wait, [this] { begin_close(); });
  } else if (settings_->count == 0) {
    ws::Connection* connection = client_.connection();
    if (connection == nullptr || !connection->ping(as_bytes(last_ping))) return;
    // A server that answers no Pings must not keep us for ever.
    const net::Duration patience = settings_->limits.pong_timeout;
    if (patience.nanoseconds != 0) {
      last_answer_ = loop_.call_after(patience, [this] { begin_close(); });
    }
  }
}

// --- from the connection to stdout ---------------------------------------------------------------

void ConnectSession::on_output_drained() {
  if (finishing_) return loop_.stop();
  ws::Connection* connection = client_.connection();
  if (std::exchange(paused_, false) && connection != nullptr) connection->resume();
}

// A reader that has seen enough (`| head -1`) is no failure; a full disk is.
void ConnectSession::on_output_broken(std::error_code error) {
  if (error != std::errc::broken_pipe) {
    gave_up_ = true;
    print_error("hilo connect: cannot write to stdout: " + error.message());
  }
  if (finishing_) {
    if (gave_up_) exit_code_ = exit_failure;
    return loop_.stop();
  }
  begin_close();
}

// --- the rest ------------------------------------------------------------------------------------

void ConnectSession::ping() {
  ws::Connection* connection = client_.connection();
  if (connection == nullptr || !connection->is_open()) return;
  std::array<std::uint8_t, timed_ping_bytes> payload;
  store_be64(payload.data(), static_cast<std::uint64_t>(net::clock_now().nanoseconds));
  static_cast<void>(connection->ping(payload));
  if (settings_->ping_every.nanoseconds == 0) return;
  next_ping_ = loop_.call_after(settings_->ping_every, [this] { ping(); });
}

void ConnectSession::begin_close() {
  ws::Connection* connection = client_.connection();
  if (connection == nullptr) {
    if (coming_back_) client_.abort();
    return;
  }
  if (std::exchange(closing_, true)) return;
  input_.stop();
  const auto code = static_cast<ws::CloseCode>(settings_->close_code);
  // It is closing already if this fails: the flags were checked.
  static_cast<void>(connection->close(code, settings_->close_reason));
}

void ConnectSession::on_signal(int number) {
  if (finishing_) {
    exit_code_ = 128 + number;
    return loop_.stop();
  }
  if (client_.connection() != nullptr) return begin_close();
  signal_ = number;
  client_.abort();
}

void ConnectSession::give_up(std::string_view why) {
  gave_up_ = true;
  print_error("hilo connect: " + std::string(why));
  begin_close();
}

void ConnectSession::finish(int exit_code) {
  exit_code_ = gave_up_ ? exit_failure : exit_code;
  input_.stop();
  output_.flush();
  finishing_ = true;
  if (output_.size() == 0) loop_.stop();
}

void ConnectSession::tell(std::string_view line) const {
  if (!settings_->quiet) print_error(line);
}

void ConnectSession::prompt() const {
  static_cast<void>(write_without_waiting(standard_error, "> "));
}

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT

#include "tools/hilo/connect_socketio.h"

#include <algorithm>

#include "net/clock.h"
#include "tools/hilo/command.h"
#include "tools/hilo/connect_session.h"
#include "tools/hilo/display.h"
#include "tools/hilo/parser_flag.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/values.h"
#include "ws/core/url.h"
#include "ws/core/utf8.h"

namespace hilo::tools {

using socketio::ClientSocket;
using socketio::Json;

// --- flags ---------------------------------------------------------------------------------------

namespace {

Flag transport_flag(engineio::Transports& into) {
  std::string no_text;
  Flag flag = text_flag({.name = "--transport",
                         .value = "upgrade|websocket|polling",
                         .text = "by polling and from there to a WebSocket, or by one alone",
                         .short_name = {}},
                        no_text);
  flag.preset = "upgrade";
  flag.take = [&into](std::string_view value) -> Complaint {
    using engineio::Transports;
    if (value == "upgrade") return into = Transports::polling_first, Complaint{};
    if (value == "websocket") return into = Transports::websocket, Complaint{};
    if (value == "polling") return into = Transports::polling, Complaint{};
    return "is none of upgrade, websocket, polling";
  };
  return flag;
}

Flag path_flag(std::string& into) {
  Flag flag = text_flag(
      {.name = "--path", .value = "PATH", .text = "where the server answers", .short_name = {}},
      into);
  flag.preset = into;
  return flag;
}

}  // namespace

FlagGroup socketio_flags(SocketioSettings& settings) {
  FlagGroup group{.title = "Socket.IO", .flags = {}};
  std::vector<std::string> unused;
  std::string no_text;
  const auto line_flag = [&](std::string name, std::string verb, std::string text) {
    Flag flag = texts_flag(
        {.name = std::move(name), .value = "LINE", .text = std::move(text), .short_name = {}},
        unused);
    flag.take = [&settings, verb = std::move(verb)](std::string_view value) -> Complaint {
      EventLine line;
      std::string text_of = verb + std::string(value);
      if (Complaint complaint = parse_event_line(text_of, line)) return "is wrong: " + *complaint;
      settings.lines.push_back(std::move(text_of));
      return {};
    };
    return flag;
  };
  Flag nsp = texts_flag({.name = "--namespace",
                         .value = "NSP",
                         .text = "a namespace to connect to: that of the URL, if none is given",
                         .short_name = {}},
                        settings.namespaces);
  Flag auth = text_flag({.name = "--auth",
                         .value = "JSON",
                         .text = "an object that the server lets us in by",
                         .short_name = {}},
                        no_text);
  auth.take = [&settings](std::string_view value) -> Complaint {
    Json parsed;
    settings.auth = value;
    const bool is_json = socketio::parse_json(value, 64, parsed) == socketio::Errc::none;
    if (!is_json || !parsed.is_object()) return "is no JSON object";
    return {};
  };
  Flag ack_timeout = duration_flag({.name = "--ack-timeout",
                                    .value = "TIME",
                                    .text = "how long an answer is waited for",
                                    .short_name = {}},
                                   settings.ack_timeout);
  ack_timeout.preset = format_duration(settings.ack_timeout);
  group.flags = {
      switch_flag({.name = "--socketio",
                   .value = {},
                   .text = "speak Socket.IO: lines of stdin are commands, and events are printed "
                           "as lines of JSON",
                   .short_name = {}},
                  settings.on),
      std::move(nsp),
      std::move(auth),
      line_flag("--event", "emit ", "'NAME JSON...': emit this, and do not read stdin"),
      line_flag("--ask", "ack ", "the same, and wait for the answer"),
      std::move(ack_timeout),
      switch_flag({.name = "--listen",
                   .value = {},
                   .text = "stay at the end of the input, until the server ends it",
                   .short_name = {}},
                  settings.listens),
      path_flag(settings.path),
      transport_flag(settings.transports),
      parser_flag(settings.parser),
      switch_flag({.name = "--eio3",
                   .value = {},
                   .text = "speak as Socket.IO 1 and 2 do",
                   .short_name = {}},
                  settings.revision3)};
  return group;
}

Complaint check_socketio(const ConnectSettings& settings) {
  const SocketioSettings& socketio = settings.socketio;
  const bool is_plain = settings.binary || settings.hex || settings.one || settings.echo ||
                        settings.ping || settings.ping_every.nanoseconds != 0;
  if (socketio.on && is_plain) {
    return "--binary, --hex, --one, --echo and --ping are not for --socketio";
  }
  const bool has_some = !socketio.namespaces.empty() || !socketio.auth.empty() ||
                        !socketio.lines.empty() || socketio.listens || socketio.revision3;
  if (!socketio.on && has_some) {
    return "--namespace, --auth, --event, --ask, --listen and --eio3 are for --socketio";
  }
  const bool is_http = settings.url.starts_with("http");
  if (!socketio.on && is_http) return "http is for --socketio";
  if (socketio.on && settings.url.starts_with("ws+unix:"))
    return "--socketio knows no Unix sockets";
  return {};
}

// --- the run -------------------------------------------------------------------------------------

ConnectSocketio::ConnectSocketio(const ConnectSettings& settings)
    : settings_(&settings),
      shown_url_(without_userinfo(settings.url)),
      signals_(loop_, [this](int number) { on_signal(number); }),
      messages_(MessageInput::Cut::lines),
      output_(
          loop_, [this] { on_output_drained(); },
          [this](std::error_code error) { on_output_broken(error); }),
      input_(
          loop_,
          [this](Bytes bytes) {
            messages_.add(bytes);
            pump();
          },
          [this](std::error_code error) {
            if (error) return give_up("cannot read stdin: " + error.message());
            messages_.end();
            pump();
          }) {
  shows_terminal_ = is_terminal(standard_output);
  interactive_ =
      settings.socketio.lines.empty() && is_terminal(standard_input) && is_terminal(standard_error);
}

int ConnectSocketio::run() {
  for (const Status* status : {&loop_.status(), &signals_.status()}) {
    if (*status) continue;
    print_error("hilo connect: " + status->error().message());
    return exit_failure;
  }
  if (!connect()) return exit_failure;
  const Status ended = loop_.run();
  if (ended) return exit_code_;
  print_error("hilo connect: the event loop failed: " + ended.error().message());
  return exit_failure;
}

bool ConnectSocketio::connect() {
  socketio::ManagerOptions options;
  options.engine.websocket.limits = settings_->limits;
  options.connect.path = settings_->socketio.path;
  options.connect.transports = settings_->socketio.transports;
  if (settings_->socketio.revision3) options.connect.revision = engineio::Revision::v3;
  options.parser = settings_->socketio.parser;
  options.reconnection.enabled = settings_->reconnect;
  options.reconnection.delay = settings_->backoff.base;
  options.reconnection.delay_max = settings_->backoff.cap;
  if (!fill_options(*settings_, options.connect.websocket)) return false;
  const Result<ws::Url> url = ws::parse_url(settings_->url);
  if (url) query_ = url->query;
  options.connect.query = query_;
  manager_.emplace(loop_, settings_->url, std::move(options));
  manager_->on_gone([this] { finish(exit_code_); });
  if (settings_->socketio.namespaces.empty()) add_socket(url ? url->path : "/");
  for (const std::string& nsp : settings_->socketio.namespaces) add_socket(nsp);
  return true;
}

void ConnectSocketio::add_socket(std::string_view nsp) {
  socketio::ClientSocketOptions options;
  const std::string& auth = settings_->socketio.auth;
  if (!auth.empty()) static_cast<void>(socketio::parse_json(auth, 64, options.auth));
  const ClientSocket socket = manager_->socket(nsp, std::move(options));
  if (std::find(sockets_.begin(), sockets_.end(), socket) != sockets_.end()) return;
  sockets_.push_back(socket);
  socket.on("connect", [this, socket] { on_connect(socket); })
      .on("connect_error",
          [this, socket](std::string_view message, const Json& data) {
            on_connect_error(socket, message, data);
          })
      .on("disconnect", [this, socket](std::string_view reason) { on_disconnect(socket, reason); });
  socket.on_any([this, socket](std::string_view event, const socketio::Arguments& arguments) {
    on_event(socket, event, arguments);
  });
}

// --- the sockets ---------------------------------------------------------------------------------

void ConnectSocketio::on_connect(const ClientSocket& socket) {
  std::string line = "connected to ";
  line.append(socket.nsp()).append(" as ").append(printable(socket.id()));
  if (socket.recovered()) line.append(", recovered");
  tell(interactive_ ? line + " (Ctrl-D ends)" : line);
  if (interactive_) prompt();
  pump();
}

void ConnectSocketio::on_connect_error(const ClientSocket& socket, std::string_view message,
                                       const Json& data) {
  std::string line =
      "hilo connect: " + shown_url_ + ": " + std::string(socket.nsp()) + ": " + printable(message);
  if (!data.is_null()) line.append(" ").append(printable(show_json(data)));
  if (closing_) return;
  print_error(line);
  // What was refused stays away, and what it was told would never be sent.
  if (settings_->reconnect && socket.active()) return;
  gave_up_ = true;
  begin_close();
}

void ConnectSocketio::on_disconnect(const ClientSocket& socket, std::string_view reason) {
  if (interactive_) tell("");
  std::string line = "disconnected from ";
  tell(line.append(socket.nsp()).append(": ").append(reason));
  if (closing_ || (settings_->reconnect && socket.active())) return;
  const bool is_over = std::none_of(sockets_.begin(), sockets_.end(),
                                    [](const ClientSocket& each) { return each.connected(); });
  if (!is_over) return;
  const bool is_goodbye = reason == "io server disconnect" && unanswered_ == 0;
  exit_code_ = is_goodbye ? exit_ok : exit_bad_close;
  begin_close();
}

void ConnectSocketio::on_event(const ClientSocket& socket, std::string_view event,
                               const socketio::Arguments& arguments) {
  Json line = {{"nsp", socket.nsp()}, {"event", event}, {"values", arguments.copy()}};
  if (arguments.ack != nullptr && *arguments.ack) {
    line["question"] = next_question_;
    questions_.emplace_back(next_question_++, std::move(*arguments.ack));
    // The oldest will not be answered any more.
    if (questions_.size() > questions_max) questions_.pop_front();
  }
  print(std::move(line));
  ++received_;
  if (settings_->count != 0 && received_ == settings_->count) begin_close();
}

// --- from stdin to the sockets -------------------------------------------------------------------

std::optional<std::string> ConnectSocketio::next_line() {
  const std::vector<std::string>& lines = settings_->socketio.lines;
  if (next_line_ < lines.size()) return lines[next_line_++];
  if (!lines.empty()) return {};
  const std::optional<std::string_view> front = messages_.front();
  if (!front) return {};
  std::string line(*front);
  messages_.take();
  return line;
}

// Sends what is complete, as long as there is room, and then asks for more.
void ConnectSocketio::pump() {
  const bool is_ready =
      !sockets_.empty() && std::all_of(sockets_.begin(), sockets_.end(),
                                       [](const ClientSocket& each) { return each.connected(); });
  if (!is_ready || closing_ || input_over_) return input_.pause();
  while (manager_->buffered_bytes() <= waiting_bytes_max && unanswered_ < questions_max) {
    const std::optional<std::string> line = next_line();
    if (!line) {
      if (!settings_->socketio.lines.empty() || messages_.finished()) return after_input();
      if (messages_.size() > line_bytes_max) return give_up("a line of stdin is too long");
      return input_.resume();
    }
    ++lines_;
    if (!run_line(*line)) return;
    if (interactive_) prompt();
  }
  // What waits for the end of the turn leaves without a word: so one more look a little later.
  input_.pause();
  loop_.cancel(next_pump_);
  next_pump_ = loop_.call_after(net::Duration::milliseconds(1), [this] { pump(); });
}

bool ConnectSocketio::run_line(std::string_view text) {
  EventLine line;
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) return true;
  Complaint complaint;
  if (!ws::utf8_valid(as_bytes(text))) complaint = "it is not UTF-8";
  if (!complaint) complaint = parse_event_line(text, line);
  if (!complaint) {
    if (line.verb == EventLine::Verb::answer) {
      if (send_answer(std::move(line))) return true;
      complaint = "nobody waits for that answer";
    } else {
      const auto found = std::find_if(
          sockets_.begin(), sockets_.end(),
          [&](const ClientSocket& each) { return line.nsp.empty() || each.nsp() == line.nsp; });
      if (found == sockets_.end()) {
        complaint = "not connected to '" + line.nsp + "'";
      } else if (send(*found, std::move(line))) {
        return true;
      } else {
        complaint = "it could not be sent";
      }
    }
  }
  const std::string where = "line " + std::to_string(lines_) + ": " + printable(*complaint);
  if (!interactive_) return give_up(where), false;
  print_error(where);
  return true;
}

bool ConnectSocketio::send(const ClientSocket& socket, EventLine line) {
  if (line.verb == EventLine::Verb::emit) {
    return socket.emit_values(line.name, std::move(line.values));
  }
  ++unanswered_;
  return socket.timeout(settings_->socketio.ack_timeout)
      .emit_values(
          line.name, std::move(line.values),
          [this, nsp = std::string(socket.nsp()), event = line.name](
              std::error_code error, Json& answers) { on_answer(nsp, event, error, answers); });
}

bool ConnectSocketio::send_answer(EventLine line) {
  const auto found = std::find_if(questions_.begin(), questions_.end(), [&](const auto& question) {
    return question.first == line.number;
  });
  if (found == questions_.end()) return false;
  found->second.answer(std::move(line.values));
  questions_.erase(found);
  return true;
}

void ConnectSocketio::on_answer(std::string_view nsp, std::string_view event, std::error_code error,
                                Json& answers) {
  --unanswered_;
  Json line = {{"nsp", nsp}, {"event", event}};
  if (error) {
    line["error"] = error.message();
    unanswered_at_all_ = true;
  } else {
    line["answer"] = std::move(answers);
  }
  print(std::move(line));
  if (input_over_) return end_if_answered();
  pump();
}

void ConnectSocketio::after_input() {
  input_over_ = true;
  input_.stop();
  if (settings_->waits) {
    next_pump_ = loop_.call_after(settings_->wait, [this] { begin_close(); });
  }
  end_if_answered();
}

void ConnectSocketio::end_if_answered() {
  const bool stays = settings_->waits || settings_->count != 0 || settings_->socketio.listens;
  if (unanswered_ == 0 && !stays) begin_close();
}

// --- to stdout -----------------------------------------------------------------------------------

void ConnectSocketio::print(Json line) {
  std::string text = show_json(std::move(line));
  // In front of a prompt the line is cleared, and the prompt comes back behind it.
  if (interactive_ && shows_terminal_) output_.write("\r\x1b[K");
  if (settings_->timestamps) output_.write(format_time(net::clock_wall_milliseconds()) + " ");
  output_.write((shows_terminal_ ? printable(text) : text) + "\n");
  if (interactive_ && shows_terminal_) {
    output_.flush();
    prompt();
  }
  if (output_.size() > unprinted_bytes_max) output_.flush();
  if (output_.size() > unprinted_bytes_max) give_up("stdout is not read");
}

void ConnectSocketio::on_output_drained() {
  if (finishing_) loop_.stop();
}

// A reader that has seen enough (`| head -1`) is no failure; a full disk is.
void ConnectSocketio::on_output_broken(std::error_code error) {
  if (error != std::errc::broken_pipe) {
    gave_up_ = true;
    print_error("hilo connect: cannot write to stdout: " + error.message());
  }
  if (!finishing_) return begin_close();
  if (gave_up_) exit_code_ = exit_failure;
  loop_.stop();
}

// --- the end -------------------------------------------------------------------------------------

void ConnectSocketio::begin_close() {
  if (std::exchange(closing_, true)) return;
  input_.stop();
  for (const ClientSocket& socket : sockets_) socket.disconnect();
  manager_->close();
  // Otherwise on_gone comes.
  if (manager_->is_closed()) finish(exit_code_);
}

void ConnectSocketio::on_signal(int number) {
  if (finishing_) {
    exit_code_ = 128 + number;
    return loop_.stop();
  }
  if (!manager_->is_open()) exit_code_ = 128 + number;
  begin_close();
}

void ConnectSocketio::give_up(std::string_view why) {
  gave_up_ = true;
  print_error("hilo connect: " + std::string(why));
  begin_close();
}

void ConnectSocketio::finish(int exit_code) {
  exit_code_ = gave_up_ || (exit_code == exit_ok && unanswered_at_all_) ? exit_failure : exit_code;
  input_.stop();
  output_.flush();
  finishing_ = true;
  if (output_.size() == 0) loop_.stop();
}

void ConnectSocketio::tell(std::string_view line) const {
  if (!settings_->quiet) print_error(line);
}

void ConnectSocketio::prompt() const {
  static_cast<void>(write_without_waiting(standard_error, "> "));
}

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT

#include "tools/hilo/tap.h"

#include <memory>
#include <utility>

#include "net/loop.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/stop_signals.h"
#include "tools/tap/tap.h"

namespace hilo::tools {
namespace {

constexpr char description[] =
    "  Listens at LISTEN, connects to TARGET for each connection that comes, and\n"
    "  tells what passes in both directions: heads, the accept key, frames bit by\n"
    "  bit, messages, Engine.IO and Socket.IO packets, as hilo explain does. Towards\n"
    "  a wss target it speaks TLS, towards its clients it does not; the TLS of a\n"
    "  client passes a ws target as it is, and its records are told.\n"
    "  It can spoil what it passes on. What it tells is then what went on, with the\n"
    "  rule that it breaks and the answer that is due.\n";

constexpr char examples[] =
    "  hilo tap 127.0.0.1:9000 ws://127.0.0.1:8080\n"
    "  hilo connect ws://127.0.0.1:9000/echo\n"
    "  hilo tap --break mask 127.0.0.1:9000 ws://127.0.0.1:8080\n"
    "  hilo tap --capture talk.pcapng 127.0.0.1:9000 wss://example.com\n"
    "  hilo explain --file talk.pcapng\n";

constexpr char values[] =
    "  LISTEN  127.0.0.1:9000, [::1]:9000, unix:/path; port 0 lets the kernel choose\n"
    "  TARGET  ws://host:port, wss://host:port; the client's path is asked for\n"
    "  TIME    seconds, or 500ms, 10s, 2min, 1h\n";

constexpr char exit_codes[] =
    "  0    stopped by SIGINT or SIGTERM\n"
    "  1    it cannot listen, or the capture cannot be written\n"
    "  2    wrong usage\n";

struct TapSettings {
  std::string listen;
  std::string url;
  std::string ca_file;
  bool insecure = false;
  std::string key_log_file;
  std::string format = "text";
  tap::Options tap;
};

int failure(const std::string& what) {
  print_error("hilo tap: " + what);
  return exit_failure;
}

// False: it was told why not.
bool prepare_tls(TapSettings& settings) {
  if (settings.tap.target.scheme != ws::Url::Scheme::wss) return true;
  std::string detail;
  auto context = net::tls::ClientContext::create({.ca_file = settings.ca_file,
                                                  .certificate = {},
                                                  .insecure = settings.insecure,
                                                  .keylog_file = settings.key_log_file},
                                                 &detail);
  if (!context) {
    failure("TLS: " + detail);
    return false;
  }
  settings.tap.tls = std::move(*context);
  settings.tap.tls_server_name = settings.tap.target.host;
  return true;
}

int run(TapSettings& settings) {
  if (!settings.key_log_file.empty() && settings.tap.target.scheme != ws::Url::Scheme::wss) {
    print_error("hilo tap: --tls-keylog wants a wss target");
    return exit_usage;
  }
  const Result<net::Address> address = net::Address::parse(settings.listen);
  if (!address) return failure(settings.listen + " is no address");
  if (!prepare_tls(settings)) return exit_failure;
  net::Loop loop;
  if (!loop.status()) return failure(loop.status().error().message());
  const StopSignals signals{loop, [&loop](int) { loop.stop(); }};
  if (!signals.status()) return failure(signals.status().error().message());

  settings.tap.style.json = settings.format == "json";
  settings.tap.style.text.colour = is_terminal(standard_output);
  tap::Tap proxy(loop, settings.tap, print_text,
                 [](const std::string& line) { print_error("hilo tap: " + line); });
  const Result<net::Address> bound = proxy.listen(*address);
  if (!bound)
    return failure("cannot listen on " + settings.listen + ": " + bound.error().message());
  print_error("listening on " + bound->to_string());
  if (const Status status = loop.run(); !status) return failure(status.error().message());
  if (!proxy.flush()) return failure("cannot write " + settings.tap.capture_file);
  return exit_ok;
}

FlagGroup spoil_flags(TapSettings& s) {
  FlagGroup group{.title = "What is spoilt", .flags = {}};
  Flag broken{.name = "--break",
              .short_name = {},
              .value = "mask|rsv|opcode|length",
              .text = "change this of the first frame that a client sends",
              .preset = {},
              .take = [&s](std::string_view value) -> Complaint {
                const std::optional<tap::Break> what = tap::find_break(value);
                if (!what) return "is none of mask, rsv, opcode, length";
                s.tap.break_what = *what;
                return {};
              }};
  group.flags = {switch_flag({"--split", {}, "pass on byte by byte", {}}, s.tap.split),
                 duration_flag({"--delay", "TIME", "pass on so much later", {}}, s.tap.delay),
                 std::move(broken)};
  return group;
}

FlagGroup output_flags(TapSettings& s) {
  FlagGroup group{.title = "How it is told", .flags = {}};
  Flag format = choice_flag({"--format", "text|json", "lines to read, or of JSON", {}},
                            {"text", "json"}, s.format);
  format.preset = "text";
  group.flags = {std::move(format),
                 switch_flag({"--source", {}, "name the function that reads each part", {}},
                             s.tap.style.text.source),
                 text_flag({"--capture", "FILE", "and write it as pcapng, for Wireshark", {}},
                           s.tap.capture_file)};
  return group;
}

FlagGroup tls_flags(TapSettings& s) {
  FlagGroup group{.title = "TLS towards the target", .flags = {}};
  group.flags = {
      text_flag({"--ca-file", "FILE", "trust these CAs instead of the system's", {}}, s.ca_file),
      switch_flag({"--insecure", {}, "accept any certificate", {}}, s.insecure),
      text_flag({"--tls-keylog",
                 "FILE",
                 "the keys of these connections are appended, for hilo explain and Wireshark: who "
                 "has them can read everything",
                 {}},
                s.key_log_file)};
  return group;
}

Complaint take_target(std::string_view value, TapSettings& settings) {
  settings.url = value;
  const Result<ws::Url> url = ws::parse_url(settings.url);
  if (!url) return "is no WebSocket address: " + url.error().message();
  settings.tap.target = *url;
  return {};
}

}  // namespace

Command tap_command() {
  const auto settings = std::make_shared<TapSettings>();
  Command command;
  command.name = "tap";
  command.summary = "tell what flows between a client and a server";
  command.arguments = {Argument{.name = "LISTEN",
                                .take = [settings](std::string_view value) -> Complaint {
                                  settings->listen = value;
                                  return {};
                                }},
                       Argument{.name = "TARGET", .take = [settings](std::string_view value) {
                                  return take_target(value, *settings);
                                }}};
  command.before = {{"What it does", description}, {"Examples", examples}, {"Values", values}};
  command.groups = {output_flags(*settings), spoil_flags(*settings), tls_flags(*settings)};
  command.after = {{"Exit codes", exit_codes}};
  command.run = [settings] { return run(*settings); };
  return command;
}

}  // namespace hilo::tools

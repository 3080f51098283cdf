// SPDX-License-Identifier: MIT

#include "tools/hilo/tap.h"

#include <memory>
#include <optional>
#include <utility>

#include "net/loop.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/stop_signals.h"
#include "tools/hilo/tap_page.h"
#include "tools/tap/tap.h"

namespace hilo::tools {
namespace {

constexpr char description[] =
    "  Listens at LISTEN, connects to TARGET for each connection that comes, and\n"
    "  tells what passes in both directions: heads, the accept key, frames bit by\n"
    "  bit, messages, Engine.IO and Socket.IO packets, as hilo explain does. Towards\n"
    "  a wss target it speaks TLS, towards its clients it does not; the TLS of a\n"
    "  client passes a ws target as it is, and its records are told.\n"
    "  It can spoil what it passes on. What it tells is then what went on, what was\n"
    "  done to it, the rule that it breaks and the answer that is due, and what each\n"
    "  side will see of it.\n"
    "  With --page the same is told to a page, live; it has buttons to spoil the next\n"
    "  frame.\n";

constexpr char examples[] =
    "  hilo tap 127.0.0.1:9000 ws://127.0.0.1:8080\n"
    "  hilo connect ws://127.0.0.1:9000/echo\n"
    "  hilo tap --break mask 127.0.0.1:9000 ws://127.0.0.1:8080\n"
    "  hilo tap --drop client:2 --drop server:pong 127.0.0.1:9000 ws://127.0.0.1:8080\n"
    "  hilo tap --inject 'server:text Hello' --inject client:2:ping \\\n"
    "           127.0.0.1:9000 ws://127.0.0.1:8080\n"
    "  hilo tap --quiet --page 127.0.0.1:8081 127.0.0.1:9000 ws://127.0.0.1:8080\n"
    "  hilo tap --capture talk.pcapng 127.0.0.1:9000 wss://example.com\n"
    "  hilo explain --file talk.pcapng\n";

constexpr char values[] =
    "  LISTEN  127.0.0.1:9000, [::1]:9000, unix:/path; port 0 lets the kernel choose\n"
    "  TARGET  ws://host:port, wss://host:port; the client's path is asked for\n"
    "  TIME    seconds, or 500ms, 10s, 2min, 1h\n"
    "  WHICH   client:2, the second frame that the client sends behind the handshake;\n"
    "          server:pong, each frame of that kind that the server sends\n"
    "  FRAME   'server:text Hello', to the client, as if the server had sent it,\n"
    "          right behind the handshake; 'client:2:ping', behind the client's\n"
    "          second frame. Kinds and payloads are those of hilo explain --frame:\n"
    "          binary is followed by hexadecimal, close by '1000 bye'. 'unfinished\n"
    "          text Hel' begins a message; 'hex 8180' is passed on as it is. What\n"
    "          goes to the server is masked with a fresh key.\n";

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
  bool quiet = false;
  std::string page;
  bool page_public = false;
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

// Tells its address, or why it has none.
bool open_page(const TapSettings& settings, TapPage& page) {
  const Result<net::Address> address = net::Address::parse(settings.page);
  if (!address || address->family() == net::Family::unix_path) {
    failure(settings.page + " is no address that a browser can go to");
    return false;
  }
  if (!address->is_loopback() && !settings.page_public) {
    failure("others than this machine's own users come to " + settings.page +
            ", and would see all that passes: --page-public lets them");
    return false;
  }
  const Result<net::Address> bound = page.listen(*address);
  if (!bound) failure("cannot listen on " + settings.page + ": " + bound.error().message());
  if (bound) print_error("page at http://" + bound->to_string() + "/");
  return static_cast<bool>(bound);
}

int run(TapSettings& settings) {
  if (!settings.key_log_file.empty() && settings.tap.target.scheme != ws::Url::Scheme::wss) {
    print_error("hilo tap: --tls-keylog wants a wss target");
    return exit_usage;
  }
  if (settings.page_public && settings.page.empty()) {
    print_error("hilo tap: --page-public wants --page");
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
  std::optional<TapPage> page;
  if (!settings.page.empty()) page.emplace(loop, settings.page_public);
  const auto print = [quiet = settings.quiet](std::string_view text) {
    if (!quiet) print_text(text);
  };
  tap::Tap proxy(loop, settings.tap, print,
                 [](const std::string& line) { print_error("hilo tap: " + line); });
  // Before anything has passed, that nobody could see afterwards.
  if (!proxy.flush()) return failure("cannot write " + settings.tap.capture_file);
  if (page) page->show(proxy);
  const Result<net::Address> bound = proxy.listen(*address);
  if (!bound)
    return failure("cannot listen on " + settings.listen + ": " + bound.error().message());
  print_error("listening on " + bound->to_string());
  if (page) page->describe(bound->to_string(), settings.url);
  if (page && !open_page(settings, *page)) return exit_failure;
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
                s.tap.changes.break_first = *what;
                return {};
              }};
  Flag drop{.name = "--drop",
            .short_name = {},
            .value = "WHICH",
            .text = "do not pass on this frame",
            .preset = {},
            .repeatable = true,
            .take = [&s](std::string_view value) -> Complaint {
              const std::optional<tap::Drop> which = tap::parse_drop(value);
              if (!which) return "is neither like client:2 nor like server:pong";
              s.tap.changes.drops.push_back(*which);
              return {};
            }};
  Flag inject{.name = "--inject",
              .short_name = {},
              .value = "FRAME",
              .text = "put in this frame",
              .preset = {},
              .repeatable = true,
              .take = [&s](std::string_view value) -> Complaint {
                std::string why;
                std::optional<tap::Injection> frame = tap::parse_injection(value, why);
                if (!frame) return why;
                s.tap.changes.injections.push_back(std::move(*frame));
                return {};
              }};
  group.flags = {switch_flag({"--split", {}, "pass on byte by byte", {}}, s.tap.split),
                 duration_flag({"--delay", "TIME", "pass on so much later", {}}, s.tap.delay),
                 std::move(broken), std::move(drop), std::move(inject)};
  return group;
}

FlagGroup output_flags(TapSettings& s) {
  FlagGroup group{.title = "How it is told", .flags = {}};
  Flag format = choice_flag({"--format", "text|json", "lines to read, or of JSON", {}},
                            {"text", "json"}, s.format);
  format.preset = "text";
  group.flags = {
      std::move(format),
      switch_flag({"--source", {}, "name the function that reads each part", {}},
                  s.tap.style.text.source),
      switch_flag({"--quiet", {}, "tell nothing on stdout", {}}, s.quiet),
      text_flag({"--page", "ADDR", "and tell it to a page at this address", {}}, s.page),
      switch_flag({"--page-public", {}, "the page may be for others than this machine's users", {}},
                  s.page_public),
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

// SPDX-License-Identifier: MIT

#include "tools/hilo/serve.h"

#include <memory>
#include <utility>

#include "tools/hilo/deflate_flags.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/lesson_service.h"
#include "tools/hilo/limits_flags.h"
#include "tools/hilo/parser_flag.h"
#include "tools/hilo/serve_broken.h"
#include "tools/hilo/serve_compliance.h"
#include "tools/hilo/serve_process.h"
#include "tools/hilo/socketio_limits_flags.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/tls_flags.h"

namespace hilo::tools {
namespace {

constexpr std::string_view default_address = "127.0.0.1:8080";

constexpr char description[] =
    "  Serves, on every address and until it is told to stop:\n"
    "    /            a page to try things out (GET), or the files of --files\n"
    "    /echo        WebSocket: sends every message back, text and binary\n"
    "    /broadcast   WebSocket: sends every message to all who are there\n"
    "    /body        sends the body of a request back (POST)\n"
    "    /socket.io/  Socket.IO, all in the first thread; /chat and /lesson are pages\n"
    "                 that use it (GET)\n"
    "    /trace       WebSocket: a page's own connections, layer by layer (--layers)\n"
    "    /health      \"ok\", or 503 while it drains (GET)\n"
    "    /metrics     counters in the text format of Prometheus (GET)\n"
    "  Once it accepts connections it prints a line for each address on stdout:\n"
    "    listening on 127.0.0.1:8080  http://127.0.0.1:8080/\n";

constexpr char examples[] =
    "  hilo serve\n"
    "  hilo serve --listen 127.0.0.1:0 --listen unix:/tmp/hilo.sock\n"
    "  hilo serve --listen 0.0.0.0:80 --threads 4 --origin https://example.com\n"
    "  hilo serve --files public\n"
    "  hilo serve --listen 0.0.0.0:80 --handover /run/hilo.handover\n"
    "  hilo serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem\n"
    "  hilo serve --listen 0.0.0.0:80 --files /srv/www --sandbox\n"
    "  hilo serve --message-bytes-max 16MiB --idle-timeout 60s --overflow drop\n";

constexpr char values[] =
    "  ADDR  127.0.0.1:8080, [::1]:8080, localhost:8080, unix:/path, unix:@name;\n"
    "        port 0 lets the kernel choose; systemd: the sockets of its .socket unit\n"
    "  RANGE 10.0.0.0/8, 2001:db8::/32, 192.0.2.7, or unix for peers of Unix sockets\n"
    "  SIZE  bytes, or 64KiB, 1MiB, 2GiB\n"
    "  TIME  seconds, or 500ms, 10s, 2min, 1h\n";

constexpr char exit_codes[] =
    "  0    stopped by a signal, and all connections have ended\n"
    "  1    it could not listen, or not go on\n"
    "  2    wrong usage\n"
    "  130  ended at once by a second SIGINT; 143: by a second SIGTERM\n";

constexpr char signals[] =
    "  SIGINT           stop: no new connections, Close 1001 to all, and an end when\n"
    "                   the last has answered or --close-timeout is over\n"
    "  SIGTERM          drain: no new connections, 503 to new handshakes, Close 1001\n"
    "                   to a few at a time, all within --drain-time\n"
    "  a second one     of these two ends the process at once\n"
    "  SIGHUP           with --tls-cert: read the certificates again, for connections\n"
    "                   that come from now on; a bad file leaves the old ones in use\n"
    "  SIGPIPE          ignored; a log nobody reads is dropped, not waited for\n";

Complaint take_address(std::string_view value, std::vector<net::Address>& into) {
  constexpr std::string_view name = "localhost:";
  const std::string text = value.starts_with(name)
                               ? "127.0.0.1:" + std::string(value.substr(name.size()))
                               : std::string(value);
  const Result<net::Address> address = net::Address::parse(text);
  if (!address) return "is no address (as in 127.0.0.1:8080, [::1]:8080, unix:/path)";
  into.push_back(*address);
  return {};
}

Complaint take_listen(std::string_view value, ServeSettings& settings) {
  if (value != "systemd") return take_address(value, settings.addresses);
  settings.systemd = true;
  return {};
}

// Octal, as chmod wants it.
Complaint take_mode(std::string_view value, int& into) {
  unsigned mode = 0;
  for (const char c : value) {
    if (c < '0' || c > '7' || mode > 0777) return "is no mode (as in 0660)";
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  if (value.empty() || mode > 0777) return "is no mode (as in 0660)";
  into = static_cast<int>(mode);
  return {};
}

FlagGroup where_flags(ServeSettings& settings) {
  std::vector<std::string> unused;
  Flag listen = texts_flag(
      {.name = "--listen", .value = "ADDR", .text = "where to listen", .short_name = {}}, unused);
  listen.preset = default_address;
  listen.take = [&settings](std::string_view value) { return take_listen(value, settings); };
  Flag mode = texts_flag({.name = "--unix-mode",
                          .value = "MODE",
                          .text = "permissions of the files of Unix sockets [what umask leaves]",
                          .short_name = {}},
                         unused);
  mode.repeatable = false;
  mode.take = [&settings](std::string_view value) { return take_mode(value, settings.unix_mode); };
  Flag handover = text_flag({.name = "--handover",
                             .value = "PATH",
                             .text = "take over the sockets of the server that is there already, "
                                     "in place of --listen, and let it drain with 1012; then wait "
                                     "there for the next one",
                             .short_name = {}},
                            settings.handover_path);
  Flag drain = duration_flag({.name = "--drain-time",
                              .value = "TIME",
                              .text = "time over which SIGTERM closes connections; 0: all at once",
                              .short_name = {}},
                             settings.drain_time);
  drain.preset = "30s";
  Flag threads = number_flag({.name = "--threads",
                              .value = "N",
                              .text = "event loops, each in a thread of its own; they share the "
                                      "ports (a Unix socket belongs to the first)",
                              .short_name = {}},
                             {1, 256}, settings.threads);
  threads.preset = "1";
  Flag busy_poll = number_flag({.name = "--busy-poll-us",
                                .value = "N",
                                .text = "microseconds for which a loop asks for more before it "
                                        "sleeps, as long as that pays: answers come sooner, and a "
                                        "processor is kept busy",
                                .short_name = {}},
                               {0, 1'000'000}, settings.busy_poll_us);
  busy_poll.preset = "0";
  return {.title = "Where",
          .flags = {std::move(listen), std::move(mode), std::move(threads), std::move(busy_poll),
                    std::move(handover), std::move(drain)}};
}

std::vector<Flag> proxy_flags(ServeSettings& settings) {
  std::vector<std::string> unused;
  Flag trusted = texts_flag({.name = "--trusted-proxy",
                             .value = "RANGE",
                             .text = "a proxy in front: what its X-Forwarded-For, -Proto and -Host "
                                     "say is believed",
                             .short_name = {}},
                            unused);
  trusted.take = [&settings](std::string_view value) -> Complaint {
    const Result<net::AddressRange> range = net::AddressRange::parse(value);
    if (!range) return "is no range of addresses (as in 10.0.0.0/8, ::1, unix)";
    settings.trusted_proxies.push_back(*range);
    return {};
  };
  Flag by = trusted;
  by.name = "--forwarded-by";
  by.value = "x-forwarded|forwarded";
  by.text = "which fields it sets: those, or Forwarded (RFC 7239)";
  by.preset = "x-forwarded";
  by.repeatable = false;
  by.take = [&settings](std::string_view value) -> Complaint {
    if (value != "x-forwarded" && value != "forwarded") {
      return "is none of x-forwarded, forwarded";
    }
    settings.forwarded_by =
        value == "forwarded" ? ws::ForwardedBy::forwarded : ws::ForwardedBy::x_forwarded;
    return {};
  };
  Flag protocol = switch_flag({.name = "--proxy-protocol",
                               .value = {},
                               .text = "every connection begins with a header of the PROXY "
                                       "protocol, version 1 or 2",
                               .short_name = {}},
                              settings.proxy_protocol);
  Flag local = switch_flag({.name = "--count-local",
                            .value = {},
                            .text = "limit this machine's own connections per address, too",
                            .short_name = {}},
                           settings.count_local);
  return {std::move(trusted), std::move(by), std::move(protocol), std::move(local)};
}

FlagGroup who_flags(ServeSettings& settings) {
  FlagGroup group{.title = "Who may connect", .flags = {}};
  group.flags.push_back(texts_flag({.name = "--origin",
                                    .value = "URL",
                                    .text = "pages of this origin may connect, and no others "
                                            "[without it: pages from the address they connect to]",
                                    .short_name = {}},
                                   settings.origins));
  group.flags.push_back(switch_flag({.name = "--origin-any",
                                     .value = {},
                                     .text = "pages of every origin may connect",
                                     .short_name = {}},
                                    settings.origin_any));
  group.flags.push_back(texts_flag({.name = "--subprotocol",
                                    .value = "NAME",
                                    .text = "a subprotocol to agree to; of several offered, the "
                                            "client's first choice is taken",
                                    .short_name = {}},
                                   settings.subprotocols));
  group.flags.push_back(switch_flag({.name = "--require-subprotocol",
                                     .value = {},
                                     .text = "refuse handshakes that offer none of them (400)",
                                     .short_name = {}},
                                    settings.subprotocol_required));
  for (Flag& flag : proxy_flags(settings)) group.flags.push_back(std::move(flag));
  return group;
}

FlagGroup what_flags(ServeSettings& settings) {
  Flag files = text_flag({.name = "--files",
                          .value = "DIR",
                          .text = "the files below it, in place of the page; nothing whose "
                                  "name begins with a dot, and no lists of what is there",
                          .short_name = {}},
                         settings.files);
  Flag bundle = text_flag({.name = "--client-bundle",
                           .value = "DIR",
                           .text = "where the script of Socket.IO's client is [what npm has "
                                   "installed here, or a small one of our own]",
                           .short_name = {}},
                          settings.client_bundle);
  bundle.take = [&settings](std::string_view value) {
    return take_client_bundle(value, settings.client_bundle);
  };
  Flag recovery = duration_flag({.name = "--recovery",
                                 .value = "TIME",
                                 .text = "how long a Socket.IO client may be away and still get "
                                         "its session back, and what it missed [0]",
                                 .short_name = {}},
                                settings.lesson.recovery);
  Flag jsonp = switch_flag({.name = "--jsonp",
                            .value = {},
                            .text = "let Socket.IO clients 1 and 2 poll by scripts and forms, "
                                    "from pages of any origin",
                            .short_name = {}},
                           settings.lesson.jsonp);
  Flag hixie76 = switch_flag({.name = "--hixie76",
                              .value = {},
                              .text = "at /echo speak to browsers of 2010, too: draft 76, with its "
                                      "two keys, its MD5 and its frames without masks; for the "
                                      "museum",
                              .short_name = {}},
                             settings.hixie76);
  Flag layers = choice_flag({"--layers",
                             "on|off|auto",
                             "let pages look at the layers of their connections (/trace); auto: "
                             "where it listens to this machine alone. Not behind a proxy: there "
                             "everybody comes from one address. Whoever asks for ?deflate=on is "
                             "then compressed, and /echo/fragments/N answers in fragments",
                             {}},
                            {"on", "off", "auto"}, settings.layers);
  layers.preset = "auto";
  return {.title = "What is served",
          .flags = {std::move(layers), std::move(files), std::move(bundle), std::move(recovery),
                    parser_flag(settings.lesson.parser), std::move(jsonp), std::move(hixie76)}};
}

FlagGroup sandbox_flags(ServeSettings& settings) {
  return {.title = "Safety",
          .flags = {switch_flag({.name = "--sandbox",
                                 .value = {},
                                 .text = "once it listens, give up all that serving does not "
                                         "need: system calls, files, connections of its own; a "
                                         "call that is none of the allowed ends it by SIGSYS "
                                         "(Linux, with seccomp and Landlock)",
                                 .short_name = {}},
                                settings.sandbox)}};
}

FlagGroup other_flags(ServeSettings& settings) {
  FlagGroup group{.title = "Log and memory", .flags = log_flags(settings.log)};
  group.flags.push_back(switch_flag({.name = "--keep-request-fields",
                                     .value = {},
                                     .text = "keep the header of each handshake as long as its "
                                             "connection; costs its size",
                                     .short_name = {}},
                                    settings.keep_request_fields));
  group.flags.push_back(switch_flag({.name = "--trace",
                                     .value = {},
                                     .text = "tell on stdout what passes on every connection, "
                                             "layer by layer, as hilo explain does; who reads it "
                                             "sets the pace",
                                     .short_name = {}},
                                    settings.trace));
  return group;
}

// Servers that are not the demo.
struct OtherServers {
  std::string broken;
  std::string compliance;
};

FlagGroup other_server_flags(OtherServers& names) {
  Flag flag = text_flag({.name = "--broken",
                         .value = "FAULT",
                         .text = "break this one rule on every path, over ws only; list prints the "
                                 "names; of the other flags only --listen counts then",
                         .short_name = {}},
                        names.broken);
  flag.take = [&names](std::string_view value) { return take_fault_name(value, names.broken); };
  Flag suite = text_flag({.name = "--compliance",
                          .value = "SUITE",
                          .text = "serve what that official test suite wants: engineio, "
                                  "engineio3, engineio-client, engineio3-client, engineio-echo, "
                                  "socketio, socketio-client or socketio-client2; of the other "
                                  "flags only --listen counts then",
                          .short_name = {}},
                         names.compliance);
  suite.take = [&names](std::string_view value) {
    return take_suite_name(value, names.compliance);
  };
  return {.title = "To test those who test servers", .flags = {std::move(flag), std::move(suite)}};
}

int run(ServeSettings& settings, const OtherServers& names) {
  if (const Complaint complaint = check(settings.tls)) {
    print_error("hilo serve: " + *complaint);
    return exit_usage;
  }
  if (settings.sandbox && !(names.broken.empty() && names.compliance.empty())) {
    print_error("hilo serve: --sandbox is not for --broken and --compliance");
    return exit_usage;
  }
  if (settings.addresses.empty() && !settings.systemd) {
    static_cast<void>(take_address(default_address, settings.addresses));
  }
  if (!names.broken.empty()) return serve_broken(names.broken, settings.addresses);
  if (!names.compliance.empty()) return serve_compliance(names.compliance, settings.addresses);
  ServeProcess process{settings};
  return process.run();
}

}  // namespace

Command serve_command() {
  const auto settings = std::make_shared<ServeSettings>();
  const auto names = std::make_shared<OtherServers>();
  Command command;
  command.name = "serve";
  command.summary = "serve a demo page, an echo and a broadcast over WebSocket";
  command.before = {{"What it does", description}, {"Examples", examples}, {"Values", values}};
  command.groups = {where_flags(*settings),         what_flags(*settings),
                    who_flags(*settings),           sandbox_flags(*settings),
                    tls_serve_flags(settings->tls), deflate_flags(settings->deflate),
                    other_flags(*settings)};
  for (FlagGroup& group : limits_flags(settings->limits)) {
    command.groups.push_back(std::move(group));
  }
  for (FlagGroup& group : socketio_limits_flags(settings->lesson.limits)) {
    command.groups.push_back(std::move(group));
  }
  command.groups.push_back(other_server_flags(*names));
  command.after = {{"Exit codes", exit_codes}, {"Signals", signals}};
  command.run = [settings, names] { return run(*settings, *names); };
  return command;
}

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT

#include "tools/hilo/connect.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "tools/hilo/connect_session.h"
#include "tools/hilo/connect_socketio.h"
#include "tools/hilo/deflate_flags.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/limits_flags.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/tls_flags.h"
#include "tools/hilo/values.h"
#include "ws/core/rfc6455.h"
#include "ws/core/session.h"
#include "ws/core/url.h"
#include "ws/credentials.h"
#include "ws/proxy_tunnel.h"
#include "ws/redirect.h"

namespace hilo::tools {
namespace {

constexpr char description[] =
    "  Sends each line of stdin as a text message and prints each message that comes\n"
    "  on a line of stdout. At the end of stdin it sends a Ping behind the last\n"
    "  message, waits for the answer, and closes: the replies to what was sent have\n"
    "  come by then. How the connection ended is told on stderr:\n"
    "    closed 1000 \"\"\n"
    "  URL is ws:// or wss://[user[:password]@]host[:port]/path?query or\n"
    "  ws+unix:///path/of/socket:/path?query\n"
    "  A server that answers no Ping is given --pong-timeout at the end; answers that\n"
    "  it sends later, or out of order, take --count or --wait.\n"
    "\n"
    "  With --socketio it speaks to a Socket.IO server at http://, https://, ws:// or\n"
    "  wss://host[:port]/namespace?query. Lines of stdin are then\n"
    "    emit NAME JSON...    an event with these values\n"
    "    ack NAME JSON...     one that wants an answer, which is printed\n"
    "    answer NUMBER JSON...  to an event that was printed with this \"question\"\n"
    "  with /namespace in front where there are several. A name with blanks is\n"
    "  written as JSON; bytes are {\"$base64\":\"AQI=\"}, both ways. Each event is\n"
    "  printed as a line: {\"event\":\"stats\",\"nsp\":\"/\",\"values\":[1]}, an answer with\n"
    "  \"answer\" or \"error\" in place of the values. At the end of stdin answers are\n"
    "  waited for; what else the server says takes --count, --wait or --listen.\n";

constexpr char examples[] =
    "  hilo connect ws://127.0.0.1:8080/echo\n"
    "  echo hello | hilo connect ws://127.0.0.1:8080/echo\n"
    "  hilo connect --ca-file ca.pem wss://localhost:8443/echo\n"
    "  hilo connect --count 1 ws://127.0.0.1:8080/broadcast </dev/null\n"
    "  hilo connect --ping-every 1s --wait 1min ws://127.0.0.1:8080/echo </dev/null\n"
    "  hilo connect --binary --one ws://127.0.0.1:8080/echo <photo.jpg >same.jpg\n"
    "  echo 00ff | hilo connect --hex ws+unix:///tmp/hilo.sock:/echo\n"
    "  hilo connect --socketio --listen http://127.0.0.1:8080/chat\n"
    "  hilo connect --socketio --ask 'echo 1 \"two\"' http://127.0.0.1:8080/\n"
    "  hilo connect --proxy socks5://127.0.0.1:1080 wss://example.com/\n";

constexpr char values[] =
    "  SIZE  bytes, or 64KiB, 1MiB, 2GiB\n"
    "  TIME  seconds, or 500ms, 10s, 2min, 1h\n";

constexpr char exit_codes[] =
    "  0    closed by both sides with 1000 or 1001, or without a code;\n"
    "       with --echo: closed by both sides\n"
    "  1    not connected, or stdin could not be sent, or stdout not written, or an\n"
    "       answer did not come\n"
    "  2    wrong usage\n"
    "  3    closed with another code, or lost\n"
    "  130  ended by SIGINT before it was connected, or by a second SIGINT;\n"
    "       143: the same with SIGTERM\n";

constexpr char signals[] =
    "  SIGINT, SIGTERM  close the connection, without waiting for more;\n"
    "                   the second one ends the process at once\n"
    "  SIGPIPE          ignored; when nobody reads stdout the connection is closed\n";

Complaint take_url(std::string_view value, std::string& into) {
  const Result<ws::Url> url = ws::parse_url(value);
  if (!url) return "is no WebSocket address: " + url.error().message();
  into = value;
  return {};
}

Complaint take_field(std::string_view value, std::vector<HeaderField>& into) {
  const std::size_t colon = value.find(':');
  if (colon == 0 || colon == std::string_view::npos) return "is not of the form 'Name: value'";
  std::string_view rest = value.substr(colon + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  into.push_back({std::string(value.substr(0, colon)), std::string(rest)});
  return {};
}

FlagGroup handshake_flags(ConnectSettings& settings) {
  std::vector<std::string> unused;
  Flag field = texts_flag({.name = "--header",
                           .value = "'NAME: VALUE'",
                           .text = "one more header of the handshake",
                           .short_name = "-H"},
                          unused);
  field.take = [&settings](std::string_view value) { return take_field(value, settings.fields); };
  Flag subprotocol = texts_flag({.name = "--subprotocol",
                                 .value = "NAME",
                                 .text = "a subprotocol to offer, the best one first",
                                 .short_name = {}},
                                settings.subprotocols);
  Flag origin = text_flag({.name = "--origin",
                           .value = "URL",
                           .text = "the Origin header, as a page from there would send it",
                           .short_name = {}},
                          settings.origin);
  return {.title = "Handshake",
          .flags = {std::move(field), std::move(subprotocol), std::move(origin)}};
}

Complaint take_user(std::string_view value, ConnectSettings& settings) {
  const std::size_t colon = std::min(value.find(':'), value.size());
  const std::string_view rest = value.substr(colon);
  settings.user = value.substr(0, colon);
  settings.password = rest.substr(rest.empty() ? 0 : 1);
  const ws::Credentials credentials{settings.user, settings.password};
  if (credentials.empty() || !ws::basic_authorization(credentials)) {
    return "is not of the form NAME:PASSWORD, without control bytes";
  }
  return {};
}

std::vector<Flag> reconnect_flags(ConnectSettings& settings) {
  Flag reconnect = switch_flag({.name = "--reconnect",
                                .value = {},
                                .text = "come back when the connection is lost or refused; what "
                                        "was sent is not sent again",
                                .short_name = {}},
                               settings.reconnect);
  Flag base = duration_flag({.name = "--reconnect-base",
                             .value = "TIME",
                             .text = "it waits for a random part of this, and of twice as much "
                                     "after each attempt that fails",
                             .short_name = {}},
                            settings.backoff.base);
  base.preset = format_duration(settings.backoff.base);
  Flag cap = duration_flag({.name = "--reconnect-cap",
                            .value = "TIME",
                            .text = "but never for longer than this",
                            .short_name = {}},
                           settings.backoff.cap);
  cap.preset = format_duration(settings.backoff.cap);
  return {std::move(reconnect), std::move(base), std::move(cap)};
}

FlagGroup way_flags(ConnectSettings& settings) {
  FlagGroup group{.title = "The way", .flags = {}};
  Flag proxy = text_flag({.name = "--proxy",
                          .value = "URL",
                          .text = "through http://[user[:password]@]host[:port] (CONNECT) or "
                                  "socks5://..., which looks the server's name up",
                          .short_name = {}},
                         settings.proxy);
  proxy.take = [&settings](std::string_view value) -> Complaint {
    if (!ws::parse_proxy_url(value)) return "is no proxy's URL: http:// or socks5://host:port";
    settings.proxy = value;
    return {};
  };
  std::string unused;
  Flag user = text_flag({.name = "--user",
                         .value = "NAME:PASSWORD",
                         .text = "Basic credentials for the server, instead of the URL's; who sees "
                                 "this machine's processes sees both",
                         .short_name = {}},
                        unused);
  user.take = [&settings](std::string_view value) { return take_user(value, settings); };
  Flag redirects =
      number_flag({.name = "--redirects",
                   .value = "N",
                   .text = "follow so many redirections, never from wss to ws; to "
                           "another server go no credentials and no --header but "
                           "User-Agent",
                   .short_name = {}},
                  {.least = 0, .most = ws::redirects_followed_max}, settings.redirects);
  redirects.preset = "0";
  group.flags = {std::move(proxy), std::move(user), std::move(redirects)};
  for (Flag& flag : reconnect_flags(settings)) group.flags.push_back(std::move(flag));
  return group;
}

FlagGroup message_flags(ConnectSettings& settings) {
  FlagGroup group{.title = "Messages", .flags = {}};
  const auto add = [&](std::string name, std::string text, bool& into) {
    group.flags.push_back(switch_flag(
        {.name = std::move(name), .value = {}, .text = std::move(text), .short_name = {}}, into));
  };
  add("--binary", "send each piece of stdin as a binary message, and print what comes as it is",
      settings.binary);
  add("--hex",
      "lines of stdin are bytes in hexadecimal, sent as binary messages; binary messages "
      "are printed the same way",
      settings.hex);
  add("--one", "send all of stdin as one message, its last line feed included", settings.one);
  add("--echo",
      "send every message back as it came until the server closes; stdin and stdout are "
      "not used",
      settings.echo);
  add("--timestamps", "the time (UTC) in front of each message", settings.timestamps);
  add("--quiet", "nothing on stderr but failures", settings.quiet);
  add("--trace", "what passes, layer by layer on stderr, as hilo explain tells it", settings.trace);
  add("--ping", "send a Ping when connected; 'pong 0.123 ms' on stderr tells its round trip",
      settings.ping);
  group.flags.push_back(duration_flag({.name = "--ping-every",
                                       .value = "TIME",
                                       .text = "send such a Ping every so often (not the "
                                               "keep-alive: that is --ping-interval)",
                                       .short_name = {}},
                                      settings.ping_every));
  return group;
}

FlagGroup end_flags(ConnectSettings& settings) {
  FlagGroup group{.title = "The end", .flags = {}};
  group.flags.push_back(number_flag({.name = "--count",
                                     .value = "N",
                                     .text = "close after N messages have come, and not for the "
                                             "end of stdin",
                                     .short_name = {}},
                                    {.least = 1}, settings.count));
  Flag wait = duration_flag({.name = "--wait",
                             .value = "TIME",
                             .text = "close so long after the end of stdin",
                             .short_name = {}},
                            settings.wait);
  wait.take = [&settings](std::string_view value) {
    settings.waits = true;
    return take_duration(value, settings.wait);
  };
  group.flags.push_back(std::move(wait));
  Flag code = number_flag({.name = "--close-code",
                           .value = "N",
                           .text = "the code of our Close: 1000-1003, 1007-1014 or 3000-4999",
                           .short_name = {}},
                          {}, settings.close_code);
  code.preset = "1000";
  code.take = [&settings](std::string_view value) -> Complaint {
    std::uint64_t number = 0;
    if (Complaint complaint = take_number(value, {.most = 65535}, number)) return complaint;
    settings.close_code = static_cast<std::uint16_t>(number);
    if (!ws::is_wire_close_code(settings.close_code)) return "is no code that a Close may carry";
    return {};
  };
  group.flags.push_back(std::move(code));
  Flag reason = text_flag({.name = "--close-reason",
                           .value = "TEXT",
                           .text = "the reason in our Close, at most 123 bytes of UTF-8",
                           .short_name = {}},
                          settings.close_reason);
  reason.take = [&settings](std::string_view value) -> Complaint {
    settings.close_reason = value;
    if (!ws::Session::check_close(ws::CloseCode::normal, value)) {
      return "is longer than 123 bytes, or not UTF-8";
    }
    return {};
  };
  group.flags.push_back(std::move(reason));
  return group;
}

}  // namespace

Command connect_command() {
  const auto settings = std::make_shared<ConnectSettings>();
  Command command;
  command.name = "connect";
  command.summary = "talk to a WebSocket server, by hand or in a pipe";
  command.arguments = {Argument{.name = "URL", .take = [settings](std::string_view v) {
                                  return take_url(v, settings->url);
                                }}};
  command.before = {{"What it does", description}, {"Examples", examples}, {"Values", values}};
  command.groups = {handshake_flags(*settings),        way_flags(*settings),
                    tls_connect_flags(settings->tls),  message_flags(*settings),
                    deflate_flags(settings->deflate),  end_flags(*settings),
                    socketio_flags(settings->socketio)};
  for (FlagGroup& group : limits_flags(settings->limits)) {
    command.groups.push_back(std::move(group));
  }
  command.after = {{"Exit codes", exit_codes}, {"Signals", signals}};
  command.run = [settings] {
    if (const Complaint complaint = check(settings->tls)) {
      print_error("hilo connect: " + *complaint);
      return exit_usage;
    }
    if (const Complaint complaint = check_socketio(*settings)) {
      print_error("hilo connect: " + *complaint);
      return exit_usage;
    }
    if (settings->socketio.on) {
      ConnectSocketio session{*settings};
      return session.run();
    }
    ConnectSession session{*settings};
    return session.run();
  };
  return command;
}

}  // namespace hilo::tools

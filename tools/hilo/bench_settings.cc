// SPDX-License-Identifier: MIT

#include "tools/hilo/bench_settings.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "net/connector.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/tls.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/look_up.h"
#include "ws/core/url.h"

namespace hilo::tools {
namespace {

using bench::Mode;
using bench::Payload;
using bench::Protocol;

// "tcp://" is ours: bytes that come back as they are, without a handshake.
constexpr std::string_view raw_scheme = "tcp://";

template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};
constexpr Choice<Mode> modes[] = {{"echo", Mode::echo},
                                  {"fanout", Mode::fanout},
                                  {"connect", Mode::connect},
                                  {"idle", Mode::idle}};
constexpr Choice<Payload> payloads[] = {
    {"text", Payload::text}, {"binary", Payload::binary}, {"json", Payload::json}};

template <class Value, std::size_t count>
Flag choice_flag(FlagText text, const Choice<Value> (&choices)[count], Value& into) {
  std::string names;
  for (const auto& choice : choices) names += (names.empty() ? "" : "|") + std::string(choice.name);
  return {.name = std::move(text.name),
          .short_name = {},
          .value = names,
          .text = std::move(text.text),
          .preset = std::string(choices[0].name),
          .take = [&choices, names, &into](std::string_view value) -> Complaint {
            for (const auto& choice : choices) {
              if (choice.name == value) {
                into = choice.value;
                return {};
              }
            }
            return "is none of " + names;
          }};
}

Flag with_preset(Flag flag, std::string preset) {
  flag.preset = std::move(preset);
  return flag;
}

FlagText text(std::string name, std::string value, std::string what, std::string short_name = {}) {
  return {.name = std::move(name),
          .value = std::move(value),
          .text = std::move(what),
          .short_name = std::move(short_name)};
}

FlagGroup load_flags(BenchSettings& settings) {
  bench::Plan& plan = settings.plan;
  Flag rate = number_flag(text("--rate", "N",
                               "open loop: so many messages a second of all connections together, "
                               "whatever the answers do; latency counts from the planned time"),
                          {1, 100'000'000}, plan.rate);
  return {.title = "The load",
          .flags = {
              choice_flag(text("--mode", {}, "what the connections do"), modes, plan.mode),
              with_preset(number_flag(text("--connections", "N", "connections", "-c"),
                                      {1, 10'000'000}, plan.connections),
                          "64"),
              with_preset(number_flag(text("--in-flight", "N",
                                           "messages of each that are not answered yet", "-i"),
                                      {1, 1'000'000}, plan.in_flight),
                          "1"),
              std::move(rate),
              with_preset(number_flag(text("--size", "SIZE", "bytes of a payload", "-s"),
                                      {0, std::uint64_t{256} << 20}, plan.payload_bytes),
                          "20"),
              choice_flag(text("--payload", {}, "what is in it"), payloads, plan.payload),
              switch_flag(text("--deflate", {}, "compressed (RFC 7692), without context takeover"),
                          plan.deflate),
              switch_flag(text("--reset", {}, "connections end by a reset, in place of a Close"),
                          plan.resets),
          }};
}

FlagGroup time_flags(BenchSettings& settings) {
  bench::Plan& plan = settings.plan;
  return {.title = "Time and threads",
          .flags = {
              with_preset(duration_flag(text("--duration", "TIME", "how long is measured", "-d"),
                                        plan.duration),
                          "10s"),
              number_flag(
                  text("--messages", "N",
                       "it ends sooner, with the interval in which so many were answered", "-n"),
                  {1, std::uint64_t{1} << 62}, plan.messages),
              with_preset(duration_flag(text("--warm-up", "TIME", "how long is not, before that"),
                                        plan.warm_up),
                          "1s"),
              duration_flag(text("--ramp", "TIME", "the connections open evenly over this time"),
                            plan.ramp),
              with_preset(duration_flag(text("--interval", "TIME", "of a point in the plots"),
                                        plan.interval),
                          "1s"),
              with_preset(number_flag(text("--threads", "N", "threads of the generator", "-t"),
                                      {1, 1024}, plan.threads),
                          "1"),
              with_preset(number_flag(text("--busy-poll-us", "N",
                                           "microseconds for which a thread asks for more before "
                                           "it sleeps, so that waking it is no part of a latency"),
                                      {0, 1'000'000}, plan.busy_poll_us),
                          "0"),
              text_flag(text("--sources", "FIRST-LAST",
                             "IPv4 addresses to connect from in turns; each has some 28,000 ports. "
                             "To 127.0.0.0/8 as many as are needed are taken without being asked"),
                        settings.sources),
          }};
}

FlagGroup server_flags(BenchSettings& settings) {
  Flag pid{.name = "--pid",
           .short_name = {},
           .value = "PID",
           .text =
               "the server's process: its processor time and memory are reported; with "
               "--compare first A's, then B's",
           .preset = {},
           .repeatable = true,
           .take = [&settings](std::string_view value) -> Complaint {
             std::uint64_t number = 0;
             if (Complaint complaint = take_number(value, {1, INT32_MAX}, number)) return complaint;
             settings.pids.push_back(static_cast<int>(number));
             return {};
           }};
  return {.title = "The server",
          .flags = {
              std::move(pid),
              text_flag(text("--compare", "URL",
                             "another server, A: both get the load in turns, and A's figures are "
                             "divided by those of B, the one behind the flags"),
                        settings.compared_url),
              text_flag(text("--ca-file", "FILE", "wss: whom to trust, in PEM"), settings.ca_file),
              switch_flag(text("--insecure", {}, "wss: believe any server"), settings.insecure),
          }};
}

FlagGroup socketio_flags(BenchSettings& settings) {
  return {.title = "Socket.IO",
          .flags = {
              switch_flag(text("--socketio", {},
                               "the connections are clients of Socket.IO; echo: events that ask "
                               "for an answer"),
                          settings.socketio),
              text_flag(text("--event", "JSON",
                             "the event, as [\"name\",values...]; @ stands for a text of --size "
                             "[echo: [\"echo\",{\"text\":\"@\"}], fanout: [\"message\",\"@\"]]"),
                        settings.event),
              text_flag(text("--join", "JSON",
                             "fanout: an event that each client begins with, and that is answered "
                             "[[\"join\",\"bench\",\"bench\"]]"),
                        settings.join),
          }};
}

FlagGroup report_flags(BenchSettings& settings) {
  Flag expect{
      .name = "--expect",
      .short_name = {},
      .value = "FIGURE<BOUND",
      .text =
          "the exit code is 3 if it is not so: p50 p90 p99 p99.9 p99.99 max mean "
          "against a TIME, rate, cpu against a TIME, memory, failed, unanswered; '>' as well",
      .preset = {},
      .repeatable = true,
      .take = [&settings](std::string_view value) -> Complaint {
        auto parsed = bench::Expectation::parse(value);
        if (!parsed) return "is not written as p99<5ms";
        settings.expectations.push_back(std::move(*parsed));
        return {};
      }};
  return {
      .title = "The report",
      .flags = {
          with_preset(
              number_flag(text("--rounds", "N", "so many runs; --compare: of each, in turns"),
                          {1, 1000}, settings.rounds),
              "1"),
          switch_flag(text("--json", {}, "one line of JSON for each run"), settings.json),
          text_flag(text("--html", "FILE", "a page with plots, all runs in one"),
                    settings.html_file),
          text_flag(text("--hgrm", "FILE", "the latencies, as HdrHistogram's plotters read them"),
                    settings.hgrm_file),
          std::move(expect),
      }};
}

// ---- from flags to a plan
// ------------------------------------------------------------------------

// IPv4 addresses from the first to the last.
Complaint take_sources(std::string_view range, std::vector<net::Address>& into) {
  const std::size_t dash = range.find('-');
  const auto parsed = [](std::string_view ip) { return net::Address::from_ip(ip, 0); };
  const auto first = parsed(range.substr(0, dash));
  const auto last = parsed(dash == range.npos ? range : range.substr(dash + 1));
  const auto number = [](const net::Address& address) {
    return load_be32(net::PeerAddress(address).ip_bytes().data());
  };
  const bool is_ipv4 =
      first && last && first->family() == net::Family::ipv4 && last->family() == net::Family::ipv4;
  if (!is_ipv4 || number(*first) > number(*last)) return "--sources is no range of IPv4 addresses";
  if (number(*last) - number(*first) > 65'535) return "--sources are too many";
  for (std::uint32_t each = number(*first);; ++each) {
    std::uint8_t bytes[4];
    store_be32(bytes, each);
    const auto peer = net::PeerAddress::from_bytes(net::Family::ipv4, bytes, 0);
    into.push_back(*net::Address::from_ip(peer.ip(), 0));
    if (each == number(*last)) return {};
  }
}

// The kernel gives out 28,232 ports by default for each pair of addresses.
Complaint choose_sources(const BenchSettings& settings, bench::Plan& plan) {
  if (!settings.sources.empty()) return take_sources(settings.sources, plan.sources);
  constexpr std::size_t ports = 20'000;
  const std::string ip = plan.address.ip();
  if (plan.connections <= ports || !ip.starts_with("127.")) return {};
  const std::size_t wanted = std::min<std::size_t>(250, (plan.connections + ports - 1) / ports);
  return take_sources("127.0.0.2-127.0.0." + std::to_string(1 + wanted), plan.sources);
}

Complaint choose_tls(const BenchSettings& settings, bench::Plan& plan) {
  std::string detail;
  auto context = net::tls::ClientContext::create(
      {.ca_file = settings.ca_file, .insecure = settings.insecure}, &detail);
  if (!context) return "TLS: " + detail;
  plan.tls = std::move(*context);
  return {};
}

void choose_events(const BenchSettings& settings, const ws::Url& url, bench::Plan& plan) {
  const bool is_fanout = plan.mode == Mode::fanout;
  plan.emit = is_fanout ? R"(["message","@"])" : R"(["echo",{"text":"@"}])";
  if (!settings.event.empty()) plan.emit = settings.event;
  if (is_fanout) plan.join = R"(["join","bench","bench"])";
  if (!settings.join.empty()) plan.join = settings.join;
  const std::string path = url.path == "/" ? "/socket.io/" : std::string(url.path);
  plan.target = path + "?EIO=4&transport=websocket";
}

// Of several the first that answers, as a client finds it: a name may stand for IPv6, where nobody
// listens, and for IPv4.
Result<net::Address> choose_address(const std::vector<net::Address>& addresses) {
  if (addresses.size() == 1) return addresses.front();
  net::Loop loop;
  net::Connector connector(loop);
  std::optional<Result<net::Fd>> connected;
  connector.connect(addresses, {}, [&](Result<net::Fd> fd) { connected = std::move(fd); });
  while (!connected) {
    if (Status status = loop.run_once({-1}); !status) return status.error();
  }
  if (!*connected) return connected->error();
  return net::socket::peer_address((*connected)->value());
}

Complaint choose_target(const BenchSettings& settings, const std::string& text, bench::Plan& plan) {
  const bool is_raw = text.starts_with(raw_scheme);
  const std::string normal = is_raw ? "ws://" + text.substr(raw_scheme.size()) : text;
  const Result<ws::Url> url = ws::parse_url(normal);
  if (!url) return text + ": " + url.error().message();
  const auto addresses = look_up(*url);
  if (!addresses) return text + ": " + addresses.error().message();
  const auto address = choose_address(*addresses);
  if (!address) return text + ": " + address.error().message();
  plan.url = text;
  plan.address = *address;
  plan.host = url->host;
  plan.authority = url->authority;
  plan.target = url->path;
  if (!url->query.empty()) plan.target += "?" + std::string(url->query);
  if (is_raw) plan.protocol = Protocol::raw;
  if (settings.socketio) {
    plan.protocol = Protocol::socketio;
    choose_events(settings, *url, plan);
  }
  return url->scheme == ws::Url::Scheme::wss ? choose_tls(settings, plan) : Complaint{};
}

Complaint contradiction(const BenchSettings& settings) {
  const bench::Plan& plan = settings.plan;
  if (plan.threads > plan.connections) return "there are more threads than connections";
  if (plan.rate > 0 && plan.mode != Mode::echo) return "--rate is for --mode echo";
  if (plan.messages != 0 && plan.mode == Mode::idle) return "--mode idle has no --messages";
  if (plan.duration.nanoseconds <= 0 || plan.interval.nanoseconds <= 0) {
    return "--duration and --interval have to be longer than nothing";
  }
  if (settings.socketio && plan.deflate) return "--socketio and --deflate do not go together";
  return {};
}

}  // namespace

std::vector<FlagGroup> bench_flags(BenchSettings& settings) {
  return {load_flags(settings), time_flags(settings), server_flags(settings),
          socketio_flags(settings), report_flags(settings)};
}

MadePlan make_plan(const BenchSettings& settings, const std::string& url) {
  MadePlan made{.plan = settings.plan, .complaint = contradiction(settings)};
  if (!made.complaint) made.complaint = choose_target(settings, url, made.plan);
  if (!made.complaint) made.complaint = choose_sources(settings, made.plan);
  return made;
}

}  // namespace hilo::tools

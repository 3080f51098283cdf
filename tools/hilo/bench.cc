// SPDX-License-Identifier: MIT

#include "tools/hilo/bench.h"

#include <csignal>
#include <fstream>
#include <memory>
#include <utility>

#include "net/socket.h"
#include "tools/bench/compare.h"
#include "tools/bench/panel.h"
#include "tools/bench/report.h"
#include "tools/bench/run.h"
#include "tools/hilo/bench_settings.h"
#include "tools/hilo/standard_io.h"

namespace hilo::tools {
namespace {

constexpr char description[] =
    "  Opens connections to a server, keeps them busy and reports how many messages\n"
    "  there were, how long each took, and what they cost the server.\n"
    "    closed loop  each connection keeps --in-flight messages on their way; a\n"
    "                 slow server is asked less\n"
    "    open loop    --rate messages a second leave by a plan, and each latency\n"
    "                 counts from its planned time: what users see of a stall\n"
    "    fanout       one connection sends, and all of them receive (/broadcast)\n"
    "    connect      connections open and close, --connections at once\n"
    "    idle         connections open and are silent; --pid: bytes of each\n"
    "  All bytes are made before the clock starts, and answers are counted by their\n"
    "  headers. Where the generator was the limit all the same, the report says so.\n"
    "  tcp://HOST:PORT is a server that sends bytes back without any protocol.\n";

constexpr char examples[] =
    "  hilo bench ws://127.0.0.1:8080/echo\n"
    "  hilo bench -c 64 -i 16 -s 1KiB --pid 4711 ws://127.0.0.1:8080/echo\n"
    "  hilo bench --rate 20000 --expect 'p99<5ms' ws://127.0.0.1:8080/echo\n"
    "  hilo bench --mode fanout -c 1000 ws://127.0.0.1:8080/broadcast\n"
    "  hilo bench --mode idle -c 10000 --pid 4711 ws://127.0.0.1:8080/echo\n"
    "  hilo bench --socketio -c 64 -i 16 ws://127.0.0.1:8080/\n"
    "  hilo bench --compare ws://127.0.0.1:8080/echo --rounds 5 \\\n"
    "      --pid 4711 --pid 4712 ws://127.0.0.1:9001/\n"
    "  hilo bench --html report.html --rounds 3 ws://127.0.0.1:8080/echo\n";

constexpr char values[] =
    "  SIZE  bytes, or 64KiB, 1MiB, 2GiB\n"
    "  TIME  seconds, or 50us, 500ms, 10s, 2min, 1h\n";

constexpr char exit_codes[] =
    "  0    measured, and all that was expected was reached\n"
    "  1    the run could not be made, or a connection failed in it\n"
    "  2    wrong usage\n"
    "  3    something that --expect named was not reached\n";

constexpr int exit_disappointed = 3;

int failure(std::string_view what, int code = exit_failure) {
  print_error("hilo bench: " + std::string(what));
  return code;
}

// The first Ctrl-C ends the run with what was measured so far, the second one ends the process.
volatile std::sig_atomic_t interrupted = 0;

void catch_interrupt() {
  std::signal(SIGINT, [](int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);
  });
}

bench::RunOptions run_options(const BenchSettings& settings, std::size_t place, std::string label,
                              const std::shared_ptr<bench::Panel>& panel) {
  bench::RunOptions options;
  options.label = std::move(label);
  if (place < settings.pids.size()) options.pid = settings.pids[place];
  options.is_interrupted = [] { return interrupted != 0; };
  if (is_terminal(standard_error)) {
    options.on_progress = [panel](const std::string& phase, const bench::Result& so_far) {
      static_cast<void>(write_without_waiting(standard_error, panel->show(phase, so_far)));
    };
  }
  return options;
}

void clear(bench::Panel& panel) {
  static_cast<void>(write_without_waiting(standard_error, panel.clear()));
}

bool write_file(const std::string& name, const std::string& text) {
  std::ofstream file(name, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file) failure("cannot write " + name);
  return static_cast<bool>(file);
}

bool write_files(const BenchSettings& settings, const bench::Plan& plan,
                 const std::vector<bench::Result>& results) {
  bool written = true;
  if (!settings.html_file.empty()) {
    written = write_file(settings.html_file, bench::html_report(plan, results));
  }
  if (!settings.hgrm_file.empty()) {
    bench::LatencyHistogram all;
    for (const bench::Result& each : results) all.add(each.total.latency);
    written = write_file(settings.hgrm_file, all.to_hgrm()) && written;
  }
  return written;
}

// The exit code that the results deserve.
int judge(const BenchSettings& settings, const std::vector<bench::Result>& results) {
  int code = exit_ok;
  for (const bench::Result& result : results) {
    for (const bench::Expectation& each : settings.expectations) {
      if (const auto what = bench::disappointment(each, result)) {
        code = failure(*what, exit_disappointed);
      }
    }
  }
  for (const bench::Result& result : results) {
    if (!result.error.empty()) return failure(result.error);
    if (result.total.failed > 0) code = exit_failure;
  }
  return code;
}

int run_alone(const BenchSettings& settings) {
  const MadePlan made = make_plan(settings, settings.url);
  if (made.complaint) return failure(*made.complaint, exit_usage);
  const auto panel = std::make_shared<bench::Panel>(made.plan);
  std::vector<bench::Result> results;
  for (unsigned round = 0; round < settings.rounds && interrupted == 0; ++round) {
    const std::string label = settings.rounds > 1 ? "run " + std::to_string(round + 1) : "";
    results.push_back(bench::run(made.plan, run_options(settings, 0, label, panel)));
    clear(*panel);
    print_text(settings.json ? bench::json_report(made.plan, results.back()) + "\n"
                             : bench::text_report(made.plan, results.back()));
    if (!results.back().error.empty()) break;
  }
  if (!write_files(settings, made.plan, results)) return exit_failure;
  return judge(settings, results);
}

int run_comparison(const BenchSettings& settings) {
  if (!settings.hgrm_file.empty()) {
    return failure("--hgrm is for one server, and --compare has two", exit_usage);
  }
  const MadePlan a = make_plan(settings, settings.compared_url);
  if (a.complaint) return failure(*a.complaint, exit_usage);
  const MadePlan b = make_plan(settings, settings.url);
  if (b.complaint) return failure(*b.complaint, exit_usage);
  const auto panel = std::make_shared<bench::Panel>(a.plan);
  const bench::Contender first{a.plan, run_options(settings, 0, settings.compared_url, panel)};
  const bench::Contender second{b.plan, run_options(settings, 1, settings.url, panel)};
  const auto results = bench::run_in_turns(first, second, settings.rounds);
  clear(*panel);
  print_text(settings.json ? bench::comparison_json(first, second, results) + "\n"
                           : bench::comparison_text(first, second, results));
  if (!write_files(settings, b.plan, results)) return exit_failure;
  return judge(settings, results);
}

int run(const BenchSettings& settings) {
  catch_interrupt();
  static_cast<void>(net::socket::raise_descriptor_limit());
  return settings.compared_url.empty() ? run_alone(settings) : run_comparison(settings);
}

}  // namespace

Command bench_command() {
  const auto settings = std::make_shared<BenchSettings>();
  Command command;
  command.name = "bench";
  command.summary = "measure a WebSocket or Socket.IO server under load";
  command.arguments = {
      Argument{.name = "URL", .take = [settings](std::string_view value) -> Complaint {
                 settings->url = value;
                 return {};
               }}};
  command.before = {{"What it does", description}, {"Examples", examples}, {"Values", values}};
  command.groups = bench_flags(*settings);
  command.after = {{"Exit codes", exit_codes}};
  command.run = [settings] { return run(*settings); };
  return command;
}

}  // namespace hilo::tools

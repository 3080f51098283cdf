// SPDX-License-Identifier: MIT

#include "tools/hilo/conform.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <utility>

#include "net/clock.h"
#include "net/tls.h"
#include "tools/conform/cases.h"
#include "tools/conform/report.h"
#include "tools/conform/runner.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/look_up.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/tls_flags.h"
#include "ws/core/url.h"

namespace hilo::tools {
namespace {

using conform::Case;
using conform::CaseResult;

constexpr char description[] =
    "  Plays several hundred cases, one connection each, and judges what comes back:\n"
    "  how the peer behaved and, apart from that, how it closed.\n"
    "    hilo conform URL            tests the server there; it has to send every\n"
    "                                message back as it came, text and binary\n"
    "    hilo conform --listen ADDR  tests clients: each connection is one case, and\n"
    "                                the client has to send every message back;\n"
    "                                --run starts one for each case\n"
    "  A case has a number that stays the same, as 6.4.2; its family is 6.\n";

constexpr char verdicts[] =
    "  ok             as the rules want it\n"
    "  informational  the rules leave it open\n"
    "  unimplemented  the peer declined what the case is about\n"
    "  non_strict     a SHOULD was not followed, or an error noticed late\n"
    "  failed         a rule was broken\n"
    "  The worse one of behaviour and closing counts.\n";

constexpr char examples[] =
    "  hilo conform ws://127.0.0.1:8080/echo\n"
    "  hilo conform --case 6.4 --verbose ws://127.0.0.1:8080/echo\n"
    "  hilo conform --format html --output report.html ws://127.0.0.1:8080/echo\n"
    "  hilo conform --message-bytes 1MiB ws://127.0.0.1:8080/echo\n"
    "  hilo conform --ca-file ca.pem wss://127.0.0.1:8443/echo\n"
    "  hilo conform --listen 127.0.0.1:0 --run 'hilo connect --quiet --echo'\n";

constexpr char values[] =
    "  ADDR  127.0.0.1:8080, [::1]:8080, unix:/path; port 0 lets the kernel choose\n"
    "  SIZE  bytes, or 64KiB, 1MiB, 2GiB\n"
    "  TIME  seconds, or 500ms, 10s, 2min, 1h\n";

constexpr char exit_codes[] =
    "  0    nothing failed\n"
    "  1    a case failed, or the run could not be made\n"
    "  2    wrong usage\n";

struct ConformSettings {
  std::string url;
  std::string listen;
  std::string command;
  std::vector<std::string> picks;
  std::string format = "text";
  std::string output;
  conform::Settings run;
  TlsConformSettings tls;
  std::size_t parallel = 16;
  bool list = false;
  bool verbose = false;
};

FlagGroup what_flags(ConformSettings& settings) {
  FlagGroup group{.title = "What is tested", .flags = {}};
  group.flags.push_back(text_flag({.name = "--listen",
                                   .value = "ADDR",
                                   .text = "test clients that connect here, not a server",
                                   .short_name = {}},
                                  settings.listen));
  group.flags.push_back(text_flag({.name = "--run",
                                   .value = "COMMAND",
                                   .text = "with --listen: start this by the shell for each case; "
                                           "it connects to $URL, which is put behind the command "
                                           "if that does not name it",
                                   .short_name = {}},
                                  settings.command));
  group.flags.push_back(texts_flag({.name = "--case",
                                    .value = "ID",
                                    .text = "only this case, family or pattern, as 6.4.2, 6, '*.1'",
                                    .short_name = {}},
                                   settings.picks));
  group.flags.push_back(switch_flag({.name = "--performance",
                                     .value = {},
                                     .text = "also messages of up to 16 MiB and 65,536 fragments; "
                                             "the peer has to accept them",
                                     .short_name = {}},
                                    settings.run.performance));
  group.flags.push_back(number_flag({.name = "--message-bytes",
                                     .value = "SIZE",
                                     .text = "the peer accepts messages of so many bytes and not "
                                             "one more; without it the limit is not tested",
                                     .short_name = {}},
                                    {.least = 1024, .most = std::uint64_t{64} << 20},
                                    settings.run.message_bytes));
  return group;
}

FlagGroup how_flags(ConformSettings& settings) {
  FlagGroup group{.title = "How", .flags = {}};
  Flag timeout = duration_flag({.name = "--timeout",
                                .value = "TIME",
                                .text = "how long an answer may take",
                                .short_name = {}},
                               settings.run.patience);
  timeout.preset = "5s";
  Flag parallel = number_flag(
      {.name = "--parallel", .value = "N", .text = "connections at once", .short_name = {}},
      {1, 1000}, settings.parallel);
  parallel.preset = "16";
  group.flags = {std::move(timeout), std::move(parallel)};
  return group;
}

FlagGroup report_flags(ConformSettings& settings) {
  FlagGroup group{.title = "The report", .flags = {}};
  Flag format = choice_flag({.name = "--format",
                             .value = "text|json|junit|html",
                             .text = "how it is written",
                             .short_name = {}},
                            {"text", "json", "junit", "html"}, settings.format);
  format.preset = "text";
  group.flags.push_back(std::move(format));
  group.flags.push_back(text_flag({.name = "--output",
                                   .value = "FILE",
                                   .text = "where to; the summary still goes to stderr [stdout]",
                                   .short_name = {}},
                                  settings.output));
  group.flags.push_back(switch_flag({.name = "--verbose",
                                     .value = {},
                                     .text = "in text: every case, with its wire log",
                                     .short_name = {}},
                                    settings.verbose));
  group.flags.push_back(switch_flag(
      {.name = "--list", .value = {}, .text = "print the cases and play none", .short_name = {}},
      settings.list));
  return group;
}

int failure(std::string_view what) {
  print_error("hilo conform: " + std::string(what));
  return exit_failure;
}

std::vector<Case> picked_cases(const ConformSettings& settings) {
  std::vector<Case> cases = conform::all_cases(settings.run);
  std::erase_if(cases, [&](const Case& each) {
    const auto picks = [&](const std::string& pick) { return conform::is_picked(each.id, pick); };
    return !settings.picks.empty() &&
           std::none_of(settings.picks.begin(), settings.picks.end(), picks);
  });
  return cases;
}

int print_list(const std::vector<Case>& cases) {
  std::string text;
  for (const Case& each : cases) {
    text += each.id + "\t" + each.title + "\t" + each.section + "\n";
  }
  print_text(text);
  return exit_ok;
}

// A line that moves, for a person who waits; a log gets none.
void show_progress(std::size_t done, std::size_t total) {
  constexpr std::size_t width = 40;
  const std::size_t filled = width * done / total;
  std::string line = "\r[" + std::string(filled, '=') + std::string(width - filled, ' ') + "] ";
  line += std::to_string(done) + "/" + std::to_string(total);
  if (done == total) line += "\n";
  static_cast<void>(write_without_waiting(standard_error, line));
}

std::string write_report(const ConformSettings& settings, const conform::ReportHead& head,
                         const std::vector<CaseResult>& results) {
  if (settings.format == "json") return conform::json_report(head, results);
  if (settings.format == "junit") return conform::junit_report(head, results);
  if (settings.format == "html") return conform::html_report(head, results);
  return conform::text_report(head, results, settings.verbose);
}

int report(const ConformSettings& settings, const conform::ReportHead& head,
           const std::vector<CaseResult>& results) {
  const std::string text = write_report(settings, head, results);
  const conform::Totals totals = conform::count(results);
  if (settings.output.empty()) {
    print_text(text);
  } else {
    std::ofstream file(settings.output, std::ios::binary | std::ios::trunc);
    file << text << std::flush;
    if (!file) return failure("cannot write " + settings.output);
  }
  if (!settings.output.empty() || settings.format != "text") {
    print_error(conform::summary(totals));
  }
  return totals.failed == 0 ? exit_ok : exit_failure;
}

// What is tested, and how it is reached. False: it was told why not.
bool prepare_server(ConformSettings& settings, conform::RunOptions& options) {
  const auto refuse = [&](std::string_view why) {
    failure(settings.url + ": " + std::string(why));
    return false;
  };
  const Result<ws::Url> url = ws::parse_url(settings.url);
  if (!url) return refuse(url.error().message());
  Result<std::vector<net::Address>> addresses = look_up(*url);
  if (!addresses) return refuse(addresses.error().message());
  options.addresses = std::move(*addresses);
  settings.run.host = url->authority;
  settings.run.path = url->path;
  if (!url->query.empty()) settings.run.path += "?" + std::string(url->query);
  if (!settings.run.tls) return true;

  options.tls_name = url->host;
  const TlsConformSettings& from = settings.tls;
  std::string detail;
  auto context = net::tls::ClientContext::create(
      {.ca_file = from.ca_file,
       .certificate = {.certificate = from.certificate_file, .key = from.key_file},
       .insecure = from.insecure},
      &detail);
  if (!context) return refuse("TLS: " + detail);
  options.tls_to_server = std::move(*context);
  return true;
}

bool prepare_clients(ConformSettings& settings, conform::RunOptions& options) {
  const Result<net::Address> address = net::Address::parse(settings.listen);
  if (!address) {
    failure(settings.listen + " is no address");
    return false;
  }
  options.addresses = {*address};
  options.command = settings.command;
  options.on_listening = [](const net::Address& bound) {
    print_error("listening on " + bound.to_string());
  };
  const TlsConformSettings& from = settings.tls;
  if (!settings.run.tls) return true;
  net::tls::ServerOptions tls;
  if (!from.self_signed) tls.certificates = {{from.certificate_file, from.key_file}};
  tls.self_signed = from.self_signed;
  std::string detail;
  auto context = net::tls::ServerContext::create(std::move(tls), &detail);
  if (!context) {
    failure("TLS: " + detail);
    return false;
  }
  options.tls_to_clients = std::move(*context);
  return true;
}

int usage(std::string_view what) {
  print_error("hilo conform: " + std::string(what) + " (see hilo conform --help)");
  return exit_usage;
}

int run(ConformSettings& settings) {
  settings.run.tested = settings.listen.empty() ? conform::Side::server : conform::Side::client;
  const bool tests_clients = settings.run.tested == conform::Side::client;
  if (tests_clients) settings.run.tls = settings.tls.serves();
  const std::vector<Case> cases = picked_cases(settings);
  if (cases.empty()) return failure("no case has that number");
  if (settings.list) return print_list(cases);
  if (tests_clients != settings.url.empty()) return usage("either URL or --listen is wanted");
  if (const Complaint complaint = check(settings.tls)) return usage(*complaint);

  conform::RunOptions options;
  conform::ReportHead head;
  head.agent = "hilo conform " HILO_VERSION;
  head.tested = "server " + settings.url;
  if (tests_clients) {
    head.tested = "client" + (settings.command.empty() ? "" : ": " + settings.command);
  }
  if (!(tests_clients ? prepare_clients : prepare_server)(settings, options)) return exit_failure;
  options.settings = settings.run;
  options.parallel = settings.parallel;
  if (is_terminal(standard_error)) options.on_progress = show_progress;

  const net::Time began = net::clock_now();
  const auto results = tests_clients ? conform::run_against_clients(cases, options)
                                     : conform::run_against_server(cases, options);
  if (!results) return failure(results.error().message());
  head.milliseconds = (net::clock_now() - began).to_milliseconds();
  return report(settings, head, *results);
}

Complaint take_url(std::string_view value, ConformSettings& settings) {
  const Result<ws::Url> url = ws::parse_url(value);
  if (!url) return "is no WebSocket address: " + url.error().message();
  settings.url = value;
  settings.run.tls = url->scheme == ws::Url::Scheme::wss;
  return {};
}

}  // namespace

Command conform_command() {
  const auto settings = std::make_shared<ConformSettings>();
  Command command;
  command.name = "conform";
  command.summary = "test a WebSocket server or client against the RFCs";
  command.arguments = {
      Argument{.name = "URL",
               .take = [settings](std::string_view v) { return take_url(v, *settings); },
               .optional = true}};
  command.before = {{"What it does", description}, {"Examples", examples}, {"Values", values}};
  command.groups = {what_flags(*settings), how_flags(*settings), tls_conform_flags(settings->tls),
                    report_flags(*settings)};
  command.after = {{"Verdicts", verdicts}, {"Exit codes", exit_codes}};
  command.run = [settings] { return run(*settings); };
  return command;
}

}  // namespace hilo::tools

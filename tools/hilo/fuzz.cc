// SPDX-License-Identifier: MIT

#include "tools/hilo/fuzz.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "tools/explain/explainer.h"
#include "tools/fuzz/campaign.h"
#include "tools/fuzz/report.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/look_up.h"
#include "tools/hilo/standard_io.h"
#include "ws/core/url.h"

namespace hilo::tools {
namespace {

using fuzz::Level;
using fuzz::Protocol;

constexpr char description[] =
    "  Plays cases against the server at URL, one connection each, and behind each of\n"
    "  them a clean connection, which shows whether the server still serves:\n"
    "    legal      breaks no rule; what is due is known exactly\n"
    "    one-fault  breaks one rule, which has a right answer\n"
    "    noise      random bytes, or what is legal with some of its bytes changed\n"
    "  How the bytes are cut into writes, and the pauses between them, vary as well.\n"
    "  The same seed sends the same bytes. What is found is made smaller, and saved\n"
    "  as a file that --replay plays and explains. Only fuzz what is yours.\n";

constexpr char examples[] =
    "  hilo fuzz --expect-echo ws://127.0.0.1:8080/echo\n"
    "  hilo fuzz --seed 7 --cases 5000 --save found ws://127.0.0.1:8080/echo\n"
    "  hilo fuzz --level noise --time 10min ws://127.0.0.1:8080/echo\n"
    "  hilo fuzz --expect-echo ws://127.0.0.1:8080/socket.io/\n"
    "  hilo fuzz --replay found/hang-rsv-12.txt ws://127.0.0.1:8080/echo\n";

constexpr char values[] =
    "  SIZE  bytes, or 64KiB, 1MiB, 2GiB\n"
    "  TIME  seconds, or 500ms, 10s, 2min, 1h\n";

constexpr char exit_codes[] =
    "  0    nothing was found\n"
    "  1    something was found, or the run could not be made\n"
    "  2    wrong usage\n";

struct FuzzSettings {
  std::string url;
  fuzz::Plan plan;
  fuzz::Grammar grammar;
  std::vector<std::string> levels;
  std::string protocol;
  std::string revisions = "4";
  net::Duration patience = net::Duration::seconds(5);
  std::string replay;
  std::string save;
  std::string format = "text";
  std::string output;
  std::string ca_file;
  bool insecure = false;
};

int fuzz_failure(std::string_view what) {
  print_error("hilo fuzz: " + std::string(what));
  return exit_failure;
}

std::string classes_text() {
  std::string text;
  for (std::size_t i = 0; i != fuzz::class_count; ++i) {
    const auto kind = static_cast<fuzz::Class>(i);
    std::string name{to_string(kind)};
    name.resize(16, ' ');
    text += "  " + name + std::string(meaning(kind)) + "\n";
  }
  return text;
}

// --- flags ---------------------------------------------------------------------------------------

FlagGroup what_is_played(FuzzSettings& s) {
  FlagGroup group{.title = "What is played", .flags = {}};
  Flag seed = number_flag({"--seed", "N", "where chance begins", {}}, {}, s.plan.seed);
  seed.preset = "1";
  Flag first = number_flag({"--first", "N", "the number of the first case", {}}, {}, s.plan.first);
  first.preset = "0";
  Flag cases = number_flag({"--cases", "N", "how many", {}}, {.least = 1}, s.plan.cases);
  cases.preset = "1000";
  group.flags = {
      std::move(seed),
      std::move(first),
      std::move(cases),
      duration_flag({"--time", "TIME", "no case begins later; 0: no limit", {}}, s.plan.time),
      {.name = "--level",
       .short_name = {},
       .value = "legal|one-fault|noise",
       .text = "only cases of this level",
       .preset = {},
       .repeatable = true,
       .take = [&s](std::string_view value) -> Complaint {
         if (!fuzz::find_level(value)) return "is none of legal, one-fault, noise";
         s.levels.emplace_back(value);
         return {};
       }},
      text_flag({"--replay", "FILE", "play the case in this file, and explain it", {}}, s.replay)};
  return group;
}

FlagGroup about_the_server(FuzzSettings& s) {
  FlagGroup group{.title = "What is known of the server", .flags = {}};
  Flag protocol = choice_flag({"--protocol",
                               "ws|engineio|socketio",
                               "what it speaks [by the path: /socket.io, /engine.io, else ws]",
                               {}},
                              {"ws", "engineio", "socketio"}, s.protocol);
  Flag revisions =
      choice_flag({"--revisions", "4|3|both", "of Engine.IO", {}}, {"4", "3", "both"}, s.revisions);
  revisions.preset = "4";
  Flag event = text_flag({"--event",
                          "NAME",
                          "with --expect-echo: a Socket.IO event that is answered with its own "
                          "arguments",
                          {}},
                         s.grammar.event);
  event.preset = "echo";
  Flag size =
      number_flag({"--message-bytes", "SIZE", "it accepts messages of so many bytes", {}},
                  {.least = 300, .most = std::uint64_t{1} << 24}, s.grammar.message_bytes_max);
  size.preset = "70000";
  group.flags = {switch_flag({"--expect-echo", {}, "messages have to come back as sent", {}},
                             s.grammar.expects_echo),
                 std::move(protocol), std::move(revisions), std::move(event), std::move(size)};
  return group;
}

FlagGroup how_it_is_done(FuzzSettings& s) {
  FlagGroup group{.title = "How", .flags = {}};
  Flag timeout =
      duration_flag({"--timeout", "TIME", "how long an answer may take", {}}, s.patience);
  timeout.preset = "5s";
  Flag minimise = number_flag(
      {"--minimise", "N", "play up to so many cases to make each finding smaller; 0: none", {}},
      {.most = 100000}, s.plan.minimising_runs);
  minimise.preset = "200";
  group.flags = {
      std::move(timeout), std::move(minimise),
      text_flag({"--ca-file", "FILE", "trust these CAs instead of the system's", {}}, s.ca_file),
      switch_flag({"--insecure", {}, "accept any certificate", {}}, s.insecure)};
  return group;
}

FlagGroup fuzz_report_flags(FuzzSettings& s) {
  FlagGroup group{.title = "The report", .flags = {}};
  Flag format =
      choice_flag({"--format", "text|json", "how it is written", {}}, {"text", "json"}, s.format);
  format.preset = "text";
  group.flags = {text_flag({"--save", "FOLDER", "write a file for each finding there", {}}, s.save),
                 std::move(format),
                 text_flag({"--output", "FILE", "where the report goes [stdout]", {}}, s.output)};
  return group;
}

Complaint take_fuzzed_url(std::string_view value, FuzzSettings& settings) {
  const Result<ws::Url> url = ws::parse_url(value);
  if (!url) return "is no WebSocket address: " + url.error().message();
  settings.url = value;
  return {};
}

// --- runs ----------------------------------------------------------------------------------------

Protocol protocol_of(std::string_view path) {
  if (path.starts_with("/socket.io")) return Protocol::socketio;
  return path.starts_with("/engine.io") ? Protocol::engineio : Protocol::ws;
}

// False: it was told why not.
bool prepare(FuzzSettings& settings, fuzz::Server& server) {
  const auto refuse = [&](std::string_view why) {
    fuzz_failure(settings.url + ": " + std::string(why));
    return false;
  };
  const Result<ws::Url> url = ws::parse_url(settings.url);
  if (!url) return refuse(url.error().message());
  Result<std::vector<net::Address>> addresses = look_up(*url);
  if (!addresses) return refuse(addresses.error().message());
  server.addresses = std::move(*addresses);
  server.patience = settings.patience;

  fuzz::Grammar& grammar = settings.grammar;
  grammar.authority = url->authority;
  grammar.path = url->path;
  if (!url->query.empty()) grammar.path += "?" + std::string(url->query);
  grammar.protocol = fuzz::find_protocol(settings.protocol).value_or(protocol_of(url->path));
  grammar.tls = url->scheme == ws::Url::Scheme::wss;
  if (settings.revisions == "3") grammar.revisions = {3};
  if (settings.revisions == "both") grammar.revisions = {4, 3};
  settings.plan.url = settings.url;
  if (!settings.levels.empty()) settings.plan.levels.clear();
  for (const std::string& level : settings.levels) {
    settings.plan.levels.push_back(*fuzz::find_level(level));
  }
  if (!grammar.tls) return true;
  std::string detail;
  auto context = net::tls::ClientContext::create(
      {.ca_file = settings.ca_file, .certificate = {}, .insecure = settings.insecure}, &detail);
  if (!context) return refuse("TLS: " + detail);
  server.tls = std::move(*context);
  server.tls_name = url->host;
  return true;
}

void show_fuzz_progress(std::uint64_t done, std::size_t groups, std::uint64_t cases) {
  std::string line = "\r" + std::to_string(done) + "/" + std::to_string(cases) + " cases, " +
                     std::to_string(groups) + " findings";
  if (done == cases) line += "\n";
  static_cast<void>(write_without_waiting(standard_error, line));
}

bool write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  return file.good();
}

// The names of the files, or nothing if one cannot be written.
std::optional<std::vector<std::string>> save_groups(const std::string& folder,
                                                    const fuzz::Outcome& outcome) {
  std::vector<std::string> files;
  if (folder.empty()) return files;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const fuzz::Group& group : outcome.groups) {
    const std::filesystem::path path = std::filesystem::path(folder) / file_name(group);
    if (!write_file(path, write_reproducer(group.first))) return std::nullopt;
    files.push_back(path.string());
  }
  return files;
}

int run_campaign(FuzzSettings& settings, const fuzz::Server& server) {
  const fuzz::Plan& plan = settings.plan;
  const bool shows = is_terminal(standard_error);
  fuzz::Campaign campaign(plan, settings.grammar, server,
                          [&](std::uint64_t done, std::size_t groups) {
                            if (shows) show_fuzz_progress(done, groups, plan.cases);
                          });
  const fuzz::Outcome outcome = campaign.run();
  const auto files = save_groups(settings.save, outcome);
  const std::vector<std::string> names = files.value_or(std::vector<std::string>());
  const std::string text = settings.format == "json" ? json_report(plan, outcome, names)
                                                     : text_report(plan, outcome, names);
  if (settings.output.empty()) {
    print_text(text);
  } else if (!write_file(settings.output, text)) {
    return fuzz_failure("cannot write " + settings.output);
  }
  // What was found is told all the same.
  if (!files) return fuzz_failure("cannot write to " + settings.save);
  return outcome.groups.empty() && outcome.trouble.empty() ? exit_ok : exit_failure;
}

// What passes on the connections of the case, in words, and what is found then.
int run_replay(FuzzSettings& settings, const fuzz::Server& server) {
  std::ifstream file(settings.replay, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fuzz_failure("cannot read " + settings.replay);
  std::size_t line = 0;
  const auto saved = fuzz::read_reproducer(text.str(), line);
  if (!saved) {
    return fuzz_failure(settings.replay + ": line " + std::to_string(line) + " is not understood");
  }
  settings.grammar.protocol = saved->subject.protocol;
  const fuzz::Case clean = make_clean_case(settings.grammar, saved->subject.seed, 0);

  std::vector<std::unique_ptr<explain::Explainer>> told;
  for (const char* name : {"case", "case, second connection"}) {
    explain::Style style;
    style.name = name;
    told.push_back(
        std::make_unique<explain::Explainer>(trace::DialogueOptions{}, style, print_text));
  }
  fuzz::Player player(server);
  if (!player.status()) return fuzz_failure(player.status().error().message());
  player.watch([&](std::size_t which, bool received, std::string_view bytes) {
    if (which < told.size()) {
      told[which]->add(received ? trace::Direction::to_client : trace::Direction::to_server,
                       as_bytes(bytes));
    }
  });
  const fuzz::Observation seen = player.play(saved->subject);
  player.watch(nullptr);
  player.hold();
  std::optional<fuzz::Finding> finding = judge_liveness(clean, player.play(clean));
  if (!finding) finding = judge(saved->subject, seen);
  if (!finding) {
    // A server may die of how the connections end.
    player.release();
    finding = judge_liveness(clean, player.play(clean));
  }
  if (!finding) {
    print_text("nothing was found\n");
    return exit_ok;
  }
  print_text(std::string(to_string(finding->kind)) + ": " + conform::shown(finding->detail) + "\n");
  return exit_failure;
}

int run(FuzzSettings& settings) {
  fuzz::Server server;
  if (!prepare(settings, server)) return exit_failure;
  return settings.replay.empty() ? run_campaign(settings, server) : run_replay(settings, server);
}

}  // namespace

Command fuzz_command() {
  const auto settings = std::make_shared<FuzzSettings>();
  Command command;
  command.name = "fuzz";
  command.summary = "find what a server cannot stand, and what it gets wrong";
  command.arguments = {Argument{.name = "URL", .take = [settings](std::string_view value) {
                                  return take_fuzzed_url(value, *settings);
                                }}};
  command.before = {{"What it does", description}, {"Examples", examples}, {"Values", values}};
  command.groups = {what_is_played(*settings), about_the_server(*settings),
                    how_it_is_done(*settings), fuzz_report_flags(*settings)};
  command.after = {{"What is found", classes_text()}, {"Exit codes", exit_codes}};
  command.run = [settings] { return run(*settings); };
  return command;
}

}  // namespace hilo::tools

// SPDX-License-Identifier: MIT

#include "tools/hilo/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "tools/hilo/help.h"
#include "tools/hilo/standard_io.h"

namespace hilo::tools {
namespace {

int usage_error(std::string_view program, std::string_view what) {
  std::string line{program};
  line.append(": ").append(what).append(" (see ").append(program).append(" --help)");
  print_error(line);
  return exit_usage;
}

// "--listen: nowhere is not an address" for the value that `take` did not like.
void give(const std::string& name, const std::function<Complaint(std::string_view)>& take,
          const std::string& value) {
  if (const Complaint complaint = take(value)) {
    throw CLI::ValidationError(name, "'" + value + "' " + *complaint);
  }
}

void add_flag(CLI::App& app, const Flag& flag) {
  const std::string names = flag.short_name.empty() ? flag.name : flag.short_name + "," + flag.name;
  if (flag.value.empty()) {
    app.add_flag_callback(names, [&flag] { give(flag.name, flag.take, ""); });
    return;
  }
  CLI::Option* option = app.add_option(names, [&flag](const CLI::results_t& values) {
    for (const std::string& value : values) give(flag.name, flag.take, value);
    return true;
  });
  // One word for each use, never the words behind it.
  option->type_size(1)->expected(1)->multi_option_policy(
      flag.repeatable ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
}

// Words that are no flag and no flag's value, or why one of them cannot be meant. Behind "--"
// nothing is a flag.
Complaint take_words(const std::vector<std::string>& words, std::vector<std::string>& arguments) {
  bool all_behind = false;
  for (const std::string& word : words) {
    if (!all_behind && word == "--") {
      all_behind = true;
    } else if (!all_behind && word.size() > 1 && word.front() == '-') {
      return "unknown flag " + word;
    } else {
      arguments.push_back(word);
    }
  }
  return {};
}

Complaint give_arguments(const Command& command, const std::vector<std::string>& words) {
  std::size_t taken = 0;
  for (const Argument& argument : command.arguments) {
    if (taken == words.size() && !argument.optional) return argument.name + " is missing";
    const std::size_t end = argument.repeatable ? words.size() : std::min(taken + 1, words.size());
    for (; taken < end; ++taken) {
      if (const Complaint complaint = argument.take(words[taken])) {
        return argument.name + ": '" + words[taken] + "' " + *complaint;
      }
    }
  }
  if (taken < words.size()) return "unexpected argument '" + words[taken] + "'";
  return {};
}

std::string describe(const CLI::ParseError& error) {
  const std::string what = error.what();
  // "--listen: 1 required  missing": how the parser says that there was no value.
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
    return what.substr(0, what.find(':')) + " needs a value";
  }
  return what;
}

// `words`: of the command line, but for the command's name. Parsed by themselves, so that the name
// of another command is a word like any other.
int run_command(const Command& command, std::vector<std::string> words) {
  const std::string program = "hilo " + command.name;
  CLI::App app;
  bool help = false;
  app.set_help_flag();
  app.add_flag("-h,--help", help);
  // What is left over is looked at here, and told in our own words.
  app.allow_extras();
  for (const FlagGroup& group : command.groups) {
    for (const Flag& flag : group.flags) add_flag(app, flag);
  }
  std::reverse(words.begin(), words.end());  // as the parser wants it
  Complaint complaint;
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    complaint = describe(error);
  }
  // A command whose help is asked for need not be complete or right.
  if (help) {
    print_text(command_help(command));
    return exit_ok;
  }
  std::vector<std::string> arguments;
  if (!complaint) complaint = take_words(app.remaining(), arguments);
  if (!complaint) complaint = give_arguments(command, arguments);
  return complaint ? usage_error(program, *complaint) : command.run();
}

}  // namespace

int run_command_line(std::span<const Command> commands, int argc, const char* const* argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto name = std::find_if(words.begin(), words.end(),
                                 [](const std::string& word) { return !word.starts_with('-'); });
  if (name != words.end()) {
    const auto command = std::find_if(commands.begin(), commands.end(),
                                      [&name](const Command& each) { return each.name == *name; });
    if (command == commands.end()) {
      return usage_error("hilo", "unknown command or flag '" + *name + "'");
    }
    words.erase(name);
    return run_command(*command, std::move(words));
  }
  const auto has = [&words](std::string_view flag) {
    return std::find(words.begin(), words.end(), flag) != words.end();
  };
  for (const std::string& word : words) {
    if (word == "-h" || word == "--help" || word == "--version") continue;
    return usage_error("hilo", "unknown command or flag '" + word + "'");
  }
  if (has("--version")) {
    print_text("hilo " HILO_VERSION "\n");
    return exit_ok;
  }
  if (has("-h") || has("--help")) {
    print_text(program_help(commands));
    return exit_ok;
  }
  return usage_error("hilo", "a command is missing");
}

}  // namespace hilo::tools

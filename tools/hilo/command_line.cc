// SPDX-License-Identifier: MIT

#include "tools/hilo/command_line.h"

#include <CLI/CLI.hpp>

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

void add_command(CLI::App& app, const Command& command, bool& help) {
  CLI::App* sub = app.add_subcommand(command.name);
  sub->set_help_flag();
  sub->add_flag("-h,--help", help);
  // What is left over is told in our own words.
  sub->allow_extras();
  for (const FlagGroup& group : command.groups) {
    for (const Flag& flag : group.flags) add_flag(*sub, flag);
  }
  for (const Argument& argument : command.arguments) {
    CLI::Option* option = sub->add_option(argument.name, [&argument](const CLI::results_t& values) {
      for (const std::string& value : values) give(argument.name, argument.take, value);
      return true;
    });
    if (!argument.repeatable) continue;
    option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
  }
}

// Unknown words are collected by the parser; the flag among them is the one to blame.
std::string describe_extras(const std::vector<std::string>& extras) {
  for (const std::string& word : extras) {
    if (word.size() > 1 && word.front() == '-') return "unknown flag " + word;
  }
  return "unexpected argument '" + extras.front() + "'";
}

int run_command(const CLI::App& sub, const Command& command, bool help) {
  if (help) {
    print_text(command_help(command));
    return exit_ok;
  }
  const std::string program = "hilo " + command.name;
  if (const auto extras = sub.remaining(); !extras.empty()) {
    return usage_error(program, describe_extras(extras));
  }
  for (const Argument& argument : command.arguments) {
    if (argument.optional || !sub.get_option(argument.name)->empty()) continue;
    return usage_error(program, argument.name + " is missing");
  }
  return command.run();
}

std::string describe(const CLI::ParseError& error) {
  const std::string what = error.what();
  // "--listen: 1 required  missing": how the parser says that there was no value.
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
    return what.substr(0, what.find(':')) + " needs a value";
  }
  return what;
}

}  // namespace

int run_command_line(std::span<const Command> commands, int argc, const char* const* argv) {
  CLI::App app;
  bool help = false;
  bool version = false;
  app.set_help_flag();
  app.add_flag("-h,--help", help);
  app.add_flag("--version", version);
  app.allow_extras();
  for (const Command& command : commands) add_command(app, command, help);

  const auto chosen = [&]() -> const Command* {
    for (const Command& command : commands) {
      if (app.got_subcommand(command.name)) return &command;
    }
    return nullptr;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // A subcommand whose help is asked for need not be complete or right.
    const Command* command = chosen();
    if (command != nullptr && help) return run_command(app, *command, help);
    return usage_error(command != nullptr ? "hilo " + command->name : "hilo", describe(error));
  }
  if (const Command* command = chosen()) {
    return run_command(*app.get_subcommand(command->name), *command, help);
  }
  if (version) {
    print_text("hilo " HILO_VERSION "\n");
    return exit_ok;
  }
  if (help) {
    print_text(program_help(commands));
    return exit_ok;
  }
  if (const auto extras = app.remaining(); !extras.empty()) {
    return usage_error("hilo", "unknown command or flag '" + extras.front() + "'");
  }
  return usage_error("hilo", "a command is missing");
}

}  // namespace hilo::tools

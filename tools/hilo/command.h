// SPDX-License-Identifier: MIT
//
// A subcommand of the tool, as data: its flags, its help, and what to run.
//
// command_line.cc parses by it and help.cc prints it, so that a flag and its help cannot part ways.
// The library that parses is slow to compile; this way one file includes it, however many
// subcommands there are.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hilo::tools {

// What is wrong with a value, as the end of a sentence: "is not a number". Empty: nothing.
using Complaint = std::optional<std::string>;

struct Flag {
  std::string name;         // "--listen"
  std::string short_name;   // "-H", or empty
  std::string value;        // what the help calls the value: "ADDR"; empty for a switch
  std::string text;         // for the help, without a full stop at the end
  std::string preset;       // the default for the help, or empty
  bool repeatable = false;  // each use counts; otherwise the last one does
  // Takes one value; the empty string for a switch.
  std::function<Complaint(std::string_view)> take;
};

struct FlagGroup {
  std::string title;
  std::vector<Flag> flags;
};

// A word without a dash that a subcommand wants.
struct Argument {
  std::string name;  // "URL"
  std::function<Complaint(std::string_view)> take;
  bool optional = false;    // the command itself says what is missing then
  bool repeatable = false;  // and all words behind it: only the last one can be
};

// A part of the help in our own words. Lines are printed as they are.
struct HelpSection {
  std::string title;
  std::string text;
};

struct Command {
  std::string name;
  std::string summary;              // "serve the demo page ..."
  std::vector<Argument> arguments;  // in this order
  std::vector<HelpSection> before;  // in front of the flags: description, examples
  std::vector<FlagGroup> groups;
  std::vector<HelpSection> after;  // exit codes, signals
  std::function<int()> run;        // returns the exit code
};

// Exit codes that mean the same in every subcommand.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;

}  // namespace hilo::tools

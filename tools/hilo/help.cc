// SPDX-License-Identifier: MIT

#include "tools/hilo/help.h"

#include <string_view>

namespace hilo::tools {
namespace {

constexpr std::size_t width = 80;
constexpr std::size_t text_column = 31;

// Appends the words of `text`, broken at the width and indented to the column.
void append_wrapped(std::string& out, std::size_t column, std::string_view text) {
  std::size_t at = column;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (!first && at + 1 + word.size() > width) {
      out.append("\n").append(column, ' ');
      at = column;
      first = true;
    }
    if (!first) {
      out.append(" ");
      ++at;
    }
    out.append(word);
    at += word.size();
    first = false;
  }
  out.append("\n");
}

void append_flag(std::string& out, const Flag& flag) {
  std::string left = flag.short_name.empty() ? "  " : "  " + flag.short_name + ", ";
  left.append(flag.name);
  if (!flag.value.empty()) left.append(" ").append(flag.value);
  if (left.size() + 2 > text_column) {
    out.append(left).append("\n").append(text_column, ' ');
  } else {
    out.append(left).append(text_column - left.size(), ' ');
  }
  std::string text = flag.text;
  if (flag.repeatable) text.append("; may be repeated");
  if (!flag.preset.empty()) text.append(" [").append(flag.preset).append("]");
  append_wrapped(out, text_column, text);
}

void append_section(std::string& out, const HelpSection& section) {
  out.append("\n").append(section.title).append("\n").append(section.text);
}

}  // namespace

std::string command_help(const Command& command) {
  std::string out = "hilo " + command.name + " - " + command.summary + "\n\nUsage\n  hilo " +
                    command.name + " [FLAG]...";
  for (const Argument& argument : command.arguments) {
    out.append(argument.optional ? " [" : " ").append(argument.name);
    out.append(argument.repeatable ? "..." : "").append(argument.optional ? "]" : "");
  }
  out.append("\n");
  for (const HelpSection& section : command.before) append_section(out, section);
  for (const FlagGroup& group : command.groups) {
    out.append("\n").append(group.title).append("\n");
    for (const Flag& flag : group.flags) append_flag(out, flag);
  }
  for (const HelpSection& section : command.after) append_section(out, section);
  return out;
}

std::string program_help(std::span<const Command> commands) {
  std::string out = "hilo - a WebSocket engine on raw sockets, and its tools\n\nUsage\n";
  out.append("  hilo COMMAND [FLAG]...\n\nCommands\n");
  for (const Command& command : commands) {
    out.append("  ").append(command.name).append(12 - command.name.size(), ' ');
    append_wrapped(out, 14, command.summary);
  }
  out.append(
      "\nFlags\n"
      "  -h, --help  this text; hilo COMMAND --help tells all about a command\n"
      "  --version   the version\n"
      "\nExamples\n"
      "  hilo serve\n"
      "  hilo connect ws://127.0.0.1:8080/echo\n"
      "\nExit codes\n"
      "  0  all went well\n"
      "  1  something could not be done\n"
      "  2  wrong usage\n"
      "  commands may have more of their own\n");
  return out;
}

}  // namespace hilo::tools

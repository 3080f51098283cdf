// SPDX-License-Identifier: MIT
//
// 5: messages in fragments, and fragments that make no message.

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

// The fragments of `text`, cut every `size` bytes.
std::vector<Part> fragments(std::string_view whole, std::size_t size, bool is_text) {
  std::vector<Part> parts;
  for (std::size_t at = 0; at < whole.size(); at += size) {
    const std::string_view piece = whole.substr(at, size);
    const bool final = at + size >= whole.size();
    parts.push_back(at != 0   ? more(piece, final)
                    : is_text ? text(piece, final)
                              : binary(piece, final));
  }
  return parts;
}

void add_good(CaseList& list) {
  list.group("5.1", "RFC 6455 §5.4");
  const auto add = [&](std::string title, const std::vector<Part>& parts, const Reply& reply) {
    list.add(title + ", in one piece", {send(parts)}, {echoes({reply})});
    list.add(title + ", byte by byte", {send_in_pieces(parts, 1)}, {echoes({reply})});
  };
  add("a text message in two fragments", {text("Hel", false), last("lo")}, echo("Hello"));
  add("a binary message in two fragments", {binary("Hel", false), last("lo")},
      echo_binary("Hello"));
  add("a text message in five fragments", fragments("Hello", 1, true), echo("Hello"));
  add("three empty fragments", {text("", false), more(""), last("")}, echo(""));
  add("an empty fragment in the middle", {text("Hel", false), more(""), last("lo")}, echo("Hello"));
  add("an empty first fragment", {text("", false), last("Hello")}, echo("Hello"));
  add("an empty last fragment", {text("Hello", false), last("")}, echo("Hello"));
  add("only the middle fragment has bytes", {text("", false), more("Hello"), last("")},
      echo("Hello"));
  add("an empty binary message in two fragments", {binary("", false), last("")}, echo_binary(""));
  add("fragments of 125 and 126 bytes", {text(repeated("a", 125), false), last(repeated("b", 126))},
      echo(repeated("a", 125) + repeated("b", 126)));
}

void add_many(CaseList& list) {
  list.group("5.2", "RFC 6455 §5.4");
  const Octets whole = noise(4096, 7);
  list.add("4 KiB in fragments of 16 bytes", {send(fragments(whole, 16, false))},
           {echoes({echo_binary(whole)})});
  list.add("4 KiB in fragments of 16 bytes, in pieces of 11",
           {send_in_pieces(fragments(whole, 16, false), 11)}, {echoes({echo_binary(whole)})});
  list.add("200 fragments of one byte", {send(fragments(repeated("x", 200), 1, true))},
           {echoes({echo(repeated("x", 200))})});
  list.add("a message of 70,000 bytes in two fragments",
           {send({binary(noise(65536, 1), false), last(noise(4464, 2))})},
           {echoes({echo_binary(noise(65536, 1) + noise(4464, 2))})});
  list.add("two fragmented messages, one behind the other",
           {send({text("Hel", false), last("lo"), binary("wor", false), last("ld")})},
           {echoes({echo("Hello"), echo_binary("world")})});
  list.add("a fragmented message, then a whole one",
           {send({text("Hel", false), last("lo"), text("whole")})},
           {echoes({echo("Hello"), echo("whole")})});
  list.add("a whole message, then a fragmented one",
           {send({text("whole"), text("Hel", false), last("lo")})},
           {echoes({echo("whole"), echo("Hello")})});
  list.add("a text message whose fragments come with pauses",
           {send({text("Hel", false)}), send({more("lo")}), send({last("!")})},
           {echoes({echo("Hello!")})});
}

// Nothing to continue: at the beginning, behind a whole message, behind a fragmented one.
void add_orphans(CaseList& list) {
  list.group("5.3", "RFC 6455 §5.4");
  const auto add = [&](std::string title, std::vector<Part> parts) {
    list.add(std::move(title), {send(std::move(parts))}, {fails({1002})});
  };
  add("a final continuation of nothing", {last("Hello")});
  add("an unfinished continuation of nothing", {more("Hello")});
  add("an empty final continuation of nothing", {last("")});
  add("an empty unfinished continuation of nothing", {more("")});
  add("a continuation of nothing, then a good message", {last("Hello"), text("Hello")});
  add("an unfinished continuation of nothing, then a good message", {more("Hel"), text("Hello")});
  add("a pong, then a continuation of nothing", {pong("x"), last("Hello")});
  struct Row {
    std::string title;
    std::vector<Part> before;
    Frame orphan;
  };
  const std::vector<Row> rows = {
      {"a final continuation behind a whole message", {text("Hello")}, last("x")},
      {"an unfinished continuation behind a whole message", {text("Hello")}, more("x")},
      {"an empty continuation behind a whole message", {text("Hello")}, last("")},
      {"a continuation behind a whole binary message", {binary("Hello")}, last("x")},
      {"a continuation behind a fragmented message", {text("Hel", false), last("lo")}, last("x")},
      {"an empty continuation behind a fragmented message",
       {text("Hel", false), last("lo")},
       last("")},
  };
  for (const Row& row : rows) {
    const bool is_binary = row.before.front().frame.opcode == op_binary;
    list.add(row.title, {send(row.before), await(1), send({row.orphan})},
             {fails({1002}, {is_binary ? echo_binary("Hello") : echo("Hello")})});
  }
}

// A new message may not begin inside another one.
void add_interleaved(CaseList& list) {
  list.group("5.4", "RFC 6455 §5.4");
  const auto add = [&](std::string title, std::vector<Part> parts) {
    list.add(std::move(title), {send(std::move(parts))}, {fails({1002})});
  };
  add("a text message inside a text message", {text("Hel", false), text("lo")});
  add("a binary message inside a text message", {text("Hel", false), binary("lo")});
  add("a text message inside a binary message", {binary("Hel", false), text("lo")});
  add("a binary message inside a binary message", {binary("Hel", false), binary("lo")});
  add("an empty text message inside an empty one", {text("", false), text("")});
  add("a first fragment inside a text message", {text("Hel", false), text("lo", false)});
  add("a first fragment inside a binary message", {binary("Hel", false), binary("lo", false)});
  add("a first fragment of another opcode inside a text message",
      {text("Hel", false), binary("lo", false)});
  add("a text message behind the second fragment", {text("a", false), more("b"), text("c")});
  add("a text message behind an empty second fragment", {text("a", false), more(""), text("c")});
  add("a text message inside another, and its continuation",
      {text("a", false), text("b"), last("c")});
  add("a text message behind a pong inside another one",
      {text("a", false), pong("x"), text("b"), last("c")});
  list.add("a message, its echo, then a message inside a message",
           {send({text("Hello")}), await(1), send({text("a", false), text("b")})},
           {fails({1002}, {echo("Hello")})});
  list.add("a message inside another, byte by byte",
           {send_in_pieces({text("Hel", false), text("lo")}, 1)}, {fails({1002})});
}

// The failure must not wait for the end of the message that is wrong.
void add_early(CaseList& list) {
  list.group("5.5", "RFC 6455 §5.4, §7.1.7");
  list.add_early("a continuation of nothing fails before its message ends", {more("Hel")},
                 {last("lo")}, {1002});
  list.add_early("a message inside a message fails before it ends",
                 {text("a", false), text("b", false)}, {last("c")}, {1002});
  list.add_by_header("a continuation of nothing fails by its header", {}, last(""), 2000, {1002});
  list.add_by_header("a message inside a message fails by its header", {text("a", false)}, text(""),
                     2000, {1002});
}

}  // namespace

void add_fragmentation_cases(CaseList& list) {
  add_good(list);
  add_many(list);
  add_orphans(list);
  add_interleaved(list);
  add_early(list);
}

}  // namespace hilo::tools::conform

// SPDX-License-Identifier: MIT
//
// 8: a client masks, a server does not (RFC 6455 §5.1, §5.3).

#include <array>

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

Frame wrongly(Frame frame) {
  frame.masking = Masking::wrong;
  return frame;
}

Frame keyed(Frame frame, std::uint32_t key) {
  frame.key = key;
  return frame;
}

void add_wrong(CaseList& list) {
  list.group("8.1", "RFC 6455 §5.1");
  const auto add = [&](const std::string& what, std::vector<Part> parts) {
    list.add("masked the wrong way: " + what, {send(std::move(parts))}, {fails({1002})});
  };
  add("an empty text message", {wrongly(text(""))});
  add("a text message", {wrongly(text("Hello"))});
  add("an empty binary message", {wrongly(binary(""))});
  add("a binary message", {wrongly(binary("Hello"))});
  add("a message with 16 bits of length", {wrongly(binary(noise(300, 1)))});
  add("a message with 64 bits of length", {wrongly(binary(noise(65536, 1)))});
  add("a first fragment", {wrongly(text("Hel", false))});
  add("a continuation", {text("Hel", false), wrongly(last("lo"))});
  add("an empty ping", {wrongly(ping())});
  add("a ping", {wrongly(ping("Hello"))});
  add("an empty pong", {wrongly(pong())});
  add("a pong", {wrongly(pong("Hello"))});
  add("an empty Close", {wrongly(close_with(""))});
  add("a Close", {wrongly(close(1000))});
  add("a Close with a reason", {wrongly(close(1001, "reason"))});
  add("a ping between two good fragments", {text("Hel", false), wrongly(ping("x")), last("lo")});
  list.add("masked the wrong way: the second message",
           {send({text("Hello")}), await(1), send({wrongly(text("Hello"))})},
           {fails({1002}, {echo("Hello")})});
  list.add_by_header("masked the wrong way: refused by the header", {}, wrongly(binary("")), 100000,
                     {1002});
}

void add_keys(CaseList& list) {
  list.group("8.2", "RFC 6455 §5.3");
  const auto add = [&](std::string title, std::vector<Part> parts, std::vector<Reply> replies) {
    list.add(std::move(title), {send(std::move(parts))}, {echoes(std::move(replies))}).side =
        Side::server;
  };
  const Octets words = "The quick brown fox";
  struct Row {
    std::uint32_t key;
    std::string_view what;
  };
  for (const Row& row : std::array<Row, 7>{{{0x00000000, "all zero, which masks nothing"},
                                            {0xFFFFFFFF, "all ones"},
                                            {0x00000001, "a one in its last byte only"},
                                            {0x01000000, "a one in its first byte only"},
                                            {0x80808080, "the top bit of each byte"},
                                            {0x0D0A0D0A, "two line ends"},
                                            {0x81858185, "like the header of a frame"}}}) {
    add("the masking key is " + std::string(row.what), {keyed(text(words), row.key)},
        {echo(words)});
  }
  add("the masked payload is all zero bytes", {keyed(text("abcdabcd"), 0x61626364)},
      {echo("abcdabcd")});
  add("the masked payload is no UTF-8", {keyed(text("aaaa"), 0x9F9F9F9F)}, {echo("aaaa")});
  add("two messages with the same key", {text("one"), text("two")}, {echo("one"), echo("two")});
  add("two messages with different keys", {keyed(text("one"), 1), keyed(text("two"), 0xFFEEDDCC)},
      {echo("one"), echo("two")});
  add("each fragment has its own key",
      {keyed(text("Hel", false), 0x01020304), keyed(more("lo "), 0xA0B0C0D0),
       keyed(last("you"), 0)},
      {echo("Hello you")});
  add("a ping with another key between two fragments",
      {keyed(text("Hel", false), 0x01020304), keyed(ping("x"), 0xFFFFFFFF),
       keyed(last("lo"), 0x0A0B0C0D)},
      {answer("x"), echo("Hello")});
  add("a ping whose key is all zero", {keyed(ping("Hello"), 0)}, {answer("Hello")});
}

// RFC 6455 §5.3: the key must be unpredictable, so it is another one each time.
void add_own_keys(CaseList& list) {
  list.group("8.4", "RFC 6455 §5.3");
  const auto add = [&](std::string title, std::vector<Step> steps, std::vector<Reply> replies) {
    Case& added = list.add(std::move(title), std::move(steps), {echoes(std::move(replies))});
    added.side = Side::client;
    added.distinct_keys = true;
  };
  add("the client masks ten equal messages with ten keys",
      {send(std::vector<Part>(10, Part(text("same"))))}, std::vector<Reply>(10, echo("same")));
  add("the client masks messages that come one by one with different keys",
      {send({text("same")}), await(1), send({text("same")}), await(2), send({text("same")})},
      std::vector<Reply>(3, echo("same")));
  add("the client masks two messages of 64 KiB with different keys",
      {send({binary(noise(65536, 1)), binary(noise(65536, 2))})},
      {echo_binary(noise(65536, 1)), echo_binary(noise(65536, 2))});
  add("the client masks empty messages with different keys",
      {send(std::vector<Part>(5, Part(binary(""))))}, std::vector<Reply>(5, echo_binary("")));
}

// The key goes on where the last segment ended, whatever that was modulo four.
void add_phases(CaseList& list) {
  list.group("8.3", "RFC 6455 §5.3");
  const Octets words = "0123456789abcdefghijklmnopqrstuvwxyz";
  for (std::size_t cut = 7; cut <= 14; ++cut) {
    list.add("the payload is cut behind its byte " + std::to_string(cut - 6),
             {send_cut({text(words)}, cut)}, {echoes({echo(words)})})
        .side = Side::server;
  }
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U}) {
    list.add("the payload comes in pieces of " + std::to_string(piece),
             {send_in_pieces({text(words), binary(words)}, piece)},
             {echoes({echo(words), echo_binary(words)})})
        .side = Side::server;
  }
  for (std::size_t size = 1; size <= 3; ++size) {
    list.add("a payload of " + std::to_string(size) + " bytes uses a part of the key",
             {send({text(words.substr(0, size)), text(words)})},
             {echoes({echo(words.substr(0, size)), echo(words)})})
        .side = Side::server;
  }
}

}  // namespace

void add_masking_cases(CaseList& list) {
  add_wrong(list);
  add_keys(list);
  add_phases(list);
  add_own_keys(list);
}

}  // namespace hilo::tools::conform

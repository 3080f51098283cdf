// SPDX-License-Identifier: MIT
//
// 7: the closing handshake: codes, reasons, what may stand behind a Close, and ends without one.

#include <array>

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

void add_codes(CaseList& list) {
  list.group("7.1", "RFC 6455 §5.5.1, §7.4");
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3001, 3999, 4000, 4001, 4999}) {
    const auto number = static_cast<std::uint16_t>(code);
    list.add("Close " + std::to_string(code) + " is answered with the same code",
             {send({close(number)})}, {answers_close({number})});
  }
  // In the registry of IANA, but younger than the RFC.
  for (const int code : {1012, 1013, 1014}) {
    const auto number = static_cast<std::uint16_t>(code);
    list.add("Close " + std::to_string(code) + ", registered later, is answered with the same code",
             {send({close(number)})},
             {answers_close({number}), as(Verdict::non_strict, answers_close({1002}))});
  }
  list.group("7.2", "RFC 6455 §7.4.1, §7.4.2");
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000,
                         5001, 32768, 65535}) {
    list.add("Close " + std::to_string(code) + ", which no endpoint may send",
             {send({close(static_cast<std::uint16_t>(code))})}, {fails({1002})});
  }
  list.add("Close 1005 inside a fragmented message", {send({text("Hel", false), close(1005)})},
           {fails({1002})});
  list.add("Close 999 with a reason", {send({close(999, "reason")})}, {fails({1002})});
}

void add_bodies(CaseList& list) {
  list.group("7.3", "RFC 6455 §5.5.1");
  list.add("a Close without a body", {send({close_with("")})}, {answers_close({0, 1000})});
  list.add("a Close with a reason", {send({close(1000, "going home")})}, {answers_close({1000})});
  list.add("a Close with the longest reason, 123 bytes", {send({close(1000, repeated("r", 123))})},
           {answers_close({1000})});
  list.add("a Close with a code of our own and the longest reason",
           {send({close(4000, repeated("r", 123))})}, {answers_close({4000})});
  list.add("a Close with a body of one byte", {send({close_with(hex("03"))})}, {fails({1002})});
  list.add("a Close with a body of one zero byte", {send({close_with(hex("00"))})},
           {fails({1002})});
  list.add("a Close with a reason of 124 bytes", {send({close(1000, repeated("r", 124))})},
           {fails({1002})});
  list.add("a Close of 65,536 bytes", {send({close(1000, repeated("r", 65534))})}, {fails({1002})});
  list.add_by_header("a Close of 126 bytes is refused by its header", {}, close_with(""), 126,
                     {1002});
  Frame unfinished = close(1000);
  unfinished.final = false;
  list.add("a Close with FIN=0", {send({unfinished})}, {fails({1002})});
  unfinished = close_with("");
  unfinished.final = false;
  list.add("an empty Close with FIN=0", {send({unfinished})}, {fails({1002})});
  unfinished = close(1000, "rea");
  unfinished.final = false;
  list.add("a Close in two fragments", {send({unfinished, last("son")})}, {fails({1002})});

  list.group("7.4", "RFC 6455 §5.5.1, §8.1");
  for (const std::string_view reason :
       {"c3a9", "e282ac", "f09d849e", "00", "efbbbf", "efbfbf", "f48fbfbf", "ed9fbf"}) {
    list.add("a Close whose reason is the UTF-8 " + std::string(reason),
             {send({close(1000, hex(reason))})}, {answers_close({1000})});
  }
  list.group("7.5", "RFC 6455 §5.5.1, §8.1");
  for (const std::string_view reason :
       {"80", "bf", "c0af", "c1bf", "e09fbf", "eda080", "edbfbf", "f08fbfbf", "f4908080",
        "f5808080", "f888808080", "fe", "ff", "41c2", "41e282", "41f09d84", "c241", "e28241"}) {
    Outcome outcome = fails({1007});
    outcome.loose_codes = {1002};
    list.add("a Close whose reason is not UTF-8: " + std::string(reason),
             {send({close(1000, hex(reason))})}, {outcome});
  }
  list.add("a Close whose last byte is bad", {send({close(1000, repeated("r", 122) + hex("ff"))})},
           {[] {
             Outcome outcome = fails({1007});
             outcome.loose_codes = {1002};
             return outcome;
           }()});
}

Outcome with_optional(Outcome outcome) {
  outcome.replies_optional = true;
  return outcome;
}

// Behind a Close nothing counts, whatever it is; in front of it everything does.
void add_neighbours(CaseList& list) {
  list.group("7.6", "RFC 6455 §5.5.1");
  const auto add = [&](std::string title, std::vector<Part> parts) {
    list.add(std::move(title), {send(std::move(parts))}, {answers_close({1000})});
  };
  add("a text message behind our Close is ignored", {close(1000), text("late")});
  add("a binary message behind our Close is ignored", {close(1000), binary("late")});
  add("a ping behind our Close is not answered", {close(1000), ping("late")});
  add("a pong behind our Close is ignored", {close(1000), pong("late")});
  add("a second Close behind the first is ignored", {close(1000), close(1001)});
  add("a second, empty Close behind the first is ignored", {close(1000), close_with("")});
  add("a Close with a forbidden code behind a good one is ignored", {close(1000), close(1005)});
  add("a reserved opcode behind our Close is ignored", {close(1000), with_opcode(text("late"), 3)});
  add("a frame with RSV bits behind our Close is ignored",
      {close(1000), with_rsv(text("late"), 7)});
  add("a continuation behind our Close is ignored", {close(1000), last("late")});
  add("text that is not UTF-8 behind our Close is ignored", {close(1000), text(hex("ff"))});
  add("bytes that are no frame behind our Close are ignored",
      {close(1000), Part::bytes(hex("ffffffffffffffffffffffffffffffff"))});
  add("64 KiB behind our Close are ignored", {close(1000), binary(noise(65536, 9))});
  add("a Close arrives although a message is unfinished", {text("Hel", false), close(1000)});
  add("a Close arrives although a message is unfinished, and its end comes behind it",
      {text("Hel", false), close(1000), last("lo")});

  list.group("7.7", "RFC 6455 §5.5.1, §7.1.2");
  list.add("a message right in front of our Close", {send({text("Hello"), close(1000)})},
           {with_optional(answers_close({1000}, {echo("Hello")}))});
  list.add("a fragmented message right in front of our Close",
           {send({text("Hel", false), last("lo"), close(1000)})},
           {with_optional(answers_close({1000}, {echo("Hello")}))});
  list.add("a ping right in front of our Close", {send({ping("x"), close(1000)})},
           {with_optional(answers_close({1000}, {answer("x")}))});
  list.add("a message of 64 KiB right in front of our Close",
           {send({binary(noise(65536, 4)), close(1000)})},
           {with_optional(answers_close({1000}, {echo_binary(noise(65536, 4))}))});
  list.add("a Close behind the echo of a message",
           {send({text("Hello")}), await(1), send({close(1000)})},
           {answers_close({1000}, {echo("Hello")})});
  list.add("a Close behind a pong for us", {send({ping("x")}), await(1), send({close(1001)})},
           {answers_close({1001}, {answer("x")})});
  list.add("a Close arrives byte by byte", {send_in_pieces({close(1000, "reason")}, 1)},
           {answers_close({1000})});
  list.add("a Close is cut between the bytes of its code", {send_cut({close(1000)}, 7)},
           {answers_close({1000})});
  list.add("a Close is cut behind its first byte", {send_cut({close(1000)}, 1)},
           {answers_close({1000})});
  list.add("a Close, and a message a little later", {send({close(1000)}), send({text("late")})},
           {answers_close({1000})});
}

// RFC 6455 §7.1.5: without a Close the connection is just lost.
void add_lost(CaseList& list) {
  list.group("7.8", "RFC 6455 §7.1.5, §7.1.1");
  Outcome gone = echoes({});
  gone.ending = Ending::dropped;
  const auto add = [&](std::string title, std::vector<Step> steps, std::vector<Reply> replies) {
    Outcome outcome = gone;
    outcome.replies = std::move(replies);
    outcome.replies_optional = true;
    list.add(std::move(title), std::move(steps), {outcome});
  };
  Frame cut = text("Hel");
  cut.declared = 100;
  add("FIN right behind the opening handshake", {half_close()}, {});
  add("FIN behind a message and its echo", {send({text("Hello")}), await(1), half_close()},
      {echo("Hello")});
  add("FIN right behind a message", {send({text("Hello")}), half_close()}, {echo("Hello")});
  add("FIN inside a header", {send({Part::bytes(hex("81"))}), half_close()}, {});
  add("FIN inside an extended length", {send({Part::bytes(hex("82fe00"))}), half_close()}, {});
  add("FIN inside a payload", {send({cut}), half_close()}, {});
  add("FIN inside a fragmented message", {send({text("Hel", false)}), half_close()}, {});
  add("FIN inside a ping", {send({Part::bytes(hex("89"))}), half_close()}, {});
  add("FIN right behind our Close", {send({close(1000)}), half_close()}, {});
}

}  // namespace

void add_close_cases(CaseList& list) {
  add_codes(list);
  add_bodies(list);
  add_neighbours(list);
  add_lost(list);
}

}  // namespace hilo::tools::conform

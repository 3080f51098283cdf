// SPDX-License-Identifier: MIT
//
// 2: pings and pongs, alone, wrong, in numbers, and between fragments.

#include <array>

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

Frame unfinished(Frame frame) {
  frame.final = false;
  return frame;
}

void add_pings(CaseList& list) {
  list.group("2.1", "RFC 6455 §5.5.2");
  const auto add = [&](std::string title, std::string_view payload) {
    list.add(std::move(title), {send({ping(payload)})}, {echoes({answer(payload)})});
  };
  add("a ping without payload", "");
  add("a ping with a text", "Hello, world!");
  add("a ping with one byte", "x");
  add("a ping with bytes that are no UTF-8", hex("00 ff fe fd fc fb 00 ff"));
  add("a ping with a cut UTF-8 sequence", hex("e2 82"));
  add("a ping with the largest payload, 125 bytes", repeated(hex("fe"), 125));
  add("a ping whose payload looks like a Close frame", hex("88 02 03 e8"));
  add("a ping whose payload looks like an HTTP request", "GET / HTTP/1.1\r\n\r\n");
  list.add("a ping arrives byte by byte", {send_in_pieces({ping("Hello")}, 1)},
           {echoes({answer("Hello")})});
  list.add("the largest ping arrives byte by byte", {send_in_pieces({ping(repeated("p", 125))}, 1)},
           {echoes({answer(repeated("p", 125))})});
  list.add("a ping is cut behind its first byte", {send_cut({ping("Hello")}, 1)},
           {echoes({answer("Hello")})});
  list.add("a ping is cut inside its payload", {send_cut({ping("Hello")}, 8)},
           {echoes({answer("Hello")})});
}

void add_too_long(CaseList& list) {
  list.group("2.2", "RFC 6455 §5.5");
  for (const std::size_t bytes : {126U, 127U, 65535U, 65536U}) {
    const std::string size = std::to_string(bytes);
    list.add("a ping of " + size + " bytes", {send({ping(repeated("p", bytes))})}, {fails({1002})});
    list.add("a pong of " + size + " bytes", {send({pong(repeated("p", bytes))})}, {fails({1002})});
  }
  list.add_by_header("a ping of 126 bytes is refused by its header", {}, ping(), 126, {1002});
  list.add_by_header("a pong of 126 bytes is refused by its header", {}, pong(), 126, {1002});
  list.add("a ping of 126 bytes inside a fragmented message",
           {send({text("Hel", false), ping(repeated("p", 126)), last("lo")})}, {fails({1002})});
  list.add("a message, its echo, then a ping of 126 bytes",
           {send({text("Hello")}), await(1), send({ping(repeated("p", 126))})},
           {fails({1002}, {echo("Hello")})});
}

void add_fragmented(CaseList& list) {
  list.group("2.3", "RFC 6455 §5.5");
  const auto add = [&](std::string title, std::vector<Part> parts) {
    list.add(std::move(title), {send(std::move(parts))}, {fails({1002})});
  };
  add("an empty ping with FIN=0", {unfinished(ping())});
  add("a ping with FIN=0", {unfinished(ping("Hello"))});
  add("an empty pong with FIN=0", {unfinished(pong())});
  add("a pong with FIN=0", {unfinished(pong("Hello"))});
  add("a ping in two fragments", {unfinished(ping("Hel")), last("lo")});
  add("a pong in two fragments", {unfinished(pong("Hel")), last("lo")});
  add("a ping with FIN=0 inside a fragmented message",
      {text("Hel", false), unfinished(ping("x")), last("lo")});
  add("a pong with FIN=0 inside a fragmented message",
      {text("Hel", false), unfinished(pong("x")), last("lo")});
  list.add("a message, its echo, then a ping with FIN=0",
           {send({text("Hello")}), await(1), send({unfinished(ping("x"))})},
           {fails({1002}, {echo("Hello")})});
}

void add_pongs(CaseList& list) {
  list.group("2.4", "RFC 6455 §5.5.3");
  const auto add = [&](std::string title, std::vector<Part> parts, std::vector<Reply> replies) {
    list.add(std::move(title), {send(std::move(parts))}, {echoes(std::move(replies))});
  };
  add("an unasked pong without payload is not answered", {pong(), text("Hello")}, {echo("Hello")});
  add("an unasked pong with payload is not answered", {pong("unasked"), text("Hello")},
      {echo("Hello")});
  add("an unasked pong of 125 bytes is not answered", {pong(repeated("p", 125)), text("Hello")},
      {echo("Hello")});
  add("an unasked pong with bytes that are no UTF-8", {pong(hex("ff c0 80")), text("Hello")},
      {echo("Hello")});
  add("an unasked pong, then a ping", {pong("pong"), ping("ping")}, {answer("ping")});
  add("a ping, then an unasked pong", {ping("ping"), pong("pong")}, {answer("ping")});
  add("an unasked pong with the payload of the ping behind it", {pong("same"), ping("same")},
      {answer("same")});
  add("ten unasked pongs in one piece",
      [] {
        std::vector<Part> parts(10, Part(pong("again")));
        parts.push_back(text("Hello"));
        return parts;
      }(),
      {echo("Hello")});
  add("an unasked pong inside a fragmented message", {text("Hel", false), pong("x"), last("lo")},
      {echo("Hello")});
  list.add("a ping of the peer's own is none of ours: a pong for nothing, byte by byte",
           {send_in_pieces({pong("unasked"), text("Hello")}, 1)}, {echoes({echo("Hello")})});
}

void add_series(CaseList& list) {
  list.group("2.5", "RFC 6455 §5.5.3");
  std::vector<Part> pings;
  std::vector<Step> one_by_one;
  std::vector<Reply> pongs;
  for (int i = 0; i < 10; ++i) {
    const std::string payload = "ping " + std::to_string(i);
    pings.push_back(ping(payload));
    one_by_one.push_back(send({ping(payload)}));
    one_by_one.push_back(await(static_cast<std::size_t>(i) + 1));
    pongs.push_back(answer(payload));
  }
  list.add("ten pings in one piece: at least the last one is answered", {send(pings)},
           {echoes(pongs)});
  list.add("ten pings in pieces of one byte: at least the last one is answered",
           {send_in_pieces(pings, 1)}, {echoes(pongs)});
  list.add("ten pings, each after the pong to the last", one_by_one, {echoes(pongs)});
  list.add("two pings with the same payload, the second after the first pong",
           {send({ping("same")}), await(1), send({ping("same")}), await(2)},
           {echoes({answer("same"), answer("same")})});
  list.add("a ping in front of a message", {send({ping("x"), text("Hello")})},
           {echoes({answer("x"), echo("Hello")})});
  list.add("a ping behind a message", {send({text("Hello"), ping("x")})},
           {echoes({echo("Hello"), answer("x")})});
  list.add("a ping between two messages", {send({text("one"), ping("x"), binary("two")})},
           {echoes({echo("one"), answer("x"), echo_binary("two")})});
  list.add("a ping behind a message of 64 KiB", {send({binary(noise(65536, 5)), ping("x")})},
           {echoes({echo_binary(noise(65536, 5)), answer("x")})});
}

void add_between_fragments(CaseList& list) {
  list.group("2.6", "RFC 6455 §5.4");
  list.add("a ping between two fragments is answered before the message ends",
           {send({text("Hel", false), ping("now")}), await(1), send({last("lo")})},
           {echoes({answer("now"), echo("Hello")})});
  list.add("a ping between two fragments of a binary message is answered before it ends",
           {send({binary("Hel", false), ping("now")}), await(1), send({last("lo")})},
           {echoes({answer("now"), echo_binary("Hello")})});
  list.add("a ping between two fragments, all in one piece",
           {send({text("Hel", false), ping("now"), last("lo")})},
           {echoes({answer("now"), echo("Hello")})});
  list.add("a ping between two fragments, byte by byte",
           {send_in_pieces({text("Hel", false), ping("now"), last("lo")}, 1)},
           {echoes({answer("now"), echo("Hello")})});
  list.add("a ping in each gap of a message in four fragments",
           {send({text("a", false), ping("1")}), await(1), send({more("b"), ping("2")}), await(2),
            send({more("c"), ping("3")}), await(3), send({last("d")})},
           {echoes({answer("1"), answer("2"), answer("3"), echo("abcd")})});
  list.add("ten pings in one gap",
           [] {
             std::vector<Part> parts{text("Hel", false)};
             for (int i = 0; i < 10; ++i) parts.push_back(ping(std::to_string(i)));
             parts.push_back(last("lo"));
             return std::vector<Step>{send(parts)};
           }(),
           {[] {
             std::vector<Reply> replies;
             for (int i = 0; i < 10; ++i) replies.push_back(answer(std::to_string(i)));
             replies.push_back(echo("Hello"));
             return echoes(replies);
           }()});
  list.add("a ping of 125 bytes between two fragments",
           {send({text("Hel", false), ping(repeated("p", 125))}), await(1), send({last("lo")})},
           {echoes({answer(repeated("p", 125)), echo("Hello")})});
  list.add("an empty ping between two empty fragments",
           {send({text("", false), ping()}), await(1), send({last("")})},
           {echoes({answer(""), echo("")})});
  list.add("a ping and a pong in the gaps of a message",
           {send({text("a", false), ping("1"), more("b"), pong("2"), last("c")})},
           {echoes({answer("1"), echo("abc")})});
}

}  // namespace

void add_control_cases(CaseList& list) {
  add_pings(list);
  add_too_long(list);
  add_fragmented(list);
  add_pongs(list);
  add_series(list);
  add_between_fragments(list);
}

}  // namespace hilo::tools::conform

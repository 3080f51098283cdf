// SPDX-License-Identifier: MIT
//
// 3: reserved bits that nobody agreed on. 4: reserved opcodes. Each in every place of a message.

#include <array>

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

std::string bits_name(std::uint8_t rsv) {
  std::string name;
  for (const auto& [bit, text] :
       {std::pair{4, "RSV1"}, std::pair{2, "RSV2"}, std::pair{1, "RSV3"}}) {
    if ((rsv & bit) == 0) continue;
    if (!name.empty()) name += "+";
    name += text;
  }
  return name;
}

void add_bits(CaseList& list, std::uint8_t rsv) {
  const std::string bits = bits_name(rsv);
  list.group("3." + std::to_string(rsv), "RFC 6455 §5.2");
  const auto add = [&](const std::string& place, std::vector<Part> parts) {
    list.add(bits + " on " + place, {send(std::move(parts))}, {fails({1002})});
  };
  add("an empty text message", {with_rsv(text(""), rsv)});
  add("a text message", {with_rsv(text("Hello"), rsv)});
  add("a binary message", {with_rsv(binary("Hello"), rsv)});
  add("the first fragment of a message", {with_rsv(text("Hel", false), rsv), last("lo")});
  add("a continuation", {text("Hel", false), with_rsv(last("lo"), rsv)});
  add("a ping", {with_rsv(ping("Hello"), rsv)});
  add("a pong", {with_rsv(pong("Hello"), rsv)});
  add("a Close", {with_rsv(close(1000), rsv)});
  list.add(bits + " on a message behind a good one",
           {send({text("Hello")}), await(1), send({with_rsv(text("Hello"), rsv)})},
           {fails({1002}, {echo("Hello")})});
}

void add_opcode(CaseList& list, std::uint8_t opcode) {
  const std::string name =
      (opcode < 8 ? "the reserved data opcode " : "the reserved control opcode ") +
      std::to_string(opcode);
  list.group("4." + std::to_string(opcode), "RFC 6455 §5.2");
  const auto add = [&](const std::string& place, std::vector<Part> parts) {
    list.add(name + place, {send(std::move(parts))}, {fails({1002})});
  };
  add(" without payload", {with_opcode(text(""), opcode)});
  add(" with payload", {with_opcode(text("Hello"), opcode)});
  add(" with FIN=0", {with_opcode(text("Hello", false), opcode)});
  add(" between two fragments", {text("Hel", false), with_opcode(text("x"), opcode), last("lo")});
  list.add(name + " behind a good message",
           {send({text("Hello")}), await(1), send({with_opcode(text("x"), opcode)})},
           {fails({1002}, {echo("Hello")})});
  list.add_by_header(name + " is refused before its 70,000 bytes have come", {},
                     with_opcode(text(""), opcode), 70000, {1002});
}

}  // namespace

void add_reserved_cases(CaseList& list) {
  for (std::uint8_t rsv = 1; rsv < 8; ++rsv) add_bits(list, rsv);
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    add_opcode(list, static_cast<std::uint8_t>(opcode));
  }
}

}  // namespace hilo::tools::conform

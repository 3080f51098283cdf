// SPDX-License-Identifier: MIT
//
// 9: what a peer accepts, if that is known (--message-bytes), and large messages (--performance).

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::vector<Part> in_fragments(std::string_view whole, std::size_t size) {
  std::vector<Part> parts;
  for (std::size_t at = 0; at < whole.size(); at += size) {
    const bool final = at + size >= whole.size();
    parts.push_back(at == 0 ? binary(whole.substr(0, size), final)
                            : more(whole.substr(at, size), final));
  }
  return parts;
}

void add_known_limit(CaseList& list, std::size_t most) {
  list.group("9.1", "RFC 6455 §7.4.1, §10.4");
  const Octets whole = noise(most, 21);
  const Octets letters = repeated("x", most);
  list.add("a binary message of exactly what is accepted", {send({binary(whole)})},
           {echoes({echo_binary(whole)})});
  list.add("a text message of exactly what is accepted", {send({text(letters)})},
           {echoes({echo(letters)})});
  list.add("a message of exactly what is accepted, in two fragments",
           {send(in_fragments(whole, most / 2 + 1))}, {echoes({echo_binary(whole)})});
  const auto add = [&](std::string title, std::vector<Part> parts) {
    list.add(std::move(title), {send(std::move(parts))}, {fails({1009})});
  };
  add("a binary message of one byte too many", {binary(whole + "x")});
  add("a text message of one byte too many", {text(letters + "x")});
  list.add_by_header("a message of one byte too many is refused by its header", {}, binary(""),
                     most + 1, {1009});
  list.add_by_header("a second fragment that goes one byte too far is refused by its header",
                     {binary("x", false)}, last(""), most, {1009});
  add("fragments that are one byte too many together", in_fragments(whole + "x", most / 4 + 1));
  add("a message of one byte too many, the last one alone in its fragment",
      {binary(whole, false), last("x")});
  list.add(
      "a ping inside a message of exactly what is accepted",
      {send({binary(whole.substr(0, most - 1), false), ping("x"), last(whole.substr(most - 1))})},
      {echoes({answer("x"), echo_binary(whole)})});
  list.add("two messages of exactly what is accepted", {send({binary(whole), text(letters)})},
           {echoes({echo_binary(whole), echo(letters)})});
}

void add_large(CaseList& list) {
  list.group("9.2", "RFC 6455 §5.2");
  for (const std::size_t size : {1U, 4U, 8U, 16U}) {
    const std::string title = std::to_string(size) + " MiB";
    const Octets whole = noise(size * mebibyte, 31);
    const Octets letters = repeated("0123456789abcdef", size * mebibyte / 16);
    list.add("a text message of " + title, {send({text(letters)})}, {echoes({echo(letters)})});
    list.add("a binary message of " + title, {send({binary(whole)})},
             {echoes({echo_binary(whole)})});
  }
  list.group("9.3", "RFC 6455 §5.4");
  const Octets whole = noise(4 * mebibyte, 32);
  for (const std::size_t size : {64U, 256U, 1024U, 4096U, 16384U, 65536U, 262144U, 1048576U}) {
    list.add("4 MiB in fragments of " + std::to_string(size) + " bytes",
             {send(in_fragments(whole, size))}, {echoes({echo_binary(whole)})});
  }
  list.group("9.4", "RFC 6455 §5.2");
  const Octets mega = noise(mebibyte, 33);
  for (const std::size_t piece : {1024U, 2048U, 8192U, 65536U}) {
    list.add("1 MiB in pieces of " + std::to_string(piece) + " bytes",
             {send_in_pieces({binary(mega)}, piece)}, {echoes({echo_binary(mega)})});
  }
  list.group("9.5", "RFC 6455 §5.4");
  for (const std::size_t size : {0U, 64U, 1024U, 16384U}) {
    const Octets payload = noise(size, 34);
    list.add("1,000 binary messages of " + std::to_string(size) + " bytes in one piece",
             {send(std::vector<Part>(1000, Part(binary(payload))))},
             {echoes(std::vector<Reply>(1000, echo_binary(payload)))});
  }
}

}  // namespace

void add_limit_cases(CaseList& list, const Settings& settings) {
  if (settings.message_bytes != 0) {
    add_known_limit(list, static_cast<std::size_t>(settings.message_bytes));
  }
  if (settings.performance) add_large(list);
}

}  // namespace hilo::tools::conform

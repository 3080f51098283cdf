// SPDX-License-Identifier: MIT
//
// 6: text is UTF-8 (RFC 3629 §4), whole, in fragments, and as soon as it can be known that it is
// not (RFC 6455 §8.1).

#include <array>

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

struct Row {
  std::string_view what;
  std::string_view octets;  // in hexadecimal
};

constexpr std::array<Row, 26> valid = {{
    {"U+0000", "00"},
    {"U+007F, the last of one byte", "7f"},
    {"U+0080, the first of two bytes", "c280"},
    {"U+07FF, the last of two bytes", "dfbf"},
    {"U+0800, the first of three bytes", "e0a080"},
    {"U+0FFF, the last behind E0", "e0bfbf"},
    {"U+1000, the first behind E1", "e18080"},
    {"U+CFFF, the last in front of ED", "ecbfbf"},
    {"U+D7FF, the last in front of the surrogates", "ed9fbf"},
    {"U+E000, the first behind the surrogates", "ee8080"},
    {"U+FDD0, a noncharacter", "efb790"},
    {"U+FEFF, the byte order mark, which stays", "efbbbf41"},
    {"U+FFFD, the replacement character", "efbfbd"},
    {"U+FFFE, a noncharacter", "efbfbe"},
    {"U+FFFF, the last of three bytes", "efbfbf"},
    {"U+10000, the first of four bytes", "f0908080"},
    {"U+1FFFE, a noncharacter", "f09fbfbe"},
    {"U+3FFFF, the last behind F0", "f0bfbfbf"},
    {"U+40000, the first behind F1", "f1808080"},
    {"U+FFFFF, the last behind F3", "f3bfbfbf"},
    {"U+100000, the first behind F4", "f4808080"},
    {"U+10FFFF, the last of all", "f48fbfbf"},
    {"a combining mark without a base", "cc81"},
    {"Greek with a letter of three bytes", "cebae1bdb9cf83cebcceb5"},
    {"an emoji of several code points", "f09f91a9e2808df09f92bb"},
    {"all lengths side by side", "41c3a9e282acf09d849e"},
}};

constexpr std::array<Row, 44> invalid = {{
    {"80, a continuation alone", "80"},
    {"BF, a continuation alone", "bf"},
    {"two continuations alone", "80bf"},
    {"a continuation too many behind two bytes", "c3a9 80"},
    {"a continuation too many behind three bytes", "e282ac 80"},
    {"a continuation too many behind four bytes", "f09d849e 80"},
    {"C0, which begins nothing", "c041"},
    {"C0 80, U+0000 in two bytes", "c080"},
    {"C0 AF, '/' in two bytes", "c0af"},
    {"C1 BF, U+007F in two bytes", "c1bf"},
    {"E0 80 80, U+0000 in three bytes", "e08080"},
    {"E0 80 AF, '/' in three bytes", "e080af"},
    {"E0 9F BF, U+07FF in three bytes", "e09fbf"},
    {"F0 80 80 80, U+0000 in four bytes", "f0808080"},
    {"F0 80 80 AF, '/' in four bytes", "f08080af"},
    {"F0 8F BF BF, U+FFFF in four bytes", "f08fbfbf"},
    {"F8 88 80 80 80, five bytes", "f888808080"},
    {"FC 84 80 80 80 80, six bytes", "fc8480808080"},
    {"ED A0 80, the first high surrogate", "eda080"},
    {"ED AF BF, the last high surrogate", "edafbf"},
    {"ED B0 80, the first low surrogate", "edb080"},
    {"ED BF BF, the last low surrogate", "edbfbf"},
    {"ED A0 80 ED B0 80, a pair of surrogates (CESU-8)", "eda080edb080"},
    {"F4 90 80 80, above U+10FFFF", "f4908080"},
    {"F5 80 80 80, above U+10FFFF", "f5808080"},
    {"F7 BF BF BF, above U+10FFFF", "f7bfbfbf"},
    {"FE", "fe"},
    {"FF", "ff"},
    {"FE FF, a byte order mark of UTF-16", "feff0041"},
    {"Latin-1", "e9741e"},
    {"C2 in front of ASCII", "c241"},
    {"E1 in front of ASCII", "e141"},
    {"E1 80 in front of ASCII", "e18041"},
    {"F1 in front of ASCII", "f141"},
    {"F1 80 in front of ASCII", "f18041"},
    {"F1 80 80 in front of ASCII", "f1808041"},
    {"C2 in front of C2", "c2c280"},
    {"E2 82 in front of another lead", "e282e282ac"},
    {"F0 9D 84 in front of another lead", "f09d84f09d849e"},
    {"C2 at the end", "41c2"},
    {"E2 at the end", "41e2"},
    {"E2 82 at the end", "41e282"},
    {"F0 at the end", "41f0"},
    {"F0 9D 84 at the end", "41f09d84"},
}};

void add_valid(CaseList& list) {
  list.group("6.1", "RFC 3629 §3, RFC 6455 §5.6");
  for (const Row& row : valid) {
    list.add("text: " + std::string(row.what), {send({text(hex(row.octets))})},
             {echoes({echo(hex(row.octets))})});
  }
}

void add_invalid(CaseList& list) {
  list.group("6.2", "RFC 3629 §3, RFC 6455 §8.1");
  for (const Row& row : invalid) {
    list.add("no text: " + std::string(row.what), {send({text(hex(row.octets))})}, {fails({1007})});
  }
  list.group("6.3", "RFC 3629 §3, RFC 6455 §8.1");
  for (const Row& row : invalid) {
    list.add("no text, behind good words and in the second fragment: " + std::string(row.what),
             {send({text("first ", false), last(hex(row.octets))})}, {fails({1007})});
  }
}

// A character may be cut anywhere: between frames, between segments, around a ping.
void add_cut_characters(CaseList& list) {
  const std::array<Row, 3> characters = {
      {{"two", "c3a9"}, {"three", "e282ac"}, {"four", "f09d849e"}}};
  list.group("6.4", "RFC 6455 §5.6");
  for (const Row& row : characters) {
    const Octets whole = hex(row.octets);
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
      const std::string title = "a character of " + std::string(row.what) +
                                " bytes is cut behind byte " + std::to_string(cut) + " by ";
      const Octets begin = whole.substr(0, cut);
      const Octets end = whole.substr(cut);
      list.add(title + "a fragment", {send({text("a" + begin, false), last(end + "b")})},
               {echoes({echo("a" + whole + "b")})});
      list.add(title + "a fragment with a ping behind it",
               {send({text(begin, false), ping("x")}), await(1), send({last(end)})},
               {echoes({answer("x"), echo(whole)})});
      list.add(title + "an empty fragment", {send({text(begin, false), more(""), last(end)})},
               {echoes({echo(whole)})});
    }
    list.add(
        "a character of " + std::string(row.what) + " bytes in fragments of one",
        [&] {
          std::vector<Part> parts;
          for (std::size_t i = 0; i < whole.size(); ++i) {
            const bool final = i + 1 == whole.size();
            parts.push_back(i == 0 ? text(whole.substr(0, 1)) : more(whole.substr(i, 1), final));
            if (i == 0) parts.back().frame.final = false;
          }
          return std::vector<Step>{send(parts)};
        }(),
        {echoes({echo(whole)})});
    list.add("a character of " + std::string(row.what) + " bytes, byte by byte",
             {send_in_pieces({text(whole)}, 1)}, {echoes({echo(whole)})});
  }
}

// What cannot become text any more is refused where that is known.
void add_fail_fast(CaseList& list) {
  constexpr std::array<Row, 12> rows = {{
      {"FF", "ff"},
      {"a continuation alone", "80"},
      {"C0", "c0"},
      {"E0 80", "e080"},
      {"ED A0", "eda0"},
      {"F0 80", "f080"},
      {"F4 90", "f490"},
      {"F5", "f5"},
      {"F8", "f8"},
      {"E1 and a letter", "e141"},
      {"C2 and a letter", "c241"},
      {"F1 80 and a letter", "f18041"},
  }};
  Outcome early = fails({1007});
  early.before_send = 2;
  const std::vector<Outcome> outcomes = {early, as(Verdict::non_strict, fails({1007}))};
  list.group("6.5", "RFC 6455 §8.1");
  for (const Row& row : rows) {
    list.add("refused while the message goes on: " + std::string(row.what),
             {send({text("a" + hex(row.octets), false)}), watch(), send({last("b")})}, outcomes);
  }
  list.group("6.6", "RFC 6455 §8.1");
  struct Pair {
    std::string_view begin;
    std::string_view end;
  };
  constexpr std::array<Pair, 6> pairs = {{{"c3", "41"},
                                          {"e282", "41"},
                                          {"f09d84", "41"},
                                          {"ed", "a080"},
                                          {"f4", "9080"},
                                          {"e0", "9fbf"}}};
  for (const Pair& pair : pairs) {
    list.add(
        "refused by the second fragment, while the message goes on: " + std::string(pair.begin) +
            " | " + std::string(pair.end),
        {send({text(hex(pair.begin), false), more(hex(pair.end))}), watch(), send({last("b")})},
        outcomes);
  }
}

void add_elsewhere(CaseList& list) {
  list.group("6.7", "RFC 6455 §5.6, §8.1");
  list.add("an empty last fragment does not complete a character",
           {send({text(hex("e282"), false), last("")})}, {fails({1007})});
  list.add("a new text message does not complete the character of the last one",
           {send({text(hex("e282")), text(hex("ac"))})}, {fails({1007})});
  list.add("what follows a character in the next message counts anew",
           {send({text(hex("e282ac")), text("a")})}, {echoes({echo(hex("e282ac")), echo("a")})});
  list.add("a bad byte behind a good message",
           {send({text("Hello")}), await(1), send({text(hex("ff"))})},
           {fails({1007}, {echo("Hello")})});
  for (const std::size_t offset : {0U, 15U, 16U, 31U, 32U, 63U, 64U, 127U, 128U, 999U}) {
    Octets payload = repeated("a", 1000);
    payload[offset] = static_cast<char>(0xFF);
    list.add("1,000 letters with a bad byte at offset " + std::to_string(offset),
             {send({text(payload)})}, {fails({1007})});
  }
  list.add("64 KiB of letters of two bytes", {send({text(repeated(hex("c3a9"), 32768))})},
           {echoes({echo(repeated(hex("c3a9"), 32768))})});
  list.add("64 KiB of letters of two bytes, and half of one",
           {send({text(repeated(hex("c3a9"), 32768) + hex("c3"))})}, {fails({1007})});
  for (const Row& row : {invalid[0], invalid[7], invalid[18], invalid[23], invalid[26]}) {
    list.add("binary may hold what text may not: " + std::string(row.what),
             {send({binary(hex(row.octets))})}, {echoes({echo_binary(hex(row.octets))})});
  }
  list.add("binary in fragments may hold what text may not",
           {send({binary(hex("e2"), false), more(hex("ff")), last(hex("c080"))})},
           {echoes({echo_binary(hex("e2ffc080"))})});
  list.add("a ping with bytes that are no UTF-8 between the halves of a character",
           {send({text(hex("e2"), false), ping(hex("ff")), last(hex("82ac"))})},
           {echoes({answer(hex("ff")), echo(hex("e282ac"))})});
}

}  // namespace

void add_utf8_cases(CaseList& list) {
  add_valid(list);
  add_invalid(list);
  add_cut_characters(list);
  add_fail_fast(list);
  add_elsewhere(list);
}

}  // namespace hilo::tools::conform

// SPDX-License-Identifier: MIT
//
// 13: compressed messages (RFC 7692 §7.2): every kind of block, fragments, contexts, what is no
// DEFLATE, and what grows beyond measure.

#include <vector>

#include "tools/conform/cases.h"
#include "tools/conform/deflate.h"

namespace hilo::tools::conform {
namespace {

const Octets tail{"\x00\x00\xff\xff", 4};

// Words that compress to about a third, like most texts.
Octets prose(std::size_t size) {
  constexpr std::string_view words[] = {"the ", "thread ", "runs ", "from ", "socket ",
                                        "to ",  "event ",  "and ",  "back "};
  Octets all;
  for (const char c : noise(size / 4 + 16, 77)) all += words[static_cast<unsigned char>(c) % 9];
  all.resize(size);
  return all;
}

Frame squeezed(const Octets& payload, bool is_text = true, bool final = true) {
  return with_rsv(is_text ? text(payload, final) : binary(payload, final), 4);
}

class DeflateCases {
 public:
  explicit DeflateCases(CaseList& list) : list_(&list) {}
  Case& add(std::string title, std::vector<Step> steps, std::vector<Outcome> outcomes,
            Need need = Need::deflate) const {
    Case& added = list_->add(std::move(title), std::move(steps), std::move(outcomes));
    added.need = need;
    return added;
  }
  // One message, given as it is on the wire.
  Case& comes_back(std::string title, const Octets& payload, std::string_view message) const {
    return add(std::move(title), {send({squeezed(payload)})}, {echoes({echo(message)})});
  }
  Case& broken(std::string title, const Octets& payload) const {
    return add(std::move(title), {send({squeezed(payload, false)})}, {bad_data()});
  }
  static Outcome bad_data() {
    Outcome outcome = fails({1007});
    outcome.loose_codes = {1002, 1003, 1008, 1011};
    return outcome;
  }

 private:
  CaseList* list_;
};

void add_blocks(CaseList& list) {
  const DeflateCases cases{list};
  list.group("13.1", "RFC 7692 §7.2.3");
  cases.comes_back("\"Hello\" as in the RFC", hex("f248cdc9c90700"), "Hello");
  cases.comes_back("\"Hello\" in a stored block, as in the RFC", hex("000500faff48656c6c6f00"),
                   "Hello");
  cases.comes_back("\"Hello\" in a final block, as in the RFC", hex("f348cdc9c9070000"), "Hello");
  cases.comes_back("\"Hello\" in two blocks, as in the RFC", hex("f24805000000ffffcac9c90700"),
                   "Hello");
  cases.comes_back("nothing, as one empty block", hex("00"), "");
  cases.comes_back("nothing, as an empty fixed block", hex("0200"), "");
  cases.comes_back("nothing, as a final empty block", hex("030000"), "");
  cases.add("nothing, as nothing at all", {send({squeezed("")})},
            {echoes({echo("")}), as(Verdict::informational, fails({1007, 1002}))});
  cases.comes_back("the 00 00 FF FF at the end left in", hex("f248cdc9c907000000ffff00"), "Hello");
  cases.comes_back("an empty block in front", hex("000000fffff248cdc9c90700"), "Hello");
  cases.comes_back("three empty blocks behind", hex("f248cdc9c907000000ffff000000ffff000000ffff00"),
                   "Hello");
  for (const auto& [name, blocks] :
       {std::pair{"dynamic", Blocks::dynamic}, std::pair{"fixed", Blocks::fixed},
        std::pair{"stored", Blocks::stored}}) {
    const std::string kind = name;
    const Octets words = prose(3000);
    cases.comes_back("3,000 bytes in " + kind + " blocks", deflated(words, 15, blocks), words);
    Deflater deflater(15, blocks);
    Octets payload = deflater.block(words.substr(0, 1000));
    payload += deflater.block(words.substr(1000, 1000));
    payload += deflater.message(words.substr(2000));
    cases.comes_back("3,000 bytes in three " + kind + " blocks, each flushed", payload, words);
  }
  const Octets final_block = Deflater().finish("first ");
  cases.comes_back("a final block, and another stream behind it", final_block + deflated("second"),
                   "first second");
  cases.comes_back("64 KiB of prose", deflated(prose(65536)), prose(65536));
  const Octets random = noise(65536, 51);
  cases.add("64 KiB of noise, which do not shrink", {send({squeezed(deflated(random), false)})},
            {echoes({echo_binary(random)})});
  cases.comes_back("60,000 times the same letter", deflated(repeated("a", 60000)),
                   repeated("a", 60000));
  for (const int bits : {9, 10, 12, 15}) {
    cases.comes_back("64 KiB within a window of 2^" + std::to_string(bits),
                     deflated(prose(65536), bits), prose(65536));
  }
}

void add_mixtures(CaseList& list) {
  const DeflateCases cases{list};
  list.group("13.2", "RFC 7692 §6, §6.1");
  cases.add("a message without compression", {send({text("plain")})}, {echoes({echo("plain")})});
  cases.add("an empty message without compression", {send({text("")})}, {echoes({echo("")})});
  cases.add("a binary message, compressed", {send({squeezed(deflated("Hello"), false)})},
            {echoes({echo_binary("Hello")})});
  cases.add("compressed and plain messages by turns",
            {send({squeezed(deflated("one")), text("two"), squeezed(deflated("three"), false),
                   binary("four")})},
            {echoes({echo("one"), echo("two"), echo_binary("three"), echo_binary("four")})});
  cases.add("a plain message that looks like DEFLATE", {send({binary(hex("f248cdc9c90700"))})},
            {echoes({echo_binary(hex("f248cdc9c90700"))})});
  cases.add("an unasked pong, then a compressed message",
            {send({pong("x"), squeezed(deflated("Hello"))})}, {echoes({echo("Hello")})});
  cases.add("a ping, which is never compressed", {send({ping("f248")})},
            {echoes({answer("f248")})});
  std::vector<Part> parts;
  std::vector<Reply> replies;
  for (int i = 0; i < 100; ++i) {
    const Octets words = prose(1500) + std::to_string(i);
    parts.push_back(squeezed(deflated(words)));
    replies.push_back(echo(words));
  }
  cases.add("100 compressed messages in one piece", {send(parts)}, {echoes(replies)});
  cases.add("a compressed message right in front of our Close",
            {send({squeezed(deflated("Hello"))}), await(1), send({close(1000)})},
            {answers_close({1000}, {echo("Hello")})});
}

void add_fragments(CaseList& list) {
  const DeflateCases cases{list};
  const Octets hello = deflated("Hello");
  list.group("13.3", "RFC 7692 §6.1, §6.2");
  const auto add = [&](std::string title, std::vector<Part> parts, std::vector<Reply> replies) {
    cases.add(std::move(title), {send(std::move(parts))}, {echoes(std::move(replies))});
  };
  for (std::size_t cut = 0; cut <= hello.size(); ++cut) {
    add("a compressed message in two fragments, cut at byte " + std::to_string(cut),
        {squeezed(hello.substr(0, cut), true, false), last(hello.substr(cut))}, {echo("Hello")});
  }
  std::vector<Part> bytes;
  for (std::size_t i = 0; i < hello.size(); ++i) {
    bytes.push_back(i == 0 ? squeezed(hello.substr(0, 1), true, false)
                           : more(hello.substr(i, 1), i + 1 == hello.size()));
  }
  add("a compressed message in fragments of one byte", bytes, {echo("Hello")});
  cases.add("a compressed message in fragments of one byte, byte by byte",
            {send_in_pieces(bytes, 1)}, {echoes({echo("Hello")})});
  add("a compressed message with an empty fragment in the middle",
      {squeezed(hello.substr(0, 3), true, false), more(""), last(hello.substr(3))},
      {echo("Hello")});
  add("a compressed message whose 00 00 FF FF is cut by a fragment",
      {squeezed(hello + Octets(tail, 0, 2), true, false), last(Octets(tail, 2) + Octets(1, '\0'))},
      {echo("Hello")});
  cases.add("a ping between compressed fragments is answered before the message ends",
            {send({squeezed(hello.substr(0, 3), true, false), ping("now")}), await(1),
             send({last(hello.substr(3))})},
            {echoes({answer("now"), echo("Hello")})});
  const Octets words = prose(20000);
  const Octets payload = deflated(words);
  std::vector<Part> many;
  for (std::size_t at = 0; at < payload.size(); at += 100) {
    const bool final = at + 100 >= payload.size();
    many.push_back(at == 0 ? squeezed(payload.substr(0, 100), true, final)
                           : more(payload.substr(at, 100), final));
  }
  add("20,000 bytes of prose, compressed, in fragments of 100", many, {echo(words)});
  cases.add("20,000 bytes of prose, compressed, in pieces of 77",
            {send_in_pieces({squeezed(payload)}, 77)}, {echoes({echo(words)})});
}

void add_broken(CaseList& list) {
  const DeflateCases cases{list};
  const Octets words = deflated(prose(3000));
  list.group("13.4", "RFC 7692 §7.2.2, RFC 6455 §7.4.1");
  cases.broken("a block of the reserved type 3", hex("07"));
  cases.broken("a block of the reserved type 3 behind a good one",
               hex("f248cdc9c907000000ffff07ffffffffffff"));
  cases.broken("bytes of FF", hex("ffffffffffffffff"));
  cases.broken("a stored block whose lengths do not agree", hex("000500fafe48656c6c6f00"));
  cases.broken("a distance in front of the beginning", hex("4a04620000"));
  cases.broken("noise", hex("eddeadbeefcafebabe0123456789"));
  cases.broken("a dynamic block with too many codes", hex("fcfeffffffffffffffffffffffff"));
  cases.broken("a message whose last half is missing", words.substr(0, words.size() / 2));
  // To some decoders a stream that stops is none that is wrong: they take what is there.
  cases.add("a stored block that is cut", {send({squeezed(hex("001000efff48656c6c6f"), false)})},
            {DeflateCases::bad_data(),
             as(Verdict::non_strict, echoes({echo_binary(hex("48656c6c6f0000ffff"))}))});
  cases.add("a broken message in its second fragment",
            {send({squeezed(hex("f248cdc9c907000000ffff"), false, false), last(hex("07ffffff"))})},
            {DeflateCases::bad_data()});
  Outcome behind_a_good_one = DeflateCases::bad_data();
  behind_a_good_one.replies = {echo("Hello")};
  cases.add("a broken message behind a good one",
            {send({squeezed(deflated("Hello"))}), await(1), send({squeezed(hex("07"), false)})},
            {behind_a_good_one});

  list.group("13.5", "RFC 6455 §8.1, RFC 7692 §6.2");
  for (const std::string_view octets :
       {"ff", "80", "c080", "eda080", "f4908080", "41e282", "c241", "e28241", "f8888080"}) {
    cases.add("compressed text that is no UTF-8: " + std::string(octets),
              {send({squeezed(deflated(hex(octets)))})}, {fails({1007})});
  }
  cases.add("compressed binary may hold what text may not",
            {send({squeezed(deflated(hex("ffc080eda080")), false)})},
            {echoes({echo_binary(hex("ffc080eda080"))})});
  Deflater deflater;
  const Octets first = deflater.block(hex("e2"));
  const Octets second = deflater.message(hex("82ac"));
  cases.comes_back("a character cut between two blocks", first + second, hex("e282ac"));
  cases.add("a character cut between two compressed fragments",
            {send({squeezed(first, true, false), last(second)})}, {echoes({echo(hex("e282ac"))})});
  cases.add("a bad byte in the second of two compressed fragments",
            [&] {
              Deflater other;
              const Octets begin = other.block("good ");
              return std::vector<Step>{
                  send({squeezed(begin, true, false), last(other.message(hex("ff")))})};
            }(),
            {fails({1007})});
  Octets long_text = prose(5000);
  long_text[4999] = static_cast<char>(0xC3);
  cases.add("5,000 bytes of prose whose last byte begins a character",
            {send({squeezed(deflated(long_text))})}, {fails({1007})});
}

void add_contexts(CaseList& list) {
  const DeflateCases cases{list};
  const Octets hello = hex("f248cdc9c90700");
  const Octets again = hex("f200110000");
  list.group("13.6", "RFC 7692 §7.1.1, §7.2.3.2");
  const auto takes_over = [&](std::string title, std::vector<Step> steps,
                              std::vector<Reply> replies) {
    cases.add(std::move(title), std::move(steps), {echoes(std::move(replies))},
              Need::deflate_takeover);
  };
  takes_over("\"Hello\" twice, the second time by its distance, as in the RFC",
             {send({squeezed(hello), squeezed(again)})}, {echo("Hello"), echo("Hello")});
  takes_over("a context outlives a message without compression",
             {send({squeezed(hello), text("plain"), squeezed(again)})},
             {echo("Hello"), echo("plain"), echo("Hello")});
  takes_over("a context outlives a ping", {send({squeezed(hello), ping("x"), squeezed(again)})},
             {echo("Hello"), answer("x"), echo("Hello")});
  takes_over("a context is that of text and binary",
             {send({squeezed(hello), squeezed(again, false)})},
             {echo("Hello"), echo_binary("Hello")});
  takes_over(
      "a context outlives fragments",
      {send({squeezed(hello.substr(0, 3), true, false), last(hello.substr(3)), squeezed(again)})},
      {echo("Hello"), echo("Hello")});
  Deflater deflater;
  std::vector<Part> parts;
  std::vector<Reply> replies;
  for (int i = 0; i < 50; ++i) {
    const Octets words = prose(2000) + std::to_string(i);
    parts.push_back(squeezed(deflater.message(words)));
    replies.push_back(echo(words));
  }
  takes_over("50 messages with one context", {send(parts)}, replies);

  list.group("13.7", "RFC 7692 §7.1.1");
  const auto drops = [&](std::string title, std::vector<Step> steps, std::vector<Reply> replied,
                         std::vector<Reply> if_kept) {
    Outcome outcome = DeflateCases::bad_data();
    outcome.replies = std::move(replied);
    cases.add(std::move(title), std::move(steps),
              {outcome, as(Verdict::informational, echoes(std::move(if_kept)))},
              Need::deflate_no_takeover);
  };
  drops("a distance into the last message, where contexts are not kept",
        {send({squeezed(hello)}), await(1), send({squeezed(again)})}, {echo("Hello")},
        {echo("Hello"), echo("Hello")});
  cases.add("\"Hello\" three times, each for itself, where contexts are not kept",
            {send({squeezed(hello), squeezed(hello), squeezed(hello)})},
            {echoes({echo("Hello"), echo("Hello"), echo("Hello")})}, Need::deflate_no_takeover);
  // The peer's own messages are inflated here by the terms that were agreed on.
  const Octets words = prose(5000);
  cases.add("the peer's own contexts are as agreed on, in five equal messages",
            {send(std::vector<Part>(5, Part(squeezed(deflated(words)))))},
            {echoes(std::vector<Reply>(5, echo(words)))});
  cases.add("the peer's own contexts are as agreed on, with plain messages between",
            {send({squeezed(deflated(words)), text("x"), squeezed(deflated(words)), text("x"),
                   squeezed(deflated(words))})},
            {echoes({echo(words), echo("x"), echo(words), echo("x"), echo(words)})});
}

void add_bombs(CaseList& list, const Settings& settings) {
  const DeflateCases cases{list};
  list.group("13.8", "RFC 6455 §10.4");
  const auto bomb = [&](std::string title, std::vector<Step> steps, const Octets& whole) {
    Outcome outcome = fails({1009});
    outcome.loose_codes = {1007, 1008};
    cases.add(std::move(title), std::move(steps),
              {outcome, as(Verdict::informational, echoes({echo(whole)}))});
  };
  const Octets whole = repeated("a", 10000000);
  const Octets payload = deflated(whole);
  bomb("10 MB in 10 KB", {send({squeezed(payload)})}, whole);
  std::vector<Part> parts;
  for (std::size_t at = 0; at < payload.size(); at += 512) {
    const bool final = at + 512 >= payload.size();
    parts.push_back(at == 0 ? squeezed(payload.substr(0, 512), true, final)
                            : more(payload.substr(at, 512), final));
  }
  bomb("10 MB in 10 KB, in fragments of 512 bytes", {send(parts)}, whole);
  if (settings.message_bytes == 0) return;
  const auto most = static_cast<std::size_t>(settings.message_bytes);
  list.group("13.9", "RFC 6455 §7.4.1, §10.4");
  cases.comes_back("a compressed message of exactly what is accepted", deflated(prose(most)),
                   prose(most));
  cases.add("a compressed message of one byte too many",
            {send({squeezed(deflated(prose(most + 1)))})}, {fails({1009})});
  cases.add("a compressed message that is small on the wire and 16 times too large",
            {send({squeezed(deflated(prose(16 * most)))})}, {fails({1009})});
  cases.add("compressed fragments that are one byte too many together",
            [&] {
              Deflater deflater;
              const Octets words = prose(most + 1);
              const Octets begin = deflater.block(words.substr(0, most / 2));
              return std::vector<Step>{send(
                  {squeezed(begin, true, false), last(deflater.message(words.substr(most / 2)))})};
            }(),
            {fails({1009})});
}

void add_large(CaseList& list) {
  const DeflateCases cases{list};
  list.group("13.10", "RFC 7692 §7.2");
  for (const std::size_t size : {131072U, 1048576U, 4194304U}) {
    const Octets words = prose(size);
    cases.comes_back(std::to_string(size) + " bytes of prose", deflated(words), words);
    const Octets random = noise(size, 61);
    cases.add(std::to_string(size) + " bytes of noise", {send({squeezed(deflated(random), false)})},
              {echoes({echo_binary(random)})});
  }
}

}  // namespace

void add_deflate_cases(CaseList& list, const Settings& settings) {
  add_blocks(list);
  add_mixtures(list);
  add_fragments(list);
  add_broken(list);
  add_contexts(list);
  add_bombs(list, settings);
  if (settings.performance) add_large(list);
}

}  // namespace hilo::tools::conform

// SPDX-License-Identifier: MIT
//
// 1: the header of a frame: its lengths, right and wrong, and where it may be cut.

#include <array>

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
namespace {

constexpr std::string_view hello = "Hello";

struct LengthRow {
  std::size_t bytes;
  std::string_view what;
};

constexpr std::array<LengthRow, 9> lengths = {{
    {0, "nothing"},
    {1, "one byte"},
    {124, "124 bytes"},
    {125, "125 bytes, the most that 7 bits of length can say"},
    {126, "126 bytes, the least that 16 bits may say"},
    {127, "127 bytes, which in 7 bits would mean 64 bits of length"},
    {255, "255 bytes, the low byte of the length all ones"},
    {65535, "65,535 bytes, the most that 16 bits can say"},
    {65536, "65,536 bytes, the least that 64 bits may say"},
}};

Frame stretched(Frame frame, Length length) {
  frame.length = length;
  return frame;
}

Frame declaring(Frame frame, std::uint64_t bytes) {
  frame.declared = bytes;
  return frame;
}

void add_lengths(CaseList& list) {
  list.group("1.1", "RFC 6455 §5.2");
  for (const LengthRow& row : lengths) {
    const Octets payload = repeated("*", row.bytes);
    list.add("a text message of " + std::string(row.what), {send({text(payload)})},
             {echoes({echo(payload)})});
  }
  list.group("1.2", "RFC 6455 §5.2");
  for (const LengthRow& row : lengths) {
    const Octets payload = noise(row.bytes, 12);
    list.add("a binary message of " + std::string(row.what), {send({binary(payload)})},
             {echoes({echo_binary(payload)})});
  }
}

// §5.2: "the minimal number of bytes MUST be used". That binds the sender; a receiver that takes
// it all the same is lax, not wrong.
void add_not_minimal(CaseList& list) {
  const auto add = [&](std::string title, std::vector<Part> parts, std::vector<Reply> if_taken) {
    list.add(std::move(title), {send(std::move(parts))},
             {fails({1002}), as(Verdict::non_strict, echoes(std::move(if_taken)))});
  };
  list.group("1.3", "RFC 6455 §5.2");
  for (const std::size_t bytes : {0U, 1U, 125U}) {
    const Octets payload = repeated("*", bytes);
    add("16 bits of length for a text message of " + std::to_string(bytes) + " bytes",
        {stretched(text(payload), Length::in_16_bits)}, {echo(payload)});
  }
  for (const std::size_t bytes : {0U, 125U, 126U, 65535U}) {
    const Octets payload = repeated("*", bytes);
    add("64 bits of length for a text message of " + std::to_string(bytes) + " bytes",
        {stretched(text(payload), Length::in_64_bits)}, {echo(payload)});
  }
  add("16 bits of length for a binary message of 5 bytes",
      {stretched(binary(hello), Length::in_16_bits)}, {echo_binary(hello)});
  add("64 bits of length for a binary message of 5 bytes",
      {stretched(binary(hello), Length::in_64_bits)}, {echo_binary(hello)});
  add("16 bits of length for a continuation of 2 bytes",
      {text("Hel", false), stretched(last("lo"), Length::in_16_bits)}, {echo(hello)});
  add("64 bits of length for a continuation of 2 bytes",
      {text("Hel", false), stretched(last("lo"), Length::in_64_bits)}, {echo(hello)});
  add("16 bits of length for a ping of 5 bytes", {stretched(ping(hello), Length::in_16_bits)},
      {answer(hello)});
  add("64 bits of length for a ping of 5 bytes", {stretched(ping(hello), Length::in_64_bits)},
      {answer(hello)});
  add("16 bits of length for an empty pong", {stretched(pong(), Length::in_16_bits)}, {});
  add("64 bits of length for an empty pong", {stretched(pong(), Length::in_64_bits)}, {});
  for (const Length length : {Length::in_16_bits, Length::in_64_bits}) {
    const std::string bits = length == Length::in_16_bits ? "16" : "64";
    Outcome outcome = fails({1002});
    outcome.loose_codes = {1000};
    list.add(bits + " bits of length for a Close of 2 bytes",
             {send({stretched(close(1000), length)})}, {outcome});
  }
}

void add_impossible(CaseList& list) {
  const std::uint64_t top = std::uint64_t{1} << 63;
  list.group("1.4", "RFC 6455 §5.2");
  const auto add = [&](std::string title, std::vector<Part> parts) {
    Outcome outcome = fails({1002});
    outcome.loose_codes = {1009};
    list.add(std::move(title), {send(std::move(parts))}, {outcome});
  };
  add("a text message whose length has only the top bit set", {declaring(text(hello), top)});
  add("a text message whose length has the top bit set above a small one",
      {declaring(text(hello), top | 5)});
  add("a text message whose length has all 64 bits set", {declaring(text(hello), UINT64_MAX)});
  add("a binary message whose length has the top bit set", {declaring(binary(hello), top | 5)});
  add("a continuation whose length has the top bit set",
      {text("a", false), declaring(last(hello), top | 5)});
  add("a ping whose length has the top bit set", {declaring(ping(hello), top | 5)});
  add("a pong whose length has the top bit set", {declaring(pong(hello), top | 5)});
  add("a Close whose length has the top bit set", {declaring(close(1000), top | 2)});
}

// A length that is cut to fewer bits than it has would turn into a short one, and the message would
// seem to be complete.
void add_huge(CaseList& list) {
  list.group("1.5", "RFC 6455 §5.2, §10.4");
  const auto add = [&](std::string title, std::vector<Part> parts) {
    Outcome outcome = fails({1009});
    outcome.loose_codes = {1002, 1008};
    Outcome waits = as(Verdict::informational, echoes({}));
    waits.ending = Ending::still_open;
    list.add(std::move(title), {send(std::move(parts)), watch()}, {outcome, waits});
  };
  add("a text message of 2^63-1 bytes is announced",
      {declaring(text(hello), (std::uint64_t{1} << 63) - 1)});
  add("a text message of 2^62+5 bytes is announced, and 5 are sent",
      {declaring(text(hello), (std::uint64_t{1} << 62) + 5)});
  add("a text message of 2^48+5 bytes is announced, and 5 are sent",
      {declaring(text(hello), (std::uint64_t{1} << 48) + 5)});
  add("a text message of 2^40+5 bytes is announced, and 5 are sent",
      {declaring(text(hello), (std::uint64_t{1} << 40) + 5)});
  add("a text message of 2^32+5 bytes is announced, and 5 are sent",
      {declaring(text(hello), (std::uint64_t{1} << 32) + 5)});
  add("a text message of 2^32 bytes is announced, and none are sent",
      {declaring(text(""), std::uint64_t{1} << 32)});
  add("a text message of 2^31+5 bytes is announced, and 5 are sent",
      {declaring(text(hello), (std::uint64_t{1} << 31) + 5)});
  add("a fragment of 1 byte, then a continuation of 2^63-1: their sum overflows",
      {text("a", false), declaring(last(hello), (std::uint64_t{1} << 63) - 1)});
  add("a fragment of 5 bytes, then a continuation of 2^32-5: their sum is 0 in 32 bits",
      {text(hello, false), declaring(last(hello), (std::uint64_t{1} << 32) - 5)});

  const Octets payload = repeated("*", 65541);
  Step slow = send_in_pieces({text(payload)}, 32768);
  slow.cut = 19;
  list.add("a text message of 2^16+5 bytes is not complete after 5 of them", {slow},
           {echoes({echo(payload)})});
}

void add_cuts(CaseList& list) {
  struct Row {
    std::string group;
    std::size_t bytes;
    std::size_t header;
    std::string what;
  };
  const std::array<Row, 3> rows = {{{"1.6", 5, 6, "7 bits of length"},
                                    {"1.7", 200, 8, "16 bits of length"},
                                    {"1.8", 65536, 14, "64 bits of length"}}};
  for (const Row& row : rows) {
    const Octets payload = repeated("0123456789abcdef", row.bytes / 16 + 1).substr(0, row.bytes);
    list.group(row.group, "RFC 6455 §5.2");
    for (std::size_t cut = 1; cut <= row.header; ++cut) {
      list.add("a frame with " + row.what + " arrives in two pieces, cut behind byte " +
                   std::to_string(cut),
               {send_cut({text(payload)}, cut)}, {echoes({echo(payload)})});
    }
  }
}

void add_streams(CaseList& list) {
  list.group("1.9", "RFC 6455 §5.2");
  list.add("a text frame arrives byte by byte", {send_in_pieces({text(hello)}, 1)},
           {echoes({echo(hello)})});
  list.add("a frame with 16 bits of length arrives byte by byte",
           {send_in_pieces({text(repeated("x", 126))}, 1)}, {echoes({echo(repeated("x", 126))})});
  list.add("a fragmented message arrives byte by byte",
           {send_in_pieces({text("Hel", false), more("lo "), last("you")}, 1)},
           {echoes({echo("Hello you")})});
  list.add("two messages arrive in one piece", {send({text("one"), text("two")})},
           {echoes({echo("one"), echo("two")})});
  list.add("a text and a binary message arrive in one piece", {send({text("one"), binary("two")})},
           {echoes({echo("one"), echo_binary("two")})});
  list.add("two messages arrive, the second one cut inside its header",
           {send_cut({text("one"), text("two")}, 10)}, {echoes({echo("one"), echo("two")})});
  list.add("a message of 256 KiB in pieces of 1,460 bytes",
           {send_in_pieces({binary(noise(262144, 3))}, 1460)},
           {echoes({echo_binary(noise(262144, 3))})});

  std::vector<Part> parts;
  std::vector<Reply> replies;
  for (int i = 0; i < 200; ++i) {
    const std::string number = std::to_string(i);
    parts.push_back(i % 2 == 0 ? text(number) : binary(number));
    replies.push_back(i % 2 == 0 ? echo(number) : echo_binary(number));
  }
  list.add("200 messages in one piece come back in their order", {send(parts)}, {echoes(replies)});
  list.add("200 messages in pieces of 7 bytes come back in their order", {send_in_pieces(parts, 7)},
           {echoes(replies)});
  list.add("200 empty messages in one piece", {send(std::vector<Part>(200, Part(text(""))))},
           {echoes(std::vector<Reply>(200, echo("")))});
  list.add("one message after the answer to the other",
           {send({text("one")}), await(1), send({text("two")}), await(2), send({text("three")})},
           {echoes({echo("one"), echo("two"), echo("three")})});
}

}  // namespace

void add_framing_cases(CaseList& list) {
  add_lengths(list);
  add_not_minimal(list);
  add_impossible(list);
  add_huge(list);
  add_cuts(list);
  add_streams(list);
}

}  // namespace hilo::tools::conform

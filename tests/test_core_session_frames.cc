// SPDX-License-Identifier: MIT
//
// Sections F, G and I of the catalogue of bad inputs: headers, masks and fragments.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/session_rows.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;
using ws::Errc;
using ws::Role;

namespace {

std::string text(std::string_view payload) {
  return masked_frame(0x81, payload);
}
std::string binary(std::string_view payload) {
  return masked_frame(0x82, payload);
}
ws::MessageLimits limited(std::size_t message_bytes_max) {
  return {.message_bytes_max = message_bytes_max};
}

}  // namespace

TEST_CASE("whole messages of every size class are delivered") {
  for (const std::size_t size : {0U, 1U, 16U, 125U, 126U, 127U, 1000U, 4096U, 65535U, 65536U}) {
    const std::string payload(size, 'x');
    check_row({0, text(payload) + binary(payload), {seen_text(payload), seen_binary(payload)}});
    check_row({0,
               plain_frame(0x81, payload) + plain_frame(0x82, payload),
               {seen_text(payload), seen_binary(payload)},
               "",
               Role::client});
  }
}

TEST_CASE("106 to 108: reserved bits are refused") {
  for (const unsigned rsv : {0x10U, 0x20U, 0x40U, 0x70U}) {
    for (const unsigned first : {0x81U, 0x82U, 0x89U, 0x88U, 0x80U}) {
      const auto byte = static_cast<std::uint8_t>(first | rsv);
      check_row(refused(108, text("a") + masked_frame(byte, "payload") + text("never"),
                        Errc::frame_rsv, {seen_text("a")}));
    }
  }
}

TEST_CASE("109: reserved opcodes are refused at their first byte") {
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    for (const unsigned final_bit : {0x80U, 0U}) {
      const auto first = static_cast<std::uint8_t>(final_bit | opcode);
      check_row(refused(109, std::string(1, as_char(first)), Errc::frame_opcode));
      check_row(refused(109, masked_frame(first, "payload"), Errc::frame_opcode));
    }
  }
}

TEST_CASE("110 to 113: bad lengths are refused by the header, without any payload") {
  check_rows({
      refused(110, from_hex("82 FE 0005"), Errc::frame_length_not_minimal),
      refused(110, text("a") + from_hex("82 FE 007D"), Errc::frame_length_not_minimal,
              {seen_text("a")}),
      refused(111, from_hex("82 FF 000000000000FFFF"), Errc::frame_length_not_minimal),
      refused(111, from_hex("82 FF 0000000000000000"), Errc::frame_length_not_minimal),
      refused(112, from_hex("82 FF 8000000000000000"), Errc::frame_length_msb),
      refused(112, from_hex("82 FF FFFFFFFFFFFFFFFF"), Errc::frame_length_msb),
      refused(113, from_hex("82 FF 7FFFFFFFFFFFFFFF"), Errc::message_too_big),
      refused(113, from_hex("02 FF 7FFFFFFFFFFFFFFF"), Errc::message_too_big),
  });
}

TEST_CASE("114: a message of exactly the limit is delivered, one byte more is refused unseen") {
  for (const std::size_t limit : {0U, 1U, 10U, 125U, 126U, 1000U, 65536U}) {
    const std::string payload(limit, 'm');
    SessionRow exact{114, binary(payload), {seen_binary(payload)}};
    exact.limits = limited(limit);
    check_row(exact);
    SessionRow over = refused(114, header_of(0x82, limit + 1, nullptr), Errc::message_too_big);
    over.input = header_of(0x82, limit + 1, &example_key).substr(0, over.input.size());
    over.limits = limited(limit);
    check_row(over);
  }
}

// All of their payload is there, so that nothing but their header speaks against them.
TEST_CASE("110, 114: whole frames with a bad length are refused, too") {
  const std::string key(4, '\0');
  for (const std::size_t size : {0U, 5U, 125U}) {
    const std::string length = {'\0', static_cast<char>(size)};
    check_row(refused(110, text("a") + "\x82\xFE" + length + key + std::string(size, 'x'),
                      Errc::frame_length_not_minimal, {seen_text("a")}));
  }
  for (const std::size_t limit : {1U, 17U, 124U, 125U, 126U, 1000U, 65534U}) {
    for (const std::uint8_t first : {std::uint8_t{0x81}, std::uint8_t{0x82}}) {
      SessionRow over = refused(114, text("a") + masked_frame(first, std::string(limit + 1, 'x')),
                                Errc::message_too_big, {seen_text("a")});
      over.limits = limited(limit);
      check_row(over);
    }
  }
}

TEST_CASE("115: the length of a continuation does not wrap") {
  check_row(refused(115, masked_frame(0x02, "0123456789") + from_hex("80 FF 7FFFFFFFFFFFFFFF"),
                    Errc::message_too_big));
}

TEST_CASE("116: a header may be cut at any offset") {
  for (const std::size_t size : {5U, 300U, 70000U}) {
    const std::string payload(size, 'p');
    const std::string frame = binary(payload);
    for (std::size_t cut = 0; cut < std::min<std::size_t>(frame.size(), 15); ++cut) {
      Transcript said;
      Feed feed(Role::server, {}, said);
      feed.run(frame.substr(0, cut), {});
      CHECK(feed.session().unfinished() == (cut != 0));
      CHECK(feed.session().assembled_bytes() <= cut);
      feed.run(frame.substr(cut), {});
      CHECK(said.fault == "");
      const bool whole = said.events == std::vector{seen_binary(payload)};
      CHECK(whole);
    }
  }
}

TEST_CASE("117: a header that promises the maximum costs no more memory than any other") {
  for (const unsigned first : {0x82U, 0x81U, 0x02U}) {
    Transcript said;
    Feed feed(Role::server, {}, said);
    feed.run(header_of(static_cast<std::uint8_t>(first), 1 << 20, &example_key), {});
    CHECK(feed.pool().taken_bytes() == Pool::block_bytes_min);
    CHECK(said.unfinished);
    CHECK(said.events.empty());
  }
}

TEST_CASE("119 and 125: an empty text and a key of zeros are right") {
  check_rows({
      {119, from_hex("81 80 37fa213d"), {seen_text("")}},
      {119, from_hex("82 80 37fa213d"), {seen_binary("")}},
      {119, from_hex("81 00 82 00"), {seen_text(""), seen_binary("")}, "", Role::client},
      {125, masked_frame(0x81, "plain", {0, 0, 0, 0}), {seen_text("plain")}},
  });
}

TEST_CASE("120: many empty frames in one burst are delivered one by one") {
  const std::string burst = repeat(text(""), 20000);
  const Transcript said = feed(Role::server, {}, burst);
  CHECK(said.events.size() == 20000);
  CHECK(said.fault == "");
}

TEST_CASE("121: what follows the peer's Close is dropped") {
  check_rows({
      {121,
       masked_frame(0x88, close_payload(1000)) + text("late") + masked_frame(0x89, "") + "\xFF\xFF",
       {seen_close(CloseCode::normal)},
       close_reply(CloseCode::normal)},
      {121,
       plain_frame(0x88, "") + plain_frame(0x81, "late"),
       {seen_close(CloseCode::no_status)},
       plain_frame(0x88, ""),
       Role::client},
  });
}

TEST_CASE("123 and 124: a mask is missing, or too much") {
  const auto with_events = [](SessionRow row, Role role) {
    row.role = role;
    return row;
  };
  check_rows({
      refused(123, plain_frame(0x81, "Hello"), Errc::frame_unmasked),
      refused(123, plain_frame(0x89, ""), Errc::frame_unmasked),
      refused(123, plain_frame(0x88, ""), Errc::frame_unmasked),
      refused(123, text("a") + from_hex("82 7E"), Errc::frame_unmasked, {seen_text("a")}),
      with_events(refused(124, text("Hello"), Errc::frame_masked), Role::client),
      with_events(refused(124, masked_frame(0x89, ""), Errc::frame_masked), Role::client),
      with_events(refused(124, masked_frame(0x88, ""), Errc::frame_masked), Role::client),
  });
}

TEST_CASE("126: every length up to 130 is unmasked exactly, wherever the reads cut it") {
  std::string all;
  for (std::size_t i = 0; i < 130; ++i) all += as_char(i * 37 + 11);
  std::string stream;
  std::vector<Seen> events;
  for (std::size_t size = 0; size <= all.size(); ++size) {
    stream += masked_frame(0x82, all.substr(0, size), {0x01, 0x80, 0xFF, 0x5A});
    events.push_back(seen_binary(all.substr(0, size)));
  }
  check_row({126, stream, events});
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    const std::string frame = masked_frame(0x82, all, {0x01, 0x80, 0xFF, 0x5A});
    Transcript said;
    Feed feed(Role::server, {}, said);
    feed.run(frame.substr(0, 8 + cut), {});
    feed.run(frame.substr(8 + cut), {});
    const bool exact = said.events == std::vector{seen_binary(all)};
    CHECK(exact);
  }
}

TEST_CASE("151 and 152: fragments out of order are refused") {
  check_rows({
      refused(151, masked_frame(0x80, "x"), Errc::continuation_unexpected),
      refused(151, masked_frame(0x00, "x"), Errc::continuation_unexpected),
      refused(151, masked_frame(0x01, "a") + masked_frame(0x80, "b") + masked_frame(0x80, "c"),
              Errc::continuation_unexpected, {seen_text("ab")}),
      refused(152, masked_frame(0x01, "a") + text("b"), Errc::continuation_expected),
      refused(152, masked_frame(0x01, "a") + masked_frame(0x02, "b"), Errc::continuation_expected),
      refused(152, masked_frame(0x02, "") + binary(""), Errc::continuation_expected),
  });
}

TEST_CASE("153: fragments become one message, empty ones too") {
  check_rows({
      {153,
       masked_frame(0x01, "one") + masked_frame(0x00, "") + masked_frame(0x80, "two"),
       {seen_text("onetwo")}},
      {153,
       masked_frame(0x01, "") + masked_frame(0x00, "") + masked_frame(0x80, ""),
       {seen_text("")}},
      {153, masked_frame(0x02, "") + masked_frame(0x80, "all"), {seen_binary("all")}},
      {153,
       masked_frame(0x02, "all") + masked_frame(0x80, "") + text("next"),
       {seen_binary("all"), seen_text("next")}},
      {153,
       plain_frame(0x01, "one") + plain_frame(0x00, "") + plain_frame(0x80, "two"),
       {seen_text("onetwo")},
       "",
       Role::client},
  });
}

TEST_CASE("154 and 155: the budget of fragments ends a flood of small ones") {
  const std::string budget = masked_frame(0x02, "") + repeat(masked_frame(0x00, ""), 1022);
  check_rows({
      {154, budget + masked_frame(0x80, "last"), {seen_binary("last")}},
      refused(154, budget + masked_frame(0x00, "") + masked_frame(0x80, ""), Errc::fragment_budget),
      refused(155, masked_frame(0x02, "x") + repeat(masked_frame(0x00, "x"), 1040),
              Errc::fragment_budget),
      {155,
       masked_frame(0x02, "x") + repeat(masked_frame(0x00, "x"), 1038) + masked_frame(0x80, "x"),
       {seen_binary(std::string(1040, 'x'))}},
  });
}

TEST_CASE("156: fragments together are held to the limit of the message") {
  const std::string half(500, 'h');
  SessionRow exact{
      156, masked_frame(0x02, half) + masked_frame(0x80, half), {seen_binary(half + half)}};
  exact.limits = limited(1000);
  check_row(exact);
  SessionRow over =
      refused(156, masked_frame(0x02, half) + masked_frame(0x00, half) + masked_frame(0x80, "x"),
              Errc::message_too_big);
  over.limits = limited(1000);
  check_row(over);
}

TEST_CASE("158: an unfinished message dies with a Close, and is never delivered") {
  check_row({158,
             masked_frame(0x01, "begun") + masked_frame(0x88, close_payload(1001, "bye")),
             {seen_close(CloseCode::going_away, "bye")},
             close_reply(CloseCode::going_away)});
}

TEST_CASE("a large message in pieces of every kind is read into its own memory") {
  std::string payload;
  for (std::size_t i = 0; i < 300000; ++i) payload += as_char('a' + i % 23);
  const std::string stream =
      masked_frame(0x01, payload.substr(0, 100000)) + masked_frame(0x89, "?") +
      masked_frame(0x00, payload.substr(100000, 30001)) +
      masked_frame(0x80, payload.substr(130001)) + text(payload) + text("end");
  const std::vector<Seen> events = {seen_ping("?"), seen_text(payload), seen_text(payload),
                                    seen_text("end")};
  for (const Role role : {Role::server, Role::client}) {
    const std::string input = role == Role::server ? stream : unmasked_frames(stream);
    for (const Way way : {Way::whole, Way::chunks, Way::into_space}) {
      for (const std::uint32_t seed : {1U, 2U, 3U, 4U}) {
        const Transcript said = feed(role, {}, input, {way, seed, 20000});
        CHECK(said.fault == "");
        const bool same = said.events == events;
        CHECK(same);
      }
    }
  }
}

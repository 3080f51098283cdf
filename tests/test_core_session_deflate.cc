// SPDX-License-Identifier: MIT
//
// A session with permessage-deflate (RFC 7692), fed whole, byte by byte and in chunks, and held
// against its slow twin. The numbers are the catalogue's.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/session_rows.h"
#include "ws/core/deflate.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::ws;

namespace {

constexpr DeflateParameters no_takeover{.server_no_context_takeover = true,
                                        .client_no_context_takeover = true};
constexpr DeflateParameters takeover{};

const std::string hello = from_hex("F2 48 CD C9 C9 07 00");
const std::string hello_again = from_hex("F2 00 11 00 00");

std::string from_client(std::uint8_t first, std::string_view payload) {
  return masked_frame(first, payload);
}
std::string compressed(std::string_view text) {
  Pool pool;
  DeflateMemory memory;
  Deflater deflater(memory, {});
  Buffer out(pool);
  CHECK(deflater.deflate(as_bytes(text), text.size() + 1000, out));
  return std::string(as_text(std::as_const(out).readable()));
}

// Server and client, without context takeover and with it, where it makes no difference.
void check_everywhere(const SessionRow& row) {
  for (const DeflateParameters& agreed : {no_takeover, takeover}) {
    SessionRow copy = row;
    copy.deflate = agreed;
    check_row(copy);
  }
}
SessionRow with(const DeflateParameters& agreed, SessionRow row) {
  row.deflate = agreed;
  return row;
}

}  // namespace

TEST_CASE("compressed messages arrive as what they stand for (L 185, 188-191, 193)") {
  const std::vector<SessionRow> rows = {
      {0, from_client(0xC1, hello), {seen_text("Hello")}},
      {0, from_client(0xC2, hello), {seen_binary("Hello")}},
      {185, from_client(0xC1, ""), {seen_text("")}},
      {185, from_client(0xC1, from_hex("00")), {seen_text("")}},
      {188, from_client(0xC1, from_hex("F3 48 CD C9 C9 07 00 00")), {seen_text("Hello")}},
      {189, from_client(0xC1, from_hex("00 05 00 FA FF 48 65 6C 6C 6F 00")), {seen_text("Hello")}},
      {190,
       from_client(0xC1, from_hex("F2 48 05 00 00 00 FF FF CA C9 C9 07 00")),
       {seen_text("Hello")}},
      {191,
       from_client(0x41, hello + from_hex("00 00")) + from_client(0x80, from_hex("FF FF")),
       {seen_text("Hello")}},
      {193,
       from_client(0x81, "plain") + from_client(0xC1, hello) + from_client(0x81, "plain"),
       {seen_text("plain"), seen_text("Hello"), seen_text("plain")}},
  };
  for (const SessionRow& row : rows) check_everywhere(row);
}

TEST_CASE("a compressed message may be cut into frames anywhere, with pings between (L 191, 194)") {
  for (std::size_t cut = 0; cut <= hello.size(); ++cut) {
    const std::string_view wire = hello;
    check_everywhere({194,
                      from_client(0x41, wire.substr(0, cut)) + from_client(0x89, "now") +
                          from_client(0x00, "") + from_client(0x80, wire.substr(cut)),
                      {seen_ping("now"), seen_text("Hello")},
                      plain_frame(0x8A, "now")});
  }
}

TEST_CASE("a pong, then a compressed message (H 137)") {
  check_everywhere(
      {137, from_client(0x8A, "") + from_client(0xC1, hello), {seen_pong(""), seen_text("Hello")}});
}

TEST_CASE("with context takeover a message may refer to the one before (L 186, 187)") {
  const std::string stream = from_client(0xC1, hello) + from_client(0xC1, hello_again);
  check_row(with(takeover, {187, stream, {seen_text("Hello"), seen_text("Hello")}}));
  check_row(with(no_takeover, refused(186, stream, Errc::inflate_data, {seen_text("Hello")})));
  // Each direction has its own say.
  check_row(with({.server_no_context_takeover = true},
                 {187, stream, {seen_text("Hello"), seen_text("Hello")}}));
  check_row(with({.client_no_context_takeover = true},
                 refused(186, stream, Errc::inflate_data, {seen_text("Hello")})));
  SessionRow client{187,
                    plain_frame(0xC1, hello) + plain_frame(0xC1, hello_again),
                    {seen_text("Hello"), seen_text("Hello")}};
  client.role = Role::client;
  check_row(with({.client_no_context_takeover = true}, client));
}

TEST_CASE("RSV1 stands in the first frame of a message and nowhere else (F 107, 108)") {
  const std::vector<SessionRow> rows = {
      refused(108, from_client(0x41, hello) + from_client(0xC0, ""), Errc::frame_rsv),
      refused(108, from_client(0x01, "a") + from_client(0xC0, "b"), Errc::frame_rsv),
      refused(108, from_client(0xC9, ""), Errc::frame_rsv),
      refused(108, from_client(0xCA, ""), Errc::frame_rsv),
      refused(108, from_client(0xC8, ""), Errc::frame_rsv),
      refused(106, from_client(0xE1, hello), Errc::frame_rsv),
      refused(106, from_client(0xD1, hello), Errc::frame_rsv),
      refused(106, from_client(0xA1, "x"), Errc::frame_rsv),
      refused(109, from_client(0xC3, hello), Errc::frame_rsv),
      refused(152, from_client(0x41, hello) + from_client(0xC1, hello),
              Errc::continuation_expected),
  };
  for (const SessionRow& row : rows) check_everywhere(row);
  check_row(refused(107, from_client(0xC1, hello), Errc::frame_rsv));
}

TEST_CASE("what cannot be inflated, or not to text, is refused (L 183, 184, 195)") {
  const std::vector<SessionRow> rows = {
      refused(183, from_client(0xC1, from_hex("06")), Errc::inflate_data),
      refused(183, from_client(0x42, from_hex("FF")) + from_client(0x80, from_hex("FF")),
              Errc::inflate_data),
      refused(184, from_client(0xC1, from_hex("F2 48 CD C9 C9")), Errc::inflate_cut),
      refused(195, from_client(0xC1, compressed("caf\xC3")), Errc::text_not_utf8),
      refused(195, from_client(0xC1, compressed("\xED\xA0\x80")), Errc::text_not_utf8),
      {195, from_client(0xC2, compressed("caf\xC3")), {seen_binary("caf\xC3")}},
      // Held as it came, no one asks whether it is text.
      {164, from_client(0xC1, compressed("h\xC3\xADlo")), {seen_text("h\xC3\xADlo")}},
  };
  for (const SessionRow& row : rows) check_everywhere(row);
}

TEST_CASE("limits of what a compressed message inflates to (L 180-182)") {
  const MessageLimits small{.message_bytes_max = 1000};
  const std::string most(1000, 'x');
  const auto limited = [&](SessionRow row, const MessageLimits& limits) {
    row.limits = limits;
    check_everywhere(row);
  };
  limited({181, from_client(0xC2, compressed(most)), {seen_binary(most)}}, small);
  limited(refused(181, from_client(0xC2, compressed(most + "x")), Errc::inflate_too_big), small);
  limited(refused(180, from_client(0xC2, compressed(std::string(100'000, '\0'))),
                  Errc::inflate_too_big),
          small);
  MessageLimits stingy = small;
  stingy.inflate_ratio_free_bytes = 500;
  stingy.inflate_ratio_max = 10;
  limited(refused(182, from_client(0xC2, compressed(most)), Errc::inflate_ratio), stingy);
  limited({182, from_client(0xC2, compressed(most.substr(500))), {seen_binary(most.substr(500))}},
          stingy);
}

TEST_CASE("limits of what a compressed message is made of (F 114, I 154-156, L 192)") {
  const MessageLimits small{.message_bytes_max = 1000, .fragments_base = 4};
  const auto limited = [&](SessionRow row) {
    row.limits = small;
    check_everywhere(row);
  };
  // It may be larger than what it stands for, but not by much: 1000 + 1000/8 + 64.
  limited(refused(114, header_of(0xC2, 1190, &example_key), Errc::message_too_big));
  limited(refused(156,
                  from_client(0x42, std::string(1000, 'x')) + header_of(0x80, 190, &example_key),
                  Errc::message_too_big));
  limited(refused(114, header_of(0x82, 1001, &example_key), Errc::message_too_big));
  limited(refused(154, from_client(0x41, hello) + repeat(from_client(0x00, ""), 4),
                  Errc::fragment_budget));
  limited(
      refused(192, from_client(0xC2, repeat(from_hex("00 00 00 FF FF"), 9)), Errc::inflate_blocks));
}

TEST_CASE("a thousand messages, compressed and not, in both roles and both ways") {
  for (const Role role : {Role::server, Role::client}) {
    std::string stream;
    std::vector<Seen> events;
    for (int i = 0; i < 1000; ++i) {
      const std::string text = "message number " + std::to_string(i * 7919) + repeat(" and on", 5);
      const bool plain = i % 3 == 0;
      const std::string payload = plain ? text : compressed(text);
      stream += peer_frame(role, plain ? 0x81 : 0xC1, payload);
      events.push_back(seen_text(text));
    }
    for (const DeflateParameters& agreed : {no_takeover, takeover}) {
      for (const Way way : {Way::whole, Way::chunks}) {
        const Transcript said = feed(role, {}, stream, {.way = way, .deflate = agreed});
        CHECK(said.fault == "");
        const bool same = said.events == events;
        CHECK(same);
      }
    }
  }
}

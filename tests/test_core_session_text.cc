// SPDX-License-Identifier: MIT
//
// Sections H and J of the catalogue of bad inputs: control frames, close codes and UTF-8.

#include <doctest/doctest.h>

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
std::string close_frame(std::uint64_t code, std::string_view reason = {}) {
  return masked_frame(0x88, close_payload(code, reason));
}

// A text refused however it is sent: whole, and as two fragments cut anywhere.
void check_not_utf8(int number, const std::string& bad) {
  const std::vector<std::string> around = {"", "before "};
  for (const std::string& before : around) {
    const std::string payload = before + bad;
    check_row(refused(number, text(payload), Errc::text_not_utf8));
    check_row(refused(number, text(payload + " after"), Errc::text_not_utf8));
    for (std::size_t cut = 0; cut <= payload.size(); ++cut) {
      check_row(refused(
          number,
          masked_frame(0x01, payload.substr(0, cut)) + masked_frame(0x80, payload.substr(cut)),
          Errc::text_not_utf8));
    }
  }
}

}  // namespace

TEST_CASE("130: a ping comes back as a pong with the same bytes") {
  for (const std::size_t size : {0U, 1U, 4U, 124U, 125U}) {
    const std::string payload(size, '\xE9');
    for (const Role role : {Role::server, Role::client}) {
      check_row({130,
                 peer_frame(role, 0x89, payload),
                 {seen_ping(payload)},
                 plain_frame(0x8A, payload),
                 role});
    }
  }
}

TEST_CASE("131, 132 and 145: control frames are short and whole") {
  check_rows({
      refused(131, from_hex("89 FE"), Errc::control_too_long),
      refused(131, masked_frame(0x89, std::string(126, 'p')), Errc::control_too_long),
      refused(131, masked_frame(0x8A, std::string(70000, 'p')), Errc::control_too_long),
      refused(132, masked_frame(0x09, ""), Errc::control_fragmented),
      refused(132, masked_frame(0x0A, ""), Errc::control_fragmented),
      refused(132, masked_frame(0x08, ""), Errc::control_fragmented),
      refused(145, masked_frame(0x88, close_payload(1000, std::string(124, 'r'))),
              Errc::control_too_long),
  });
}

TEST_CASE("133 and 167: a ping between two fragments is answered before the message ends") {
  check_rows({
      {133,
       masked_frame(0x01, "one") + masked_frame(0x89, "hi") + masked_frame(0x80, "two"),
       {seen_ping("hi"), seen_text("onetwo")},
       plain_frame(0x8A, "hi")},
      {133,
       masked_frame(0x02, "one") + masked_frame(0x8A, "") + masked_frame(0x80, ""),
       {seen_pong(""), seen_binary("one")}},
      {167,
       masked_frame(0x01, "\xE2\x82") + masked_frame(0x89, "\xFF\xE2") + masked_frame(0x80, "\xAC"),
       {seen_ping("\xFF\xE2"), seen_text("\xE2\x82\xAC")},
       plain_frame(0x8A, "\xFF\xE2")},
      refused(167,
              masked_frame(0x01, "\xE2\x82") + masked_frame(0x89, "\xAC") + masked_frame(0x80, "x"),
              Errc::text_not_utf8, {seen_ping("\xAC")}, plain_frame(0x8A, "\xAC")),
  });
}

TEST_CASE("135 and 136: forty pings are answered, a pong asks for nothing") {
  std::string pings;
  std::string pongs;
  std::vector<Seen> events;
  for (std::size_t i = 0; i < 40; ++i) {
    pings += masked_frame(0x89, std::string(i, '!'));
    pongs += plain_frame(0x8A, std::string(i, '!'));
    events.push_back(seen_ping(std::string(i, '!')));
  }
  check_row({135, pings, events, pongs});
  check_row({136, masked_frame(0x8A, "alone"), {seen_pong("alone")}});
  check_row({137, masked_frame(0x8A, "") + text("then"), {seen_pong(""), seen_text("then")}});
}

TEST_CASE("140 and 141: a Close without a code is echoed empty, a Close of one byte is refused") {
  check_rows({
      {140, masked_frame(0x88, ""), {seen_close(CloseCode::no_status)}, plain_frame(0x88, "")},
      {140,
       plain_frame(0x88, ""),
       {seen_close(CloseCode::no_status)},
       plain_frame(0x88, ""),
       Role::client},
      refused(141, masked_frame(0x88, "x"), Errc::close_length),
      {145,
       close_frame(1000, std::string(123, 'r')),
       {seen_close(CloseCode::normal, std::string(123, 'r'))},
       close_reply(CloseCode::normal)},
  });
}

TEST_CASE("142 and 143: every close code there is, echoed or refused") {
  unsigned wrong = 0;
  unsigned echoed = 0;
  for (unsigned code = 0; code < 65536; ++code) {
    const bool legal = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                       (code >= 3000 && code <= 4999);
    const Role role = code % 2 == 0 ? Role::server : Role::client;
    const std::string payload = close_payload(code);
    const Transcript said = feed(role, {}, peer_frame(role, 0x88, payload));
    const Seen expected =
        legal ? seen_close(static_cast<CloseCode>(code)) : seen_failure(Errc::close_code);
    const std::string reply = plain_frame(0x88, legal ? payload : close_payload(1002));
    const bool right = said.events == std::vector{expected} && said.replies == reply &&
                       said.wants_transport_close && said.fault.empty();
    wrong += right ? 0 : 1;
    echoed += legal ? 1 : 0;
  }
  CHECK(wrong == 0);
  CHECK(echoed == 4 + 8 + 2000);
}

TEST_CASE("142 and 143: codes at the edges, however they are cut") {
  for (const unsigned code : {1000U, 1003U, 1007U, 1014U, 3000U, 4999U}) {
    check_row({143,
               close_frame(code, "why"),
               {seen_close(static_cast<CloseCode>(code), "why")},
               plain_frame(0x88, close_payload(code))});
  }
  for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2999U, 5000U, 65535U}) {
    check_row(refused(142, close_frame(code, "why"), Errc::close_code));
  }
}

TEST_CASE("144: a reason is UTF-8 and not cut") {
  check_rows({
      refused(144, close_frame(1000, "\xFF"), Errc::close_reason_not_utf8),
      refused(144, close_frame(1000, "cut \xE2\x82"), Errc::close_reason_not_utf8),
      refused(144, close_frame(1000, "\xED\xA0\x80"), Errc::close_reason_not_utf8),
      {144,
       close_frame(1000, "\xE2\x82\xAC"),
       {seen_close(CloseCode::normal, "\xE2\x82\xAC")},
       close_reply(CloseCode::normal)},
  });
}

TEST_CASE("146: a second Close is dropped") {
  check_row({146,
             close_frame(1000) + close_frame(1001),
             {seen_close(CloseCode::normal)},
             close_reply(CloseCode::normal)});
}

TEST_CASE("160: forms longer than needed are not UTF-8") {
  for (const char* bad : {"C080", "C1BF", "E08080", "E09FBF", "F08FBFBF"}) {
    check_not_utf8(160, from_hex(bad));
  }
}

TEST_CASE("161 and 162: surrogates and numbers beyond U+10FFFF are not UTF-8") {
  for (const char* bad : {"EDA080", "EDBFBF", "F4908080", "F5", "F8", "FC", "FE", "FF"}) {
    check_not_utf8(161, from_hex(bad));
  }
}

TEST_CASE("163: a lone tail byte, and a text that ends inside a character, are not UTF-8") {
  check_not_utf8(163, "\x80");
  for (const char* cut : {"C3", "E2", "E282", "F0", "F09F", "F09F98"}) {
    check_row(refused(163, text("a" + from_hex(cut)), Errc::text_not_utf8));
    check_row(refused(163, masked_frame(0x01, from_hex(cut)) + masked_frame(0x80, ""),
                      Errc::text_not_utf8));
  }
}

TEST_CASE("164: a character may be cut by frames at every byte") {
  const std::string whole = "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  std::string stream = masked_frame(0x01, "");
  for (const char c : whole) stream += masked_frame(0x00, std::string(1, c));
  check_row({164, stream + masked_frame(0x80, ""), {seen_text(whole)}});
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    check_row({164,
               masked_frame(0x01, whole.substr(0, cut)) + masked_frame(0x80, whole.substr(cut)),
               {seen_text(whole)}});
  }
}

TEST_CASE(
    "165 and 166: a character that goes wrong in the next frame fails there, before the end") {
  check_rows({
      refused(165, masked_frame(0x01, "ok \xF4") + masked_frame(0x00, "\x90"), Errc::text_not_utf8),
      refused(166, masked_frame(0x01, "ok \xC3") + masked_frame(0x00, "A"), Errc::text_not_utf8),
      // The frame itself is not there yet, either.
      refused(165, header_of(0x81, 1000, &example_key) + masked("ok \xF4\x90", example_key),
              Errc::text_not_utf8),
  });
}

TEST_CASE("168: unusual characters are characters") {
  const std::string odd("\0 \xEF\xBF\xBE \xEF\xBB\xBF", 9);
  check_row({168, text(odd), {seen_text(odd)}});
}

TEST_CASE("169: one bad byte anywhere in a long ASCII text is found") {
  const std::string ascii(130, 'a');
  for (std::size_t offset = 0; offset < ascii.size(); ++offset) {
    std::string bad = ascii;
    bad[offset] = '\x80';
    const SessionRow row = refused(169, text(bad), Errc::text_not_utf8);
    const bool whole = feed(Role::server, {}, row.input).events == row.events;
    const bool split = feed(Role::server, {}, row.input, {.way = Way::chunks}).events == row.events;
    CHECK(whole);
    CHECK(split);
  }
}

TEST_CASE("170: binary may be anything") {
  std::string all;
  for (unsigned value = 0; value < 256; ++value) all += as_char(value);
  check_rows({
      {170, masked_frame(0x82, all), {seen_binary(all)}},
      {170, masked_frame(0x02, "\xFF") + masked_frame(0x80, "\xC0"), {seen_binary("\xFF\xC0")}},
  });
}

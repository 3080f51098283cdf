// SPDX-License-Identifier: MIT

#include "ws/core/http_body.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "ws/core/http_head.h"

using namespace hilo;
using ws::BodyFraming;
using ws::BodyKind;
using ws::BodyLimits;
using ws::BodyParser;
using ws::BodyProgress;
using ws::Errc;

namespace {

BodyFraming framing_of(std::string_view fields, std::string_view version = "HTTP/1.1") {
  std::string text = "POST / " + std::string(version) + "\r\nHost: a\r\n";
  text.append(fields).append("\r\n");
  ws::RequestParser parser;
  REQUIRE(parser.parse(as_bytes(text)).kind == ws::HeadProgress::Kind::complete);
  return body_framing(parser.head(as_bytes(text)));
}

struct Outcome {
  Errc error = Errc::none;
  bool complete = false;
  std::string content;
  std::size_t consumed = 0;
};
bool operator==(const Outcome& a, const Outcome& b) {
  return a.error == b.error && a.complete == b.complete && a.content == b.content &&
         a.consumed == b.consumed;
}

// Feeds `text` in pieces of `piece` bytes.
Outcome feed(std::string_view text, std::size_t piece, BodyFraming framing = {BodyKind::chunked},
             BodyLimits limits = {}) {
  BodyParser parser(framing, limits);
  Outcome outcome;
  for (std::size_t at = 0; at <= text.size(); at += piece) {
    Bytes input = as_bytes(text.substr(at, piece));
    const std::size_t offered = input.size();
    for (;;) {
      const BodyProgress progress = parser.next(input);
      if (progress.kind == BodyProgress::Kind::need_input) break;
      if (progress.kind == BodyProgress::Kind::data) {
        CHECK_FALSE(progress.data.empty());
        outcome.content.append(as_text(progress.data));
        continue;
      }
      outcome.consumed += offered - input.size();
      outcome.error = progress.error;
      outcome.complete = parser.is_complete();
      CHECK(parser.content_bytes() == outcome.content.size());
      CHECK(parser.next(input).kind == progress.kind);
      return outcome;
    }
    CHECK(input.empty());
    outcome.consumed += offered;
  }
  return outcome;
}

// Whole and byte by byte, which have to agree.
Outcome feed_both(std::string_view text, BodyFraming framing = {BodyKind::chunked},
                  BodyLimits limits = {}) {
  const Outcome whole = feed(text, text.size() + 1, framing, limits);
  CHECK(feed(text, 1, framing, limits) == whole);
  CHECK(feed(text, 3, framing, limits) == whole);
  return whole;
}

}  // namespace

TEST_CASE("what the fields say of the body (C 51-54)") {
  struct Row {
    std::string_view fields;
    BodyKind kind;
    std::uint64_t length;
    Errc error = Errc::none;
  };
  const Row rows[] = {
      {"", BodyKind::none, 0},
      {"Content-Length: 0\r\n", BodyKind::none, 0},
      {"Content-Length: 5\r\n", BodyKind::length, 5},
      {"Content-Length: 0005\r\n", BodyKind::length, 5},
      {"Content-Length: 9223372036854775807\r\n", BodyKind::length, 0x7FFFFFFFFFFFFFFF},
      {"Transfer-Encoding: chunked\r\n", BodyKind::chunked, 0},
      {"transfer-encoding: CHUNKED\r\n", BodyKind::chunked, 0},
      // 51
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", {}, 0, Errc::http_framing},
      // 52
      {"Content-Length: 5\r\nContent-Length: 5\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 5, 5\r\n", {}, 0, Errc::http_framing},
      // 53
      {"Content-Length: +5\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: -1\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 0x5\r\n", {}, 0, Errc::http_framing},
      {"Content-Length:  5 6\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 9223372036854775808\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 18446744073709551616\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 00000000000000000005\r\n", {}, 0, Errc::http_framing},
      {"Content-Length:\r\n", {}, 0, Errc::http_framing},
      {"Content-Length: 5;\r\n", {}, 0, Errc::http_framing},
      // 54
      {"Transfer-Encoding: xchunked\r\n", {}, 0, Errc::http_transfer_coding},
      {"Transfer-Encoding: gzip, chunked\r\n", {}, 0, Errc::http_transfer_coding},
      {"Transfer-Encoding: gzip\r\n", {}, 0, Errc::http_transfer_coding},
      {"Transfer-Encoding: chunked, identity\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding: identity\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding: chunked, gzip\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding: chunked, chunked\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding: chunked;q=1\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding: chunked,\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding: ,\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding:\r\n", {}, 0, Errc::http_framing},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", {}, 0, Errc::http_framing},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fields);
    const BodyFraming framing = framing_of(row.fields);
    CHECK(framing.error == row.error);
    CHECK(framing.kind == row.kind);
    CHECK(framing.length == row.length);
  }
  CHECK(framing_of("Transfer-Encoding: chunked\r\n", "HTTP/1.0").error == Errc::http_framing);
  CHECK(framing_of("Content-Length: 5\r\n", "HTTP/1.0").length == 5);
}

TEST_CASE("a body of known length ends where it says, and what is behind it is left alone") {
  const BodyFraming five{BodyKind::length, Errc::none, 5};
  const Outcome outcome = feed_both("helloGET / HTTP/1.1", five);
  CHECK(outcome.complete);
  CHECK(outcome.content == "hello");
  CHECK(outcome.consumed == 5);
  CHECK_FALSE(feed_both("hell", five).complete);
  CHECK(feed_both("hello", five, {.bytes_max = 5}).complete);
  const Outcome refused = feed_both("hello", five, {.bytes_max = 4});
  CHECK(refused.error == Errc::http_body_too_big);
  CHECK(refused.consumed == 0);
  Bytes nothing;
  CHECK(BodyParser({}, {}).next(nothing).kind == BodyProgress::Kind::complete);
}

TEST_CASE("chunks are put together; extensions and trailers are thrown away (C 57)") {
  for (const std::string_view text :
       {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "5\r\nhello\r\n006\r\n world\r\n000\r\n\r\n",
        "0000000000000005\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        "5;a=b;c=\"d\"\r\nhello\r\n6 \t;\r\n world\r\n0;x\r\n\r\n",
        "5\r\nhello\r\n6\r\n world\r\n0\r\nHost: evil\r\nContent-Length: 7\r\nX:\r\n\r\n"}) {
    CAPTURE(text);
    const Outcome outcome = feed_both(std::string(text) + "GET");
    CHECK(outcome.complete);
    CHECK(outcome.content == "hello world");
    CHECK(outcome.consumed == text.size());
  }
  for (const std::string_view digits : {"a", "A", "0a"}) {
    CHECK(feed_both(std::string(digits) + "\r\n0123456789\r\n0\r\n\r\n").content == "0123456789");
  }
}

TEST_CASE("chunked bodies that break the grammar (C 55-57)") {
  struct Row {
    std::string text;
    Errc error;
  };
  const std::string begin = "1\r\nx\r\n";
  const Row rows[] = {
      {"00000000000000001\r\nx", Errc::http_framing},  // 55: 17 digits
      {std::string(100000, '0'), Errc::http_framing},
      {"-1\r\n", Errc::http_framing},
      {"+1\r\n", Errc::http_framing},
      {"0x5\r\n", Errc::http_framing},
      {"\r\n", Errc::http_framing},
      {";a\r\n", Errc::http_framing},
      {" 1\r\nx", Errc::http_framing},
      {"1 \r\nx", Errc::http_framing},
      {"1 x\r\n", Errc::http_framing},
      {"1\nx", Errc::http_framing},
      {"1\r\rx", Errc::http_framing},
      {"1;\nx", Errc::http_framing},
      {"1;a\r\r", Errc::http_framing},
      {std::string("1;a\0", 4), Errc::http_framing},
      {"1\r\nxy", Errc::http_framing},  // 56: no CR LF behind the data
      {"1\r\nx\n", Errc::http_framing},
      {"1\r\nx\r1", Errc::http_framing},
      {"1;" + std::string(1 << 20, 'e'), Errc::http_framing},
      {"FFFFFFFFFFFFFFFF\r\n", Errc::http_body_too_big},
      {begin + "FFFFFFFFFFFFFFFF\r\n", Errc::http_body_too_big},
      {begin + "F423F\r\n", Errc::none},               // with the first byte 1,000,000
      {begin + "F4240\r\n", Errc::http_body_too_big},  // one more
      {"0\r\n\n", Errc::http_line_end},
      {"0\r\n\r\r", Errc::http_line_end},
      {"0\r\n a: b\r\n", Errc::http_field_name},
      {"0\r\na : b\r\n", Errc::http_field_name},
      {"0\r\n: b\r\n", Errc::http_field_name},
      {"0\r\na\r\n", Errc::http_field_name},
      {"0\r\na: b\n", Errc::http_line_end},
      {"0\r\na: b\rc", Errc::http_line_end},
      {"0\r\na: b\r\n c\r\n", Errc::http_field_name},
      {"0\r\na: \x7F\r\n", Errc::http_field_value},
      {"0\r\na: " + std::string(16384, 'b'), Errc::http_head_too_long},  // 57
  };
  for (const Row& row : rows) {
    CAPTURE(row.text.substr(0, 40));
    const Outcome outcome = feed_both(row.text);
    CHECK(outcome.error == row.error);
    CHECK_FALSE(outcome.complete);
  }
}

TEST_CASE("extensions are bounded over the whole body, trailers by the byte") {
  const BodyLimits limits{.bytes_max = 100, .extension_bytes_max = 6, .trailer_bytes_max = 6};
  CHECK(feed_both("1;aa\r\nx\r\n1;b\r\ny\r\n0\r\n\r\n", {BodyKind::chunked}, limits).complete);
  CHECK(feed_both("1;aa\r\nx\r\n1;bbb\r\n", {BodyKind::chunked}, limits).error ==
        Errc::http_framing);
  CHECK(feed_both("0\r\na:bc\r\n\r\n", {BodyKind::chunked}, limits).complete);
  CHECK(feed_both("0\r\na:bcd\r\n", {BodyKind::chunked}, limits).error == Errc::http_head_too_long);
}

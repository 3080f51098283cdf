// SPDX-License-Identifier: MIT

#include "ws/core/http_conditions.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/heads.h"

using namespace hilo;
using namespace hilo::test;
using ws::ByteRange;
using ws::Condition;

namespace {

constexpr std::int64_t day = 86'400;
constexpr std::int64_t modified = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr ws::Validators file{
    .etag = "\"a,b\"", .modified_seconds = modified, .now_seconds = modified + 30 * day};
constexpr std::string_view same_date = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view later = "Sun, 06 Nov 1994 08:49:38 GMT";

std::string line(std::string_view name, std::string_view value) {
  return std::string(name).append(": ").append(value).append("\r\n");
}

Condition condition(std::string_view lines) {
  const ParsedRequest request(
      std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(lines).append("\r\n"));
  REQUIRE(request.is_complete());
  return ws::evaluate_conditions(request.head.fields, file);
}

std::string range_of(std::string_view lines, std::uint64_t bytes,
                     const ws::Validators& validators = file) {
  const ParsedRequest request(
      std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(lines).append("\r\n"));
  REQUIRE(request.is_complete());
  const ByteRange range = ws::requested_range(request.head.fields, validators, bytes);
  if (range.kind == ByteRange::Kind::unsatisfiable) return "416";
  const std::string text = std::to_string(range.begin) + "+" + std::to_string(range.bytes);
  return range.kind == ByteRange::Kind::whole ? "whole " + text : text;
}

std::string range(std::string_view value, std::uint64_t bytes = 10) {
  CAPTURE(value);
  return range_of(line("Range", value), bytes);
}

}  // namespace

TEST_CASE("who has the file already is told so, by its tag or by its date") {
  CHECK(condition("") == Condition::serve);
  for (const std::string_view has :
       {"\"a,b\"", "W/\"a,b\"", "\"x\", \"a,b\"", " \"x\",,W/\"a,b\" ", "*", "\"\", \"a,b\""}) {
    CAPTURE(has);
    CHECK(condition(line("If-None-Match", has)) == Condition::not_modified);
  }
  for (const std::string_view lacks :
       {"\"a\"", "a,b", "\"a,b", "\"A,B\"", "", "\"x\" y \"a,b\"", "w/\"a,b\"", "\"*\""}) {
    CAPTURE(lacks);
    CHECK(condition(line("If-None-Match", lacks)) == Condition::serve);
  }
  CHECK(condition(line("If-None-Match", "\"x\"") + line("if-none-match", "\"a,b\"")) ==
        Condition::not_modified);

  CHECK(condition(line("If-Modified-Since", same_date)) == Condition::not_modified);
  CHECK(condition(line("If-Modified-Since", later)) == Condition::not_modified);
  CHECK(condition(line("If-Modified-Since", earlier)) == Condition::serve);
  // RFC 9110 §13.1.3: what is no date is no condition, nor is one beside If-None-Match.
  CHECK(condition(line("If-Modified-Since", "yesterday")) == Condition::serve);
  CHECK(condition(line("If-Modified-Since", later) + line("If-Modified-Since", later)) ==
        Condition::serve);
  CHECK(condition(line("If-Modified-Since", later) + line("If-None-Match", "\"x\"")) ==
        Condition::serve);
}

TEST_CASE("who wants another file than there is gets none") {
  CHECK(condition(line("If-Match", "\"a,b\"")) == Condition::serve);
  CHECK(condition(line("If-Match", "*")) == Condition::serve);
  // RFC 9110 §13.1.1: compared strongly.
  CHECK(condition(line("If-Match", "W/\"a,b\"")) == Condition::failed);
  CHECK(condition(line("If-Match", "\"x\"")) == Condition::failed);
  CHECK(condition(line("If-Unmodified-Since", same_date)) == Condition::serve);
  CHECK(condition(line("If-Unmodified-Since", earlier)) == Condition::failed);
  CHECK(condition(line("If-Unmodified-Since", "never")) == Condition::serve);
  // §13.2.2: If-Match goes first and If-Unmodified-Since is not asked beside it.
  CHECK(condition(line("If-Unmodified-Since", earlier) + line("If-Match", "\"a,b\"")) ==
        Condition::serve);
  CHECK(condition(line("If-Match", "\"a,b\"") + line("If-None-Match", "\"a,b\"")) ==
        Condition::not_modified);
}

TEST_CASE("a range is as long as the file allows") {
  CHECK(range_of("", 10) == "whole 0+10");
  CHECK(range("bytes=0-0") == "0+1");
  CHECK(range("bytes=2-5") == "2+4");
  CHECK(range("BYTES=2-5") == "2+4");
  CHECK(range("bytes=2-") == "2+8");
  CHECK(range("bytes=0-") == "0+10");
  CHECK(range("bytes=9-9") == "9+1");
  CHECK(range("bytes=9-10") == "9+1");
  CHECK(range("bytes=0-99999999999999999999999999") == "0+10");
  CHECK(range("bytes=0-18446744073709551615") == "0+10");
  CHECK(range("bytes=-1") == "9+1");
  CHECK(range("bytes=-10") == "0+10");
  CHECK(range("bytes=-18446744073709551616") == "0+10");
}

TEST_CASE("a range without a byte of the file is not to be had") {
  CHECK(range("bytes=10-") == "416");
  CHECK(range("bytes=10-20") == "416");
  CHECK(range("bytes=18446744073709551615-") == "416");
  CHECK(range("bytes=99999999999999999999999999-") == "416");
  CHECK(range("bytes=-0") == "416");
  CHECK(range("bytes=0-", 0) == "416");
  CHECK(range("bytes=0-0", 0) == "416");
  CHECK(range("bytes=-5", 0) == "416");
}

TEST_CASE("what is no single range of bytes is answered with the whole file") {
  for (const std::string_view other :
       {"bytes=", "bytes=-", "bytes=5", "bytes=5-2", "bytes=a-b", "bytes=1-b", "bytes=+1-2",
        "bytes=--1", "bytes=1--2", "bytes=0x1-2", "bytes=1 -2", "bytes 1-2", "items=1-2", "1-2",
        "bytes=0-1,3-4", "bytes=0-0,0-0,0-0,0-0", "bytes=,1-2", "bytes=1-2,"}) {
    CHECK(range(other) == "whole 0+10");
  }
  CHECK(range_of(line("Range", "bytes=0-1") + line("Range", "bytes=0-1"), 10) == "whole 0+10");
}

TEST_CASE("If-Range asks for a part of the same file, or else for all of the new one") {
  const auto with = [](std::string_view value) {
    return range_of(line("Range", "bytes=2-5") + line("If-Range", value), 10);
  };
  CHECK(with("\"a,b\"") == "2+4");
  CHECK(with("\"x\"") == "whole 0+10");
  CHECK(with("W/\"a,b\"") == "whole 0+10");
  CHECK(with(same_date) == "2+4");
  // RFC 9110 §13.1.5: exactly that date, not one behind it.
  CHECK(with(later) == "whole 0+10");
  CHECK(with(earlier) == "whole 0+10");
  CHECK(with("soon") == "whole 0+10");
  CHECK(range_of(
            line("Range", "bytes=2-5") + line("If-Range", "\"a,b\"") + line("If-Range", "\"a,b\""),
            10) == "whole 0+10");
  // A file that was changed within this second may change again within it.
  const ws::Validators fresh{
      .etag = "\"e\"", .modified_seconds = modified, .now_seconds = modified + 1};
  CHECK(range_of(line("Range", "bytes=2-5") + line("If-Range", same_date), 10, fresh) ==
        "whole 0+10");
}

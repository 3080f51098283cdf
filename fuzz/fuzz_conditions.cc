// SPDX-License-Identifier: MIT
//
// Conditions, ranges and dates in the fields of a request. Eight bytes are a time, and the rest is
// fields, as they stand in a head. Whatever they say, a range lies within the file; a date that was
// read is written, and read again to the same; and what changes with a field is what its rule says.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "fuzz/mutator.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/http_conditions.h"
#include "ws/core/http_date.h"
#include "ws/core/http_head.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

constexpr std::string_view etag = "\"1a\"";
// The years 0 and 9999 end and begin about there.
constexpr std::int64_t seconds_least = -62'000'000'000;
constexpr std::int64_t seconds_most = 253'000'000'000;
constexpr std::uint64_t file_bytes = 1000;

std::string_view text_of(const HttpDate& date) {
  return {date.data(), date.size()};
}

void check_date(std::string_view text, std::int64_t now) {
  const std::optional<std::int64_t> seconds = parse_http_date(text, now);
  // A year of two digits may lie outside of them, where the clock does.
  if (!seconds || *seconds < seconds_least || *seconds > seconds_most) return;
  const HttpDate written = write_http_date(*seconds);
  HILO_CHECK(parse_http_date(text_of(written), now) == seconds);
}

// Of the file, and of none.
void check_range(const Fields& fields, const Validators& validators) {
  using Kind = ByteRange::Kind;
  const ByteRange range = requested_range(fields, validators, file_bytes);
  HILO_CHECK(fields.contains("Range") || range.kind == Kind::whole);
  if (range.kind != Kind::unsatisfiable) {
    HILO_CHECK(range.bytes > 0 && range.begin < file_bytes &&
               range.bytes <= file_bytes - range.begin);
  }
  HILO_CHECK(requested_range(fields, validators, 0).kind != Kind::part);
}

void check_conditions(const Fields& fields, const Validators& validators) {
  const Condition condition = evaluate_conditions(fields, validators);
  const bool may_fail = fields.contains("If-Match") || fields.contains("If-Unmodified-Since");
  const bool may_be_same = fields.contains("If-None-Match") || fields.contains("If-Modified-Since");
  HILO_CHECK(condition != Condition::failed || may_fail);
  HILO_CHECK(condition != Condition::not_modified || may_be_same);
  if (fields.find("If-Match") == "*") HILO_CHECK(condition != Condition::failed);
  if (fields.find("If-None-Match") == "*") HILO_CHECK(condition != Condition::serve);
}

constexpr std::array<std::string_view, 14> condition_fields{
    "If-Match: \"1a\"",
    "If-Match: *",
    "If-None-Match: W/\"1a\", \"b\"",
    "If-None-Match: *",
    "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT",
    "If-Modified-Since: Sun Nov  6 08:49:37 1994",
    "If-Range: \"1a\"",
    "If-Range: Sun, 06 Nov 1994 08:49:37 GMT",
    "Range: bytes=0-0",
    "Range: bytes=-1",
    "Range: bytes=999-",
    "Range: bytes=0-1,3-4",
    "Range: bytes=18446744073709551615-"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::int64_t now = 0;
  if (size < sizeof(now) || size > 4096) return 0;
  std::memcpy(&now, data, sizeof(now));
  const std::string_view text = as_text(Bytes{data + sizeof(now), size - sizeof(now)});
  check_date(text, now);
  if (now > seconds_least && now < seconds_most) {
    HILO_CHECK(parse_http_date(text_of(write_http_date(now)), 0) == now);
  }
  const std::string head = std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(text);
  RequestParser parser;
  if (parser.parse(as_bytes(head)).kind != HeadProgress::Kind::complete) return 0;
  const RequestHead request = parser.head(as_bytes(head));
  const Validators validators{.etag = etag, .modified_seconds = 784'111'777, .now_seconds = now};
  check_range(request.fields, validators);
  check_conditions(request.fields, validators);
  for (const FieldView field : request.fields) check_date(field.value, now);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  const fuzz::HeadWords words{condition_fields, condition_fields};
  return fuzz::mutate_behind(sizeof(std::int64_t), data, size, size_max, seed,
                             [&](std::string_view text, std::mt19937& random) {
                               return fuzz::mutate_head(text, words, random);
                             });
}

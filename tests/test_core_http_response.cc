// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "tests/support/heads.h"
#include "ws/core/http_response.h"

using namespace hilo;
using namespace hilo::ws;
using test::ParsedResponse;

namespace {

std::string text_of(const Buffer& buffer) {
  return std::string(as_text(buffer.readable()));
}

std::string error_response(Errc error, const ErrorResponse& options = {}) {
  Pool pool;
  Buffer out(pool);
  REQUIRE(write_error_response(out, error, options));
  return text_of(out);
}

}  // namespace

TEST_CASE("an error is answered with its status, its required fields and a close") {
  CHECK(error_response(Errc::http_line_end) ==
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 61\r\nConnection: close\r\n\r\n"
        "400 Bad Request: a line must end with CR LF (RFC 9112 \xC2\xA7"
        "2.2)\n");
  const std::string version = error_response(Errc::upgrade_version);
  CHECK(version.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  CHECK(version.find("Connection: close\r\n") != std::string::npos);
  CHECK(version.find("Upgrade: websocket\r\nConnection: Upgrade\r\n") != std::string::npos);
  CHECK(version.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
  const std::string malformed = error_response(Errc::upgrade_version_malformed);
  CHECK(malformed.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(malformed.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
  CHECK(error_response(Errc::upgrade_method).find("\r\nAllow: GET\r\n") != std::string::npos);
  CHECK(error_response(Errc::idle_preface).empty());
}

TEST_CASE("every error answer parses, and its length is that of its body") {
  for (std::size_t i = 0; i < errc_count; ++i) {
    const auto error = static_cast<Errc>(i);
    if (http_status_for(error) == 0) continue;
    CAPTURE(rule(error).label);
    const std::string text = error_response(error);
    const ParsedResponse answer(text);
    REQUIRE(answer.is_complete());
    CHECK(answer.head.status == http_status_for(error));
    CHECK(answer.head.reason == reason_phrase(answer.head.status));
    CHECK(answer.head.reason != "Unknown");
    CHECK(answer.head.fields.lists_token("Connection", "close"));
    CHECK(answer.head.fields.find("Content-Length") ==
          std::to_string(text.size() - answer.progress.head_bytes));
    CHECK(text.ends_with(std::string(rule(error).text) + "\n"));

    const std::array<FieldView, 1> retry = {{{"Retry-After", "5"}}};
    const std::string bare = error_response(error, {.body_omitted = true, .fields = retry});
    CHECK(bare.ends_with("\r\nRetry-After: 5\r\n\r\n"));
  }
}

TEST_CASE("responses carry type, length and body, or none where there can be none") {
  Pool pool;
  Buffer out(pool);
  const std::array<FieldView, 1> fields = {{{"ETag", "\"x\""}}};
  REQUIRE(write_response(out, {.content_type = "text/html", .fields = fields, .body = "hi"}));
  CHECK(text_of(out) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nETag: \"x\"\r\n\r\nhi");
  out.release();
  REQUIRE(write_response(
      out, {.status = 404, .content_type = "", .close = true, .body_omitted = true, .body = "hi"}));
  CHECK(text_of(out) == "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  out.release();
  REQUIRE(write_response(out, {.content_type = "", .content_length = 18446744073709551615U}));
  CHECK(text_of(out) == "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n");
  for (const std::uint16_t status : {std::uint16_t{100}, std::uint16_t{204}, std::uint16_t{304}}) {
    out.release();
    REQUIRE(write_response(out, {.status = status, .body = "hi"}));
    CHECK(text_of(out).ends_with(std::string(reason_phrase(status)) + "\r\n\r\n"));
  }
  out.release();
  REQUIRE(write_response_head(out, 299, fields));
  CHECK(text_of(out) == "HTTP/1.1 299 Unknown\r\nETag: \"x\"\r\n\r\n");
}

TEST_CASE("a malformed response is not written at all") {
  Pool pool;
  Buffer out(pool);
  const std::array<FieldView, 1> crlf = {{{"A", "b\nc"}}};
  CHECK(write_response_head(out, 200, crlf).error() == Errc::argument);
  CHECK(write_response_head(out, 99, {}).error() == Errc::argument);
  CHECK(write_response_head(out, 1000, {}).error() == Errc::argument);
  CHECK(write_response(out, {.content_type = "a\rb"}).error() == Errc::argument);
  CHECK(write_error_response(out, Errc::http_host, {.fields = crlf}).error() == Errc::argument);
  CHECK(out.empty());
}

TEST_CASE("memory that cannot be had leaves the buffer as it was") {
  Pool pool;
  Buffer out(pool);
  REQUIRE(out.append(as_bytes("before")));
  // Longer than a block can be; it is counted, and never read.
  const std::string_view endless(as_text(out.readable()).data(), Pool::block_bytes_max);
  CHECK(write_response(out, {.body = endless}).error() == out_of_memory());
  CHECK(text_of(out) == "before");
}

TEST_CASE("every status that has a name has one") {
  int named = 0;
  for (std::uint16_t status = 100; status < 600; ++status) {
    if (reason_phrase(status) != "Unknown") ++named;
  }
  CHECK(named == 42);
}

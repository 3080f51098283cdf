// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "net/base/result.h"
#include "ws/core/error.h"
#include "ws/core/utf8.h"

using namespace hilo;
using namespace hilo::ws;

namespace {

Errc nth(std::size_t number) {
  return static_cast<Errc>(number);
}

bool is_label(std::string_view label) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return !label.empty() && label.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

TEST_CASE("every error has a row with a label, a text and an answer of its layer") {
  CHECK(errc_count > 50);
  for (std::size_t i = 0; i < errc_count; ++i) {
    const Rule row = rule(nth(i));
    CAPTURE(row.label);
    CHECK(row.error == nth(i));
    CHECK(is_label(row.label));
    CHECK_FALSE(row.text.empty());
    CHECK(utf8_valid(as_bytes(row.text)));
    // For programs in C.
    CHECK(row.label.data()[row.label.size()] == '\0');
    CHECK(row.text.data()[row.text.size()] == '\0');
    // The text goes into a log line and a body: one line, without quotes of either kind of format.
    CHECK(row.text.find_first_of("\r\n\"\\") == std::string_view::npos);
    CHECK((row.layer == Layer::none) == (row.error == Errc::none));
    switch (row.layer) {
      case Layer::none: CHECK(row.answer == 0); break;
      case Layer::tcp:
      case Layer::tls:
      case Layer::deflate:
      case Layer::ws: CHECK((row.answer == 0 || is_wire_close_code(row.answer))); break;
      case Layer::http:
      case Layer::upgrade:
        CHECK((row.answer == 0 || (row.answer >= 400 && row.answer <= 505)));
        break;
    }
  }
}

TEST_CASE("no two errors of the protocol have the same text") {
  std::set<std::string_view> texts;
  for (std::size_t i = 0; i < errc_count; ++i) CHECK(texts.insert(rule(nth(i)).text).second);
}

TEST_CASE("the close code that answers an error may stand on the wire, or none is sent") {
  for (std::size_t i = 0; i < errc_count; ++i) {
    CAPTURE(rule(nth(i)).label);
    const CloseCode code = close_code_for(nth(i));
    const bool sendable = is_wire_close_code(static_cast<std::uint16_t>(code));
    CHECK((sendable || code == CloseCode::abnormal));
    CHECK(sendable == (rule(nth(i)).answer >= 1000));
  }
}

TEST_CASE("the HTTP status that answers an error is an error status, or silence") {
  for (std::size_t i = 0; i < errc_count; ++i) {
    CAPTURE(rule(nth(i)).label);
    const std::uint16_t status = http_status_for(nth(i));
    CHECK((status == 0 || (status >= 400 && status <= 505)));
    CHECK((status == 0) == (rule(nth(i)).answer == 0));
  }
}

TEST_CASE("the answers that RFC 6455 §7.4.1 demands") {
  CHECK(close_code_for(Errc::frame_rsv) == CloseCode::protocol_error);
  CHECK(close_code_for(Errc::frame_unmasked) == CloseCode::protocol_error);
  CHECK(close_code_for(Errc::text_not_utf8) == CloseCode::invalid_payload);
  CHECK(close_code_for(Errc::close_reason_not_utf8) == CloseCode::invalid_payload);
  CHECK(close_code_for(Errc::message_too_big) == CloseCode::message_too_big);
  CHECK(close_code_for(Errc::fragment_budget) == CloseCode::policy_violation);
  CHECK(close_code_for(Errc::no_memory) == CloseCode::internal_error);
  CHECK(close_code_for(Errc::idle_timeout) == CloseCode::going_away);
  CHECK(close_code_for(Errc::end_without_close) == CloseCode::abnormal);
  CHECK(close_code_for(Errc::head_timeout) == CloseCode::abnormal);
  CHECK(http_status_for(Errc::head_timeout) == 408);
  CHECK(http_status_for(Errc::idle_timeout) == 408);
  CHECK(http_status_for(Errc::no_memory) == 500);
  CHECK(http_status_for(Errc::upgrade_version) == 426);
  CHECK(http_status_for(Errc::end_without_close) == 0);
}

TEST_CASE("every layer has its name in the log") {
  CHECK(to_string(Layer::none) == "none");
  CHECK(to_string(Layer::tcp) == "tcp");
  CHECK(to_string(Layer::http) == "http");
  CHECK(to_string(Layer::upgrade) == "upg");
  CHECK(to_string(Layer::ws) == "ws");
  CHECK(to_string(Layer::deflate) == "pmd");
}

TEST_CASE("an error travels as std::error_code") {
  const std::error_code code = Errc::frame_length_msb;
  CHECK(code.category().name() == std::string_view("hilo.ws"));
  CHECK(code.message() == rule(Errc::frame_length_msb).text);
  CHECK(code == make_error_code(Errc::frame_length_msb));
  CHECK(code != make_error_code(Errc::frame_rsv));
  CHECK_FALSE(std::error_code(Errc::none));
  CHECK(code.category().message(-1) == "unknown error");
  CHECK(code.category().message(static_cast<int>(errc_count)) == "unknown error");
  const Status status = Errc::frame_rsv;
  CHECK_FALSE(static_cast<bool>(status));
  CHECK(status.error() == make_error_code(Errc::frame_rsv));
}

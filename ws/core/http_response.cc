// SPDX-License-Identifier: MIT

#include "ws/core/http_response.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "ws/core/http_sink.h"

namespace hilo::ws {
namespace {

// A number in decimal, as text that lives in the object.
class Decimal {
 public:
  explicit Decimal(std::uint64_t value) noexcept
      : end_(std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr) {}
  std::string_view text() const noexcept {
    return {digits_.data(), static_cast<std::size_t>(end_ - digits_.data())};
  }

 private:
  std::array<char, 20> digits_;
  char* end_;
};

void emit_status_line(HeadSink& sink, std::uint16_t status) noexcept {
  sink.require(status >= 100 && status <= 999);
  sink.text("HTTP/1.1 ");
  sink.text(Decimal(status).text());
  sink.text(" ");
  sink.text(reason_phrase(status));
  sink.text("\r\n");
}

// The body of an error: "400 Bad Request: " and the rule's sentence.
class ErrorText {
 public:
  ErrorText(std::uint16_t status, std::string_view sentence) noexcept {
    append(Decimal(status).text());
    append(" ");
    append(reason_phrase(status));
    append(": ");
    append(sentence);
    append("\n");
  }
  std::string_view text() const noexcept { return {text_.data(), bytes_}; }

 private:
  void append(std::string_view part) noexcept {
    bytes_ += part.copy(text_.data() + bytes_, text_.size() - bytes_);
  }
  std::array<char, 256> text_;
  std::size_t bytes_ = 0;
};

// The fields that an answer needs beside those of every response.
std::size_t required_fields(Errc error, std::uint16_t status, std::string_view allow,
                            std::span<FieldView, 4> fields) noexcept {
  std::size_t count = 0;
  // RFC 9110 §15.5.6.
  if (status == 405) fields[count++] = {"Allow", allow};
  // RFC 9110 §15.6.4: a guess, and better than being asked again at once.
  if (status == 503) fields[count++] = {"Retry-After", "5"};
  if (status == 426) {
    // RFC 9110 §15.5.22, §7.8: Upgrade has to be named in Connection.
    fields[count++] = {"Upgrade", "websocket"};
    fields[count++] = {"Connection", "Upgrade"};
  }
  if (status == 426 || error == Errc::upgrade_version_malformed) {
    fields[count++] = {"Sec-WebSocket-Version", "13"};
  }
  return count;
}

// Searched from the front, which is short beside the answer; code for each of them would be large.
// clang-format off
constexpr std::string_view phrases =
    "100 Continue\n"
    "101 Switching Protocols\n"
    "103 Early Hints\n"
    "200 OK\n"
    "201 Created\n"
    "202 Accepted\n"
    "204 No Content\n"
    "206 Partial Content\n"
    "301 Moved Permanently\n"
    "302 Found\n"
    "303 See Other\n"
    "304 Not Modified\n"
    "307 Temporary Redirect\n"
    "308 Permanent Redirect\n"
    "400 Bad Request\n"
    "401 Unauthorized\n"
    "403 Forbidden\n"
    "404 Not Found\n"
    "405 Method Not Allowed\n"
    "406 Not Acceptable\n"
    "408 Request Timeout\n"
    "409 Conflict\n"
    "410 Gone\n"
    "411 Length Required\n"
    "412 Precondition Failed\n"
    "413 Content Too Large\n"
    "414 URI Too Long\n"
    "415 Unsupported Media Type\n"
    "416 Range Not Satisfiable\n"
    "417 Expectation Failed\n"
    "421 Misdirected Request\n"
    "422 Unprocessable Content\n"
    "426 Upgrade Required\n"
    "428 Precondition Required\n"
    "429 Too Many Requests\n"
    "431 Request Header Fields Too Large\n"
    "500 Internal Server Error\n"
    "501 Not Implemented\n"
    "502 Bad Gateway\n"
    "503 Service Unavailable\n"
    "504 Gateway Timeout\n"
    "505 HTTP Version Not Supported\n";
// clang-format on

}  // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
  const Decimal number(status);
  std::string_view rest = phrases;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::size_t space = line.find(' ');
    if (line.substr(0, space) == number.text()) return line.substr(space + 1);
    rest.remove_prefix(line.size() + 1);
  }
  return "Unknown";
}

bool has_no_body(std::uint16_t status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

Status write_response_head(Buffer& out, std::uint16_t status,
                           std::span<const FieldView> fields) noexcept {
  return emit_head(out, [&](HeadSink& sink) {
    emit_status_line(sink, status);
    for (const FieldView& field : fields) sink.field(field.name, field.value);
    sink.text("\r\n");
  });
}

Status write_response(Buffer& out, const Response& response) noexcept {
  const bool is_bare = has_no_body(response.status);
  const Decimal length(response.content_length.value_or(response.body.size()));
  return emit_head(out, [&](HeadSink& sink) {
    emit_status_line(sink, response.status);
    if (!is_bare) {
      if (!response.content_type.empty()) sink.field("Content-Type", response.content_type);
      sink.field("Content-Length", length.text());
    }
    if (!response.date.empty()) sink.field("Date", response.date);
    if (response.close) sink.field("Connection", "close");
    for (const FieldView& field : response.fields) {
      // A second word on where the answer ends would be believed by somebody.
      sink.require(!is_framing_field(field.name));
      sink.field(field.name, field.value);
    }
    sink.text("\r\n");
    if (!is_bare && !response.body_omitted) sink.text(response.body);
  });
}

Status write_error_response(Buffer& out, Errc error, const ErrorResponse& options) noexcept {
  const std::uint16_t status = http_status_for(error);
  if (status == 0) return {};
  std::array<FieldView, 4> required;
  const std::size_t required_count = required_fields(error, status, options.allow, required);
  const ErrorText body(status, rule(error).text);
  const Decimal length(body.text().size());
  return emit_head(out, [&](HeadSink& sink) {
    emit_status_line(sink, status);
    sink.field("Content-Type", "text/plain; charset=utf-8");
    sink.field("Content-Length", length.text());
    if (!options.date.empty()) sink.field("Date", options.date);
    sink.field("Connection", "close");
    for (const FieldView& field : std::span(required).first(required_count)) {
      sink.field(field.name, field.value);
    }
    for (const FieldView& field : options.fields) sink.field(field.name, field.value);
    sink.text("\r\n");
    if (!options.body_omitted) sink.text(body.text());
  });
}

}  // namespace hilo::ws

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

}  // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
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

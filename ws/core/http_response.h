// SPDX-License-Identifier: MIT
//
// Writing HTTP/1.1 responses: pages, refusals, and the head of the 101.
//
// Each function appends one whole head, or changes nothing and says why: Errc::argument when a part
// has a byte that could end its line (so that no value can forge a field), out_of_memory otherwise.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "net/base/buffer.h"
#include "net/base/result.h"
#include "ws/core/error.h"
#include "ws/core/http_fields.h"

namespace hilo::ws {

// RFC 9110 §15 and RFC 6585; "Unknown" for a status without a name.
std::string_view reason_phrase(std::uint16_t status) noexcept;

// RFC 9112 §6.3: the answer ends with its head, whatever its fields say.
bool has_no_body(std::uint16_t status) noexcept;

// "HTTP/1.1 200 OK", the fields in this order, and the empty line.
Status write_response_head(Buffer& out, std::uint16_t status,
                           std::span<const FieldView> fields) noexcept;

struct Response {
  std::uint16_t status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";  // empty: no Content-Type
  // The Content-Length, if it is not that of `body`: for a body that follows by other ways.
  std::optional<std::uint64_t> content_length = {};
  std::string_view date = {};              // of Date (http_date.h); empty: none
  bool close = false;                      // "Connection: close"
  bool body_omitted = false;               // the answer to HEAD: all fields, no body
  std::span<const FieldView> fields = {};  // written behind the above
  std::string_view body = {};
};

// A head with Content-Type, Content-Length and Connection as asked for, and the body. Responses
// without a body by definition (has_no_body) get neither type, length nor body. Errc::argument also
// for a field that would say once more where the body ends.
Status write_response(Buffer& out, const Response& response) noexcept;

struct ErrorResponse {
  bool body_omitted = false;       // the answer to HEAD
  std::string_view allow = "GET";  // the methods that a 405 names
  std::string_view date = {};      // of Date; empty: none
  std::span<const FieldView> fields = {};
};

// The answer to a broken rule, by its row in error.cc: the status, "Connection: close", a line of
// text, and what the status requires: Allow (405), Retry-After (503), Upgrade and
// Sec-WebSocket-Version (426), the version also where it was malformed (RFC 6455 §4.4). Errors that
// are answered with silence write nothing.
Status write_error_response(Buffer& out, Errc error, const ErrorResponse& options = {}) noexcept;

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// The heads of HTTP/1.1 requests and responses (RFC 9112 §2-§5): incremental, strict, in views.
//
//   RequestParser parser;                             // once per connection, while it speaks HTTP
//   HeadProgress progress = parser.parse(unconsumed); // whenever bytes were appended
//   if (progress.kind == HeadProgress::Kind::complete) {
//     const RequestHead head = parser.head(unconsumed);
//     ... // then consume progress.head_bytes, reset(), and parse the next pipelined request
//   }
//
// The caller keeps all bytes of an unfinished head together in one buffer, which may grow and move
// between the calls; the parser remembers positions and how far it has looked. It never goes back
// but once over a finished piece (a method, a target, a host), so a head that comes byte by byte
// costs no more than one that comes at once, and a bad byte is refused when it comes. What stands
// behind the head is not touched.
//
// What is accepted, beyond the grammar of the RFC:
//   - one empty line in front of a request (§2.2), not two;
//   - any visible ASCII byte but '#' in a target, because browsers send some that RFC 3986 forbids;
//   - HTTP/1.2 to HTTP/1.9, which are spoken to as HTTP/1.1 (RFC 9110 §2.5).
//
//   memory  about 900 bytes, no allocation
//   views   everything in a head is valid while the buffer does not move and until reset()
//   errors  a request fails with Errc::http_* or tls_on_plain; a response with response_malformed
//           or response_too_long. After a failure parse() repeats it until reset().

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/base/bytes.h"
#include "ws/core/error.h"
#include "ws/core/http_authority.h"
#include "ws/core/http_fields.h"
#include "ws/core/http_method.h"

namespace hilo::ws {

// RFC 9112 §3.2.
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

inline constexpr std::size_t method_bytes_max = 32;

struct HeadProgress {
  enum class Kind : std::uint8_t { need_input, complete, failed };
  Kind kind = Kind::need_input;
  Errc error = Errc::none;     // for failed
  std::size_t head_bytes = 0;  // for complete: how many bytes the head takes, its empty line too
};

struct RequestHead {
  Method method = Method::other;
  TargetForm form = TargetForm::origin;
  std::uint8_t version_minor = 1;  // of HTTP/1.x
  std::string_view method_text;
  std::string_view target;  // as it came
  // The path as it came: not decoded, not normalised. "/" where an absolute target has none, and
  // empty for the authority and asterisk forms.
  std::string_view path;
  std::string_view query;  // without the '?'
  // The host the request is for: of an absolute target, else of Host (RFC 9112 §3.2.2). Its host
  // is empty only in HTTP/1.0 without Host.
  Authority host;
  Fields fields;

  // Whether the fields announce a body (RFC 9112 §6): Transfer-Encoding, or a Content-Length
  // other than a plain "0".
  bool has_body_fields() const noexcept;
};

struct ResponseHead {
  std::uint16_t status = 0;        // 100-999
  std::uint8_t version_minor = 1;  // of HTTP/1.x
  std::string_view reason;         // may be empty
  Fields fields;
};

class RequestParser {
 public:
  explicit RequestParser(const HeadLimits& limits = HeadLimits()) noexcept
      : limits_(limits), fields_(limits) {}

  // `all_so_far` begins with the first byte of the request and grows from call to call.
  [[nodiscard]] HeadProgress parse(Bytes all_so_far) noexcept;

  // The head, as views into `all_so_far`; only after parse() said complete.
  RequestHead head(Bytes all_so_far) const noexcept;

  // Whether a byte of a request was seen since the last reset: an answer of 408 is due then when
  // time runs out, and silence otherwise.
  bool started() const noexcept { return position_ != 0; }

  void reset() noexcept;

 private:
  enum class State : std::uint8_t {
    begin,
    begin_line_feed,
    tls_version,
    method_begin,
    method,
    target_begin,
    target,
    target_percent,
    target_percent_digit,
    version,
    line_end,
    line_feed,
    fields,
    done,
  };
  Errc parse_begin(std::uint8_t byte) noexcept;
  Errc begin_target(std::uint8_t byte) noexcept;
  Errc parse_method(Bytes all) noexcept;
  Errc parse_target(Bytes all) noexcept;
  Errc parse_target_escape(std::uint8_t byte) noexcept;
  Errc parse_version(Bytes all) noexcept;
  Errc parse_start_line(Bytes all) noexcept;
  Errc end_start_line(std::uint8_t byte) noexcept;
  Errc check_target(std::string_view target) noexcept;
  Errc parse_fields(Bytes all) noexcept;
  Errc check_field(Bytes section) noexcept;
  std::string_view target_text(Bytes all) const noexcept;

  HeadLimits limits_;
  FieldParser fields_;
  std::uint32_t position_ = 0;    // of the next byte to look at, up to the fields
  std::uint16_t line_begin_ = 0;  // 0, or 2 behind an empty line
  std::uint16_t target_begin_ = 0;
  std::uint16_t target_bytes_ = 0;
  std::uint16_t path_begin_ = 0;  // these two count from the target's first byte
  std::uint16_t path_bytes_ = 0;
  std::uint16_t host_begin_ = 0;  // of Host, if there is one, counted from the first field
  std::uint16_t host_bytes_ = 0;
  std::uint16_t host_port_ = 0;
  Method method_ = Method::other;
  TargetForm form_ = TargetForm::origin;
  State state_ = State::begin;
  Errc error_ = Errc::none;
  std::uint8_t version_index_ = 0;  // how many bytes of "HTTP/1.1" were read
  std::uint8_t version_minor_ = 0;
  bool has_host_ = false;
  bool host_is_ipv6_ = false;
  bool escape_is_zero_ = false;  // the digit behind '%' was '0'
};

class ResponseParser {
 public:
  explicit ResponseParser(const HeadLimits& limits = HeadLimits()) noexcept
      : limits_(limits), fields_(limits) {}

  // `all_so_far` begins with the first byte of the response and grows from call to call.
  [[nodiscard]] HeadProgress parse(Bytes all_so_far) noexcept;

  // The head, as views into `all_so_far`; only after parse() said complete.
  ResponseHead head(Bytes all_so_far) const noexcept;

  void reset() noexcept;

 private:
  enum class State : std::uint8_t { version, status, status_end, reason, line_feed, fields, done };
  bool parse_byte(std::uint8_t byte) noexcept;  // false: malformed
  Errc parse_start_line(Bytes all) noexcept;
  Errc parse_fields(Bytes all) noexcept;

  HeadLimits limits_;
  FieldParser fields_;
  std::uint32_t position_ = 0;
  std::uint16_t reason_begin_ = 0;
  std::uint16_t reason_bytes_ = 0;
  std::uint16_t status_ = 0;
  State state_ = State::version;
  Errc error_ = Errc::none;
  std::uint8_t index_ = 0;  // how many bytes of the version or of the status were read
  std::uint8_t version_minor_ = 0;
};

}  // namespace hilo::ws

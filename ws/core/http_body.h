// SPDX-License-Identifier: MIT
//
// The bodies of HTTP/1.1 requests (RFC 9112 §6, §7): how long one is, and reading it, sans-I/O.
//
//   const BodyFraming framing = body_framing(head);
//   if (framing.error != Errc::none) ... // refuse: nothing behind this head can be trusted
//   BodyParser parser(framing, limits);
//   for (;;) {
//     const BodyProgress progress = parser.next(input);   // consumes from the front of `input`
//     ...
//   }
//
// Strict wherever two readers could disagree on where the body ends, which is how requests are
// smuggled: one Content-Length of digits alone; Transfer-Encoding is "chunked" alone, never beside
// Content-Length and never in HTTP/1.0; lines end with CR LF; a chunk size has 1 to 16 hex digits.
// Chunk extensions and trailers are read, bounded and thrown away (RFC 9112 §7.1.1, §7.1.2).
//
//   memory  none of its own: data are views into the input
//   time    each byte of a line is looked at once, data not at all
//   errors  http_framing, http_transfer_coding, http_body_too_big, http_head_too_long (trailers),
//           http_field_name, http_field_value, http_line_end (in them). A failure is repeated.

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "ws/core/error.h"
#include "ws/core/http_head.h"

namespace hilo::ws {

enum class BodyKind : std::uint8_t { none, length, chunked };

struct BodyFraming {
  BodyKind kind = BodyKind::none;
  Errc error = Errc::none;
  std::uint64_t length = 0;  // for BodyKind::length, above 0
};

// What the fields say of the body (RFC 9112 §6.3). A length of 0 is no body.
BodyFraming body_framing(const RequestHead& head) noexcept;

struct BodyLimits {
  std::uint64_t bytes_max = 1'000'000;       // of content
  std::uint32_t extension_bytes_max = 4096;  // of chunk extensions, all together
  std::uint32_t trailer_bytes_max = 16384;
};

struct BodyProgress {
  enum class Kind : std::uint8_t { need_input, data, complete, failed };
  Kind kind = Kind::need_input;
  Errc error = Errc::none;  // for failed
  Bytes data = {};          // for data: a view into the input, not empty
};

class BodyParser {
 public:
  BodyParser(const BodyFraming& framing, const BodyLimits& limits) noexcept;

  // The next piece from the front of `input`, which is shortened by what was read. Behind the end
  // of the body nothing is touched. A body that is announced as too long fails before its data.
  [[nodiscard]] BodyProgress next(Bytes& input) noexcept;

  bool is_complete() const noexcept { return state_ == State::complete; }
  // Of content, so far.
  std::uint64_t content_bytes() const noexcept { return content_bytes_; }

 private:
  enum class State : std::uint8_t {
    size,  // a chunk's size
    size_space,
    extension,
    size_line_feed,
    data,  // of a chunk, or of a body of known length
    data_return,
    data_line_feed,
    trailer_begin,
    trailer_name,
    trailer_value,
    trailer_line_feed,
    final_line_feed,
    complete,
    failed,
  };
  BodyProgress take_data(Bytes& input) noexcept;
  Errc parse_line_byte(std::uint8_t byte) noexcept;
  Errc parse_size(std::uint8_t byte) noexcept;
  Errc end_size(std::uint8_t byte) noexcept;
  Errc begin_chunk() noexcept;
  Errc parse_trailer(std::uint8_t byte) noexcept;
  Errc expect(std::uint8_t byte, std::uint8_t wanted, State next) noexcept;

  BodyLimits limits_;
  std::uint64_t left_ = 0;  // of the data that come; while a size is read, what it is so far
  std::uint64_t content_bytes_ = 0;
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint8_t size_digits_ = 0;
  bool chunked_ = false;
  State state_ = State::data;
  Errc error_ = Errc::none;
};

}  // namespace hilo::ws

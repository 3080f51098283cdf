// SPDX-License-Identifier: MIT

#include "ws/core/http_body.h"

#include <algorithm>
#include <limits>

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

constexpr std::uint8_t size_digits_max = 16;  // 64 bits: more could only wrap

BodyFraming refused(Errc error) noexcept {
  return {BodyKind::none, error, 0};
}

// RFC 9110 §8.6: digits alone. A value that does not fit into 63 bits is taken for an attempt on
// whoever reads it as signed.
BodyFraming framing_of_length(std::string_view text) noexcept {
  if (text.empty() || text.size() > 19 || !all_in(text, ByteClass::digit)) {
    return refused(Errc::http_framing);
  }
  std::uint64_t length = 0;  // 19 digits fit
  for (const char digit : text) length = length * 10 + static_cast<unsigned>(digit - '0');
  if (length > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return refused(Errc::http_framing);
  }
  return {length == 0 ? BodyKind::none : BodyKind::length, Errc::none, length};
}

// RFC 9112 §6.1: codings that are not known get 501; "chunked" has to be the last, stands once and
// has no parameters. "identity" was a coding of RFC 2616 and makes readers disagree.
BodyFraming framing_of_codings(std::string_view text) noexcept {
  if (equals_ignoring_case(text, "chunked")) return {BodyKind::chunked, Errc::none, 0};
  ListReader codings(text);
  bool is_chunked = false;
  bool is_known = true;
  bool is_empty = true;
  while (const auto coding = codings.next()) {
    const bool is_this_chunked = equals_ignoring_case(*coding, "chunked");
    if (is_chunked || equals_ignoring_case(*coding, "identity")) return refused(Errc::http_framing);
    if (!is_this_chunked && !is_token(*coding)) return refused(Errc::http_framing);
    is_chunked = is_this_chunked;
    is_known = is_known && is_this_chunked;
    is_empty = false;
  }
  return refused(is_empty || is_known ? Errc::http_framing : Errc::http_transfer_coding);
}

std::uint8_t hex_value(std::uint8_t byte) noexcept {
  return static_cast<std::uint8_t>(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
}

}  // namespace

BodyFraming body_framing(const RequestHead& head) noexcept {
  const std::size_t codings = head.fields.count("Transfer-Encoding");
  const std::size_t lengths = head.fields.count("Content-Length");
  if (codings + lengths == 0) return {};
  // RFC 9112 §6.1 and §6.3: both together, or more than one, is how requests are smuggled.
  if (codings + lengths > 1) return refused(Errc::http_framing);
  if (lengths != 0) return framing_of_length(*head.fields.find("Content-Length"));
  if (head.version_minor == 0) return refused(Errc::http_framing);
  return framing_of_codings(*head.fields.find("Transfer-Encoding"));
}

BodyParser::BodyParser(const BodyFraming& framing, const BodyLimits& limits) noexcept
    : limits_(limits), left_(framing.length), chunked_(framing.kind == BodyKind::chunked) {
  switch (framing.kind) {
    case BodyKind::none: state_ = State::complete; break;
    case BodyKind::chunked: state_ = State::size; break;
    case BodyKind::length:
      if (framing.length <= limits_.bytes_max) break;
      state_ = State::failed;
      error_ = Errc::http_body_too_big;
      break;
  }
}

BodyProgress BodyParser::next(Bytes& input) noexcept {
  while (state_ != State::complete && state_ != State::failed) {
    if (input.empty()) return {};
    if (state_ == State::data) return take_data(input);
    error_ = parse_line_byte(input.front());
    input = input.subspan(1);
    if (error_ != Errc::none) state_ = State::failed;
  }
  if (state_ == State::failed) return {BodyProgress::Kind::failed, error_, {}};
  return {BodyProgress::Kind::complete, Errc::none, {}};
}

BodyProgress BodyParser::take_data(Bytes& input) noexcept {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  const Bytes data = input.first(taken);
  input = input.subspan(taken);
  left_ -= taken;
  content_bytes_ += taken;
  if (left_ == 0) state_ = chunked_ ? State::data_return : State::complete;
  return {BodyProgress::Kind::data, Errc::none, data};
}

Errc BodyParser::expect(std::uint8_t byte, std::uint8_t wanted, State next) noexcept {
  if (byte != wanted) return Errc::http_framing;
  state_ = next;
  return Errc::none;
}

// RFC 9112 §7.1: size [extensions] CR LF data CR LF ... 0 [extensions] CR LF trailers CR LF.
Errc BodyParser::parse_line_byte(std::uint8_t byte) noexcept {
  switch (state_) {
    case State::size: return parse_size(byte);
    case State::size_space:
    case State::extension:
      if (++extension_bytes_ > limits_.extension_bytes_max) return Errc::http_framing;
      return end_size(byte);
    case State::size_line_feed: return byte == '\n' ? begin_chunk() : Errc::http_framing;
    case State::data_return: return expect(byte, '\r', State::data_line_feed);
    case State::data_line_feed: return expect(byte, '\n', State::size);
    case State::trailer_begin:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_line_feed: return parse_trailer(byte);
    case State::final_line_feed:
      if (byte != '\n') return Errc::http_line_end;
      state_ = State::complete;
      return Errc::none;
    case State::data:
    case State::complete:
    case State::failed: break;
  }
  return Errc::http_framing;
}

Errc BodyParser::parse_size(std::uint8_t byte) noexcept {
  if (!is_in(byte, ByteClass::hex)) return size_digits_ == 0 ? Errc::http_framing : end_size(byte);
  if (++size_digits_ > size_digits_max) return Errc::http_framing;
  left_ = left_ << 4 | hex_value(byte);
  return Errc::none;
}

// What stands behind the digits. White space is for an extension alone (RFC 9112 §7.1.1). Of that
// only the bytes are looked at: whatever it means, every reader finds the same end of the line.
Errc BodyParser::end_size(std::uint8_t byte) noexcept {
  if (byte == ';') {
    state_ = State::extension;
    return Errc::none;
  }
  if (state_ == State::extension && is_in(byte, ByteClass::value)) return Errc::none;
  if (state_ != State::extension && (byte == ' ' || byte == '\t')) {
    state_ = State::size_space;
    return Errc::none;
  }
  if (byte != '\r' || state_ == State::size_space) return Errc::http_framing;
  state_ = State::size_line_feed;
  return Errc::none;
}

Errc BodyParser::begin_chunk() noexcept {
  size_digits_ = 0;
  if (left_ == 0) {
    state_ = State::trailer_begin;
    return Errc::none;
  }
  if (left_ > limits_.bytes_max - content_bytes_) return Errc::http_body_too_big;
  state_ = State::data;
  return Errc::none;
}

// The same rules as for the fields of a head; what is said here is not used for anything.
Errc BodyParser::parse_trailer(std::uint8_t byte) noexcept {
  if (state_ == State::trailer_begin && byte == '\r') {
    state_ = State::final_line_feed;
    return Errc::none;
  }
  if (++trailer_bytes_ > limits_.trailer_bytes_max) return Errc::http_head_too_long;
  switch (state_) {
    case State::trailer_begin:
      if (!is_in(byte, ByteClass::token)) break;
      state_ = State::trailer_name;
      return Errc::none;
    case State::trailer_name:
      if (byte == ':') state_ = State::trailer_value;
      if (byte == ':' || is_in(byte, ByteClass::token)) return Errc::none;
      break;
    case State::trailer_value:
      if (byte == '\r') state_ = State::trailer_line_feed;
      if (byte == '\r' || is_in(byte, ByteClass::value)) return Errc::none;
      return byte == '\n' ? Errc::http_line_end : Errc::http_field_value;
    case State::trailer_line_feed:
      if (byte != '\n') return Errc::http_line_end;
      state_ = State::trailer_begin;
      return Errc::none;
    case State::size:
    case State::size_space:
    case State::extension:
    case State::size_line_feed:
    case State::data:
    case State::data_return:
    case State::data_line_feed:
    case State::final_line_feed:
    case State::complete:
    case State::failed: break;
  }
  return byte == '\n' ? Errc::http_line_end : Errc::http_field_name;
}

}  // namespace hilo::ws

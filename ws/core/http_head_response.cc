// SPDX-License-Identifier: MIT

#include "net/base/check.h"
#include "ws/core/http_head.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// A client has no answer to give: it is enough to tell an endless head from a wrong one.
Errc response_error(Errc field_error) noexcept {
  const bool is_limit = field_error == Errc::http_field_too_long ||
                        field_error == Errc::http_head_too_long ||
                        field_error == Errc::http_too_many_fields;
  return is_limit ? Errc::response_too_long : Errc::response_malformed;
}

}  // namespace

void ResponseParser::reset() noexcept {
  *this = ResponseParser(limits_);
}

HeadProgress ResponseParser::parse(Bytes all_so_far) noexcept {
  if (error_ == Errc::none && state_ < State::fields) error_ = parse_start_line(all_so_far);
  if (error_ == Errc::none && state_ == State::fields) error_ = parse_fields(all_so_far);
  if (error_ != Errc::none) return {HeadProgress::Kind::failed, error_, 0};
  if (state_ != State::done) return {};
  return {HeadProgress::Kind::complete, Errc::none, position_ + fields_.section_bytes()};
}

Errc ResponseParser::parse_start_line(Bytes all) noexcept {
  while (state_ != State::fields) {
    HILO_DCHECK(position_ <= all.size());
    if (position_ == all.size()) return Errc::none;
    const std::uint8_t byte = all[position_];
    if (position_ >= limits_.start_line_bytes_max && byte != '\r' && byte != '\n') {
      return Errc::response_too_long;
    }
    if (!parse_byte(byte)) return Errc::response_malformed;
    ++position_;
  }
  return Errc::none;
}

// RFC 9112 §4: "HTTP/1.1 101 Switching Protocols". The space behind the status may be missing when
// there is no reason: many servers leave it out.
bool ResponseParser::parse_byte(std::uint8_t byte) noexcept {
  constexpr std::string_view shape = "HTTP/1.1 ";
  constexpr std::size_t minor = 7;
  const bool is_digit = is_in(byte, ByteClass::digit);
  switch (state_) {
    case State::version:
      if (index_ == minor) version_minor_ = static_cast<std::uint8_t>(byte - '0');
      if (index_ == minor ? !is_digit : byte != static_cast<std::uint8_t>(shape[index_])) {
        return false;
      }
      if (++index_ == shape.size()) state_ = State::status;
      return true;
    case State::status:
      if (!is_digit || (status_ == 0 && byte == '0')) return false;
      status_ = static_cast<std::uint16_t>(status_ * 10 + (byte - '0'));
      if (status_ >= 100) state_ = State::status_end;
      return true;
    case State::status_end:
      reason_begin_ = static_cast<std::uint16_t>(position_ + 1);
      state_ = byte == '\r' ? State::line_feed : State::reason;
      return byte == '\r' || byte == ' ';
    case State::reason:
      if (byte != '\r') return is_in(byte, ByteClass::value);
      reason_bytes_ = static_cast<std::uint16_t>(position_ - reason_begin_);
      state_ = State::line_feed;
      return true;
    case State::line_feed: state_ = State::fields; return byte == '\n';
    case State::fields:
    case State::done: break;
  }
  return false;
}

Errc ResponseParser::parse_fields(Bytes all) noexcept {
  const Bytes section = all.subspan(position_);
  for (;;) {
    switch (fields_.parse(section)) {
      case FieldParser::Step::need_input: return Errc::none;
      case FieldParser::Step::failed: return response_error(fields_.error());
      case FieldParser::Step::field: break;
      case FieldParser::Step::end: state_ = State::done; return Errc::none;
    }
  }
}

ResponseHead ResponseParser::head(Bytes all_so_far) const noexcept {
  HILO_DCHECK(state_ == State::done);
  return {status_, version_minor_, as_text(all_so_far.subspan(reason_begin_, reason_bytes_)),
          fields_.fields(all_so_far.subspan(position_))};
}

}  // namespace hilo::ws

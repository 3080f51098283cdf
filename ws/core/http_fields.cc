// SPDX-License-Identifier: MIT

#include "ws/core/http_fields.h"

#include <algorithm>
#include <cstring>

#include "net/base/check.h"

namespace hilo::ws {
namespace {

constexpr std::uint64_t every_byte = 0x0101010101010101;

// Whether eight bytes hold neither a control byte nor DEL. Arithmetic on all of them at once: a
// byte below 0x20 borrows into its top bit, and a zero does so when 1 is taken from it. A borrow
// may accuse the byte above as well, but never acquits one.
bool is_plain(const std::uint8_t* eight) noexcept {
  std::uint64_t word;
  std::memcpy(&word, eight, sizeof word);
  const std::uint64_t not_delete = word ^ (every_byte * 0x7F);
  const std::uint64_t control = (word - every_byte * 0x20) & ~word;
  const std::uint64_t del = (not_delete - every_byte) & ~not_delete;
  return ((control | del) & (every_byte * 0x80)) == 0;
}

// The first position in [from, to) whose byte may not stand in a field value, or `to`.
std::size_t skip_value(Bytes bytes, std::size_t from, std::size_t to) noexcept {
  while (to - from >= 8 && is_plain(bytes.data() + from)) from += 8;
  while (from < to && is_in(bytes[from], ByteClass::value)) ++from;
  return from;
}

}  // namespace

// ---- Fields -------------------------------------------------------------------------------------

// A handshake asks for a dozen names. Nearly all that differ do so in their lengths.
std::size_t Fields::index_of(std::string_view name, std::size_t begin) const noexcept {
  std::size_t i = begin;
  while (i < count_ &&
         (spans_[i].name_bytes != name.size() || !equals_ignoring_case((*this)[i].name, name))) {
    ++i;
  }
  return i;
}

std::optional<std::string_view> Fields::find(std::string_view name) const noexcept {
  const std::size_t i = index_of(name);
  return i == count_ ? std::nullopt : std::optional((*this)[i].value);
}

std::size_t Fields::count(std::string_view name) const noexcept {
  std::size_t lines = 0;
  for (std::size_t i = index_of(name); i < count_; i = index_of(name, i + 1)) ++lines;
  return lines;
}

bool Fields::lists_token(std::string_view name, std::string_view token) const noexcept {
  FieldListReader reader(*this, name);
  while (const auto member = reader.next()) {
    if (equals_ignoring_case(*member, token)) return true;
  }
  return false;
}

std::optional<std::string_view> FieldListReader::next() noexcept {
  for (;;) {
    if (const auto member = line_.next()) return member;
    index_ = fields_.index_of(name_, index_);
    if (index_ == fields_.size()) return std::nullopt;
    line_ = ListReader(fields_[index_++].value);
  }
}

// ---- FieldParser --------------------------------------------------------------------------------

void FieldParser::reset() noexcept {
  position_ = 0;
  count_ = 0;
  state_ = State::line_begin;
  error_ = Errc::none;
}

FieldParser::Step FieldParser::fail(Errc error) noexcept {
  error_ = error;
  return Step::failed;
}

// Which limit the byte at position_ would break, as a part of a line or of its CR LF.
Errc FieldParser::check_size(std::size_t line_bytes) const noexcept {
  if (line_bytes >= limits_.field_line_bytes_max) return Errc::http_field_too_long;
  if (position_ >= limits_.fields_bytes_max) return Errc::http_head_too_long;
  return Errc::none;
}

FieldParser::Step FieldParser::parse(Bytes section) noexcept {
  if (error_ != Errc::none) return Step::failed;
  while (state_ != State::done) {
    HILO_DCHECK(position_ <= section.size());
    if (position_ == section.size()) return Step::need_input;
    const std::uint8_t byte = section[position_];
    Step step = Step::need_input;
    switch (state_) {
      case State::line_begin: step = begin_line(byte); break;
      case State::name: step = parse_name(section); break;
      case State::value_begin:
      case State::value: step = parse_value(section); break;
      case State::value_line_feed: step = end_line(byte); break;
      case State::final_line_feed:
        if (byte != '\n') return fail(Errc::http_line_end);
        ++position_;
        state_ = State::done;
        break;
      case State::done: break;
    }
    if (step != Step::need_input) return step;
  }
  return Step::end;
}

FieldParser::Step FieldParser::begin_line(std::uint8_t byte) noexcept {
  if (byte == '\r') {
    ++position_;
    state_ = State::final_line_feed;
    return Step::need_input;
  }
  if (byte == '\n') return fail(Errc::http_line_end);
  // White space here would fold the line onto the one before (RFC 9112 §5.2: obs-fold), and is
  // refused like any other byte that is no part of a name.
  if (!is_in(byte, ByteClass::token)) return fail(Errc::http_field_name);
  if (count_ >= std::min<std::size_t>(limits_.field_count_max, field_count_limit)) {
    return fail(Errc::http_too_many_fields);
  }
  line_begin_ = position_;
  spans_[count_].name_begin = static_cast<std::uint16_t>(position_);
  state_ = State::name;
  return Step::need_input;
}

FieldParser::Step FieldParser::parse_name(Bytes section) noexcept {
  const std::size_t stop =
      std::min<std::size_t>({section.size(), line_begin_ + limits_.field_line_bytes_max,
                             std::size_t{limits_.fields_bytes_max}});
  std::size_t p = position_;
  while (p < stop && is_in(section[p], ByteClass::token)) ++p;
  position_ = static_cast<std::uint32_t>(p);
  if (p == section.size()) return Step::need_input;
  if (const Errc error = check_size(p - line_begin_); error != Errc::none) return fail(error);
  if (section[p] == '\n') return fail(Errc::http_line_end);
  // RFC 9112 §5.1: no white space between the name and the colon.
  if (section[p] != ':') return fail(Errc::http_field_name);
  spans_[count_].name_bytes = static_cast<std::uint16_t>(p - line_begin_);
  ++position_;
  state_ = State::value_begin;
  return Step::need_input;
}

FieldParser::Step FieldParser::parse_value(Bytes section) noexcept {
  FieldSpan& span = spans_[count_];
  const std::size_t stop =
      std::min<std::size_t>({section.size(), line_begin_ + limits_.field_line_bytes_max,
                             std::size_t{limits_.fields_bytes_max}});
  std::size_t p = position_;
  if (state_ == State::value_begin) {
    while (p < stop && (section[p] == ' ' || section[p] == '\t')) ++p;
    span.value_begin = static_cast<std::uint16_t>(p);
    if (p < stop) state_ = State::value;
  }
  if (state_ == State::value) p = skip_value(section, p, stop);
  position_ = static_cast<std::uint32_t>(p);
  if (p == section.size()) return Step::need_input;

  const std::uint8_t byte = section[p];
  // The limit of a line does not count its CR LF, the limit of the section does.
  const std::size_t line_bytes = byte == '\r' ? 0 : p - line_begin_;
  if (const Errc error = check_size(line_bytes); error != Errc::none) return fail(error);
  if (byte == '\n') return fail(Errc::http_line_end);
  if (byte != '\r') return fail(Errc::http_field_value);
  while (p > span.value_begin && (section[p - 1] == ' ' || section[p - 1] == '\t')) --p;
  span.value_bytes = static_cast<std::uint16_t>(p - span.value_begin);
  ++position_;
  state_ = State::value_line_feed;
  return Step::need_input;
}

FieldParser::Step FieldParser::end_line(std::uint8_t byte) noexcept {
  if (byte != '\n') return fail(Errc::http_line_end);
  if (const Errc error = check_size(0); error != Errc::none) return fail(error);
  ++position_;
  ++count_;
  state_ = State::line_begin;
  return Step::field;
}

}  // namespace hilo::ws

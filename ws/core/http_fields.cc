// SPDX-License-Identifier: MIT

#include "ws/core/http_fields.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "net/base/check.h"

namespace hilo::ws {
namespace {

constexpr std::uint64_t every_byte = 0x0101010101010101;

// How many of eight bytes stand before the first control byte or DEL. Arithmetic on all of them at
// once: a byte below 0x20 borrows into its top bit, and a zero does so when 1 is taken from it. A
// borrow may accuse the byte above as well, but never acquits one, and the first is never accused
// by it.
std::size_t plain_bytes(const std::uint8_t* eight) noexcept {
  std::uint64_t word;
  std::memcpy(&word, eight, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  const std::uint64_t not_delete = word ^ (every_byte * 0x7F);
  const std::uint64_t control = (word - every_byte * 0x20) & ~word;
  const std::uint64_t del = (not_delete - every_byte) & ~not_delete;
  return static_cast<std::size_t>(std::countr_zero((control | del) & (every_byte * 0x80))) / 8;
}

// The first position in [from, to) whose byte may not stand in a field value, or `to`. A tabulator
// is the one control byte that may.
std::size_t skip_value(Bytes bytes, std::size_t from, std::size_t to) noexcept {
  while (to - from >= 8) {
    const std::size_t plain = plain_bytes(bytes.data() + from);
    from += plain;
    if (plain == 8) continue;
    if (bytes[from] != '\t') return from;
    ++from;
  }
  return skip(bytes, from, to, ByteClass::value);
}

}  // namespace

// ---- Fields -------------------------------------------------------------------------------------

// Nearly all that differ do so in their lengths.
std::size_t Fields::search(std::string_view name, std::size_t begin) const noexcept {
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

std::optional<std::string_view> Fields::find_only(std::string_view name) const noexcept {
  const std::size_t i = index_of(name);
  if (i == count_ || index_of(name, i + 1) != count_) return std::nullopt;
  return (*this)[i].value;
}

std::size_t Fields::count(std::string_view name) const noexcept {
  std::size_t lines = 0;
  for (std::size_t i = index_of(name); i < count_; i = index_of(name, i + 1)) ++lines;
  return lines;
}

bool Fields::lists_token(std::string_view name, std::string_view token) const noexcept {
  for (std::size_t i = index_of(name); i < count_; i = index_of(name, i + 1)) {
    if (contains_token((*this)[i].value, token)) return true;
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
  name_lengths_ = {};
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
    Step step = Step::need_input;
    switch (state_) {
      case State::line_begin: step = begin_line(section); break;
      case State::name: step = parse_name(section); break;
      case State::value_begin:
      case State::value: step = parse_value(section); break;
      case State::value_line_feed: step = end_line(section); break;
      case State::final_line_feed:
        if (section[position_] != '\n') return fail(Errc::http_line_end);
        ++position_;
        state_ = State::done;
        break;
      case State::done: break;
    }
    if (step != Step::need_input) return step;
  }
  return Step::end;
}

// How far the line may be looked at.
std::size_t FieldParser::line_stop(Bytes section) const noexcept {
  const std::size_t limit = std::min<std::size_t>(
      std::size_t{line_begin_} + limits_.field_line_bytes_max, limits_.fields_bytes_max);
  return std::min(limit, section.size());
}

FieldParser::Step FieldParser::begin_line(Bytes section) noexcept {
  const std::uint8_t byte = section[position_];
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
  return parse_name(section);
}

FieldParser::Step FieldParser::parse_name(Bytes section) noexcept {
  const std::size_t p = skip(section, position_, line_stop(section), ByteClass::token);
  position_ = static_cast<std::uint32_t>(p);
  if (p == section.size()) return Step::need_input;
  if (const Errc error = check_size(p - line_begin_); error != Errc::none) return fail(error);
  if (section[p] == '\n') return fail(Errc::http_line_end);
  // RFC 9112 §5.1: no white space between the name and the colon.
  if (section[p] != ':') return fail(Errc::http_field_name);
  spans_[count_].name_bytes = static_cast<std::uint16_t>(p - line_begin_);
  ++position_;
  state_ = State::value_begin;
  return position_ == section.size() ? Step::need_input : parse_value(section);
}

FieldParser::Step FieldParser::parse_value(Bytes section) noexcept {
  FieldSpan& span = spans_[count_];
  const std::size_t stop = line_stop(section);
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
  return position_ == section.size() ? Step::need_input : end_line(section);
}

FieldParser::Step FieldParser::end_line(Bytes section) noexcept {
  if (section[position_] != '\n') return fail(Errc::http_line_end);
  if (const Errc error = check_size(0); error != Errc::none) return fail(error);
  ++position_;
  name_lengths_.add(spans_[count_].name_bytes);
  ++count_;
  state_ = State::line_begin;
  return Step::field;
}

}  // namespace hilo::ws

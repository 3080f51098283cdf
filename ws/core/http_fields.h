// SPDX-License-Identifier: MIT
//
// The field lines of an HTTP message (RFC 9112 §5): an incremental parser, and the fields as views.
//
//   Host: example.com CR LF          name, ':', white space, value, white space, CR LF
//   Upgrade: websocket CR LF
//   CR LF                            the empty line ends the section
//
// The parser is strict where leniency has let requests be smuggled: no white space before the
// colon, no folded lines, no bare LF or CR, no control bytes. It is used for the heads of requests
// and of responses, and for the trailers of a chunked body.
//
//   bytes   each byte is classified once, however the input is cut; only the white space behind a
//           value is looked at a second time, when its line ends, and what follows a tabulator in
//           one up to seven times more
//   memory  no allocation: 8 bytes a field, kept inside the parser
//   look-up no hash table: an array of at most field_count_limit, in order, which is searched from
//           its front, unless no name is as long as the one that is asked for. Names that a peer
//           picks so that they collide have nothing to collide in

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/base/bytes.h"
#include "ws/core/error.h"
#include "ws/core/field_view.h"
#include "ws/core/head_limits.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {

// Where a field stands, counted from the first byte of the field section.
struct FieldSpan {
  std::uint16_t name_begin;
  std::uint16_t name_bytes;
  std::uint16_t value_begin;
  std::uint16_t value_bytes;
};

// Which lengths the names of a head have, those from 63 on as one. A handshake is asked for a dozen
// names that most do not have, and for nearly all of them this is the answer.
class NameLengths {
 public:
  void add(std::size_t length) noexcept { bits_ |= bit(length); }
  bool contains(std::size_t length) const noexcept { return (bits_ & bit(length)) != 0; }

 private:
  static std::uint64_t bit(std::size_t length) noexcept {
    return std::uint64_t{1} << (length < 63 ? length : 63);
  }
  std::uint64_t bits_ = 0;
};

// The fields of one head in the order in which they came. Names are compared in any case.
// A view: valid while the buffer does not move and the parser is not reset.
class Fields {
 public:
  Fields() noexcept = default;
  Fields(const char* section, const FieldSpan* spans, std::size_t count,
         NameLengths name_lengths) noexcept
      : section_(section), spans_(spans), count_(count), name_lengths_(name_lengths) {}

  class Iterator {
   public:
    Iterator(const Fields& fields, std::size_t index) noexcept : fields_(&fields), index_(index) {}
    FieldView operator*() const noexcept { return (*fields_)[index_]; }
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return index_ != other.index_; }

   private:
    const Fields* fields_;
    std::size_t index_;
  };
  Iterator begin() const noexcept { return {*this, 0}; }
  Iterator end() const noexcept { return {*this, count_}; }

  std::size_t size() const noexcept { return count_; }
  FieldView operator[](std::size_t index) const noexcept {
    const FieldSpan& span = spans_[index];
    return {{section_ + span.name_begin, span.name_bytes},
            {section_ + span.value_begin, span.value_bytes}};
  }

  // The first field of that name from `begin` on; size() if there is none.
  std::size_t index_of(std::string_view name, std::size_t begin = 0) const noexcept {
    return name_lengths_.contains(name.size()) ? search(name, begin) : count_;
  }
  // The value of the first field of that name. An empty value is a value.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  // The value of the only field of that name; null where there is none, or more than one.
  std::optional<std::string_view> find_only(std::string_view name) const noexcept;
  // How many field lines have that name.
  std::size_t count(std::string_view name) const noexcept;
  bool contains(std::string_view name) const noexcept { return index_of(name) != count_; }
  // Whether one of the lists under that name, on whichever line, names `token`.
  bool lists_token(std::string_view name, std::string_view token) const noexcept;

 private:
  std::size_t search(std::string_view name, std::size_t begin) const noexcept;

  const char* section_ = nullptr;
  const FieldSpan* spans_ = nullptr;
  std::size_t count_ = 0;
  NameLengths name_lengths_;
};

// Reads the members of a list-valued field over all its lines: RFC 9110 §5.3 makes several lines
// of one name the same as one line with commas between. See ListReader.
class FieldListReader {
 public:
  FieldListReader() noexcept = default;
  // `name` must outlive the reader.
  FieldListReader(Fields fields, std::string_view name) noexcept : fields_(fields), name_(name) {}

  std::optional<std::string_view> next() noexcept;

 private:
  Fields fields_;
  std::string_view name_;
  std::size_t index_ = 0;
  ListReader line_;
};

// The parser of a field section. It stops behind each field, so that its owner can refuse a field
// before the rest has come.
class FieldParser {
 public:
  enum class Step : std::uint8_t { need_input, field, end, failed };

  explicit FieldParser(const HeadLimits& limits) noexcept : limits_(limits) {}

  // `section` is everything from the first byte of the section on, and grows from call to call.
  // Step::field: the field number size() - 1 is complete. Step::end: the empty line is read, and
  // the section is section_bytes() long. Step::failed: error() says why; it stays so until reset().
  [[nodiscard]] Step parse(Bytes section) noexcept;

  std::size_t size() const noexcept { return count_; }
  std::size_t section_bytes() const noexcept { return position_; }
  Errc error() const noexcept { return error_; }
  // The fields, as views into `section`, which must hold the same bytes as were parsed.
  Fields fields(Bytes section) const noexcept {
    return {as_text(section).data(), spans_.data(), count_, name_lengths_};
  }

  void reset() noexcept;

 private:
  enum class State : std::uint8_t {
    line_begin,
    name,
    value_begin,
    value,
    value_line_feed,
    final_line_feed,
    done,
  };
  Step fail(Errc error) noexcept;
  Errc check_size(std::size_t line_bytes) const noexcept;
  std::size_t line_stop(Bytes section) const noexcept;
  // Each reads on with the next one, as far as there is input.
  Step begin_line(Bytes section) noexcept;
  Step parse_name(Bytes section) noexcept;
  Step parse_value(Bytes section) noexcept;
  Step end_line(Bytes section) noexcept;

  HeadLimits limits_;
  std::array<FieldSpan, field_count_limit> spans_;
  NameLengths name_lengths_;
  std::uint32_t position_ = 0;  // of the next byte to look at
  std::uint32_t line_begin_ = 0;
  std::uint16_t count_ = 0;
  State state_ = State::line_begin;
  Errc error_ = Errc::none;
};

}  // namespace hilo::ws

// SPDX-License-Identifier: MIT
//
// Conditions on what a client already has (RFC 9110 §13), and ranges of bytes (§14). Pure
// functions.

#pragma once

#include <cstdint>
#include <string_view>

#include "ws/core/http_fields.h"

namespace hilo::ws {

// What there is now.
struct Validators {
  std::string_view etag;          // strong, with its quotes
  std::int64_t modified_seconds;  // since 1970
  std::int64_t now_seconds = 0;   // to read dates of two digits, and to doubt those of the future
};

enum class Condition : std::uint8_t { serve, not_modified, failed };

// RFC 9110 §13.2.2, for GET and HEAD: go on, 304, or 412.
Condition evaluate_conditions(const Fields& fields, const Validators& validators) noexcept;

struct ByteRange {
  enum class Kind : std::uint8_t {
    whole,          // no range, more than one, or one that is to be ignored
    part,           // 206
    unsatisfiable,  // 416
  };
  Kind kind = Kind::whole;
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

// The range that Range asks for of `bytes`, unless If-Range says that the client has another file.
ByteRange requested_range(const Fields& fields, const Validators& validators,
                          std::uint64_t bytes) noexcept;

}  // namespace hilo::ws

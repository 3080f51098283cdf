// SPDX-License-Identifier: MIT

#include "ws/core/http_conditions.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "ws/core/http_date.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// Whether a list of entity tags (RFC 9110 §8.8.3) names `etag`, or everything. A tag may hold
// commas, so the quotes decide. What is malformed names nothing.
bool names_etag(std::string_view list, std::string_view etag, bool weakly) noexcept {
  if (trim(list) == "*") return true;
  for (;;) {
    while (!list.empty() && (is_space(list.front()) || list.front() == ',')) list.remove_prefix(1);
    const bool is_weak = list.starts_with("W/");
    if (is_weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;
    const std::size_t end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == etag && (weakly || !is_weak)) return true;
    list.remove_prefix(end + 1);
  }
}

// One field may stand on several lines (§5.3).
bool any_names_etag(const Fields& fields, std::string_view name, std::string_view etag,
                    bool weakly) noexcept {
  for (const FieldView field : fields) {
    if (equals_ignoring_case(field.name, name) && names_etag(field.value, etag, weakly)) {
      return true;
    }
  }
  return false;
}

std::optional<std::int64_t> date_in(const Fields& fields, std::string_view name,
                                    std::int64_t now) noexcept {
  const auto text = fields.find(name);
  return text && fields.count(name) == 1 ? parse_http_date(*text, now) : std::nullopt;
}

// A position or a length: digits alone. Numbers without end are as good as the largest one.
std::optional<std::uint64_t> parse_position(std::string_view text) noexcept {
  if (text.empty() || !all_in(text, ByteClass::digit)) return std::nullopt;
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char digit : text) {
    const auto more = static_cast<std::uint64_t>(digit - '0');
    value = value > (most - more) / 10 ? most : value * 10 + more;
  }
  return value;
}

// RFC 9110 §13.1.5: a tag is compared strongly; a date is weak unless it was made a second or more
// ago, when the file cannot have changed within it again.
bool has_same_file(const Fields& fields, const Validators& validators) noexcept {
  const auto wanted = fields.find("If-Range");
  if (!wanted) return true;
  if (fields.count("If-Range") != 1) return false;
  if (wanted->starts_with('"')) return *wanted == validators.etag;
  return parse_http_date(*wanted, validators.now_seconds) == validators.modified_seconds &&
         validators.now_seconds - validators.modified_seconds > 1;
}

}  // namespace

Condition evaluate_conditions(const Fields& fields, const Validators& validators) noexcept {
  const std::int64_t now = validators.now_seconds;
  if (fields.contains("If-Match")) {
    if (!any_names_etag(fields, "If-Match", validators.etag, false)) return Condition::failed;
  } else if (const auto date = date_in(fields, "If-Unmodified-Since", now)) {
    if (validators.modified_seconds > *date) return Condition::failed;
  }
  if (fields.contains("If-None-Match")) {
    const bool same = any_names_etag(fields, "If-None-Match", validators.etag, true);
    return same ? Condition::not_modified : Condition::serve;
  }
  if (const auto date = date_in(fields, "If-Modified-Since", now)) {
    return validators.modified_seconds <= *date ? Condition::not_modified : Condition::serve;
  }
  return Condition::serve;
}

ByteRange requested_range(const Fields& fields, const Validators& validators,
                          std::uint64_t bytes) noexcept {
  const ByteRange whole{ByteRange::Kind::whole, 0, bytes};
  const auto field = fields.find("Range");
  // RFC 9110 §14.2: units and forms that are not known are ignored, and several ranges may be.
  if (!field || fields.count("Range") != 1 || !starts_with_ignoring_case(*field, "bytes=")) {
    return whole;
  }
  const std::string_view spec = trim(field->substr(6));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos || !has_same_file(fields, validators)) return whole;
  const auto first = parse_position(spec.substr(0, dash));
  const auto last = parse_position(spec.substr(dash + 1));
  const bool has_no_end = dash + 1 == spec.size();
  if ((!first && dash != 0) || (!last && !has_no_end) || (!first && !last)) return whole;
  if (!first) {
    const std::uint64_t tail = std::min(*last, bytes);
    if (tail == 0) return {ByteRange::Kind::unsatisfiable, 0, 0};
    return {ByteRange::Kind::part, bytes - tail, tail};
  }
  if (last && *last < *first) return whole;
  if (*first >= bytes) return {ByteRange::Kind::unsatisfiable, 0, 0};
  const std::uint64_t end = last && *last < bytes - 1 ? *last + 1 : bytes;
  return {ByteRange::Kind::part, *first, end - *first};
}

}  // namespace hilo::ws

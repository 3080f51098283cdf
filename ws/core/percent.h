// SPDX-License-Identifier: MIT
//
// Percent-encoding (RFC 3986 §2.1), and the parameters of a query.
//
//   std::array<char, 64> room;
//   if (const auto text = percent_decode(*request.parameter("id"), room)) use(*text);
//
//   QueryReader query(request.query());
//   while (const auto each = query.next()) ... each->name, each->value: as they came
//
// Decoded text may hold any byte: slashes, control bytes, what is no UTF-8. "%00" is refused, and
// so is a '%' without two hex digits behind it. Pure functions over views; no allocation.

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace hilo::ws {

// In forms '+' stands for a space (application/x-www-form-urlencoded), in paths for itself.
enum class Plus : unsigned char { is_plus, is_space };

// `text` without its escapes, written to `into`, or `text` itself where it has none. Nothing: an
// escape is malformed, or `into` is too small; text.size() bytes are always enough. `into` may be
// where `text` lies.
std::optional<std::string_view> percent_decode(std::string_view text, std::span<char> into,
                                               Plus plus = Plus::is_plus) noexcept;

// Whether `text` decodes to `plain`. False where it is malformed.
bool percent_equals(std::string_view text, std::string_view plain,
                    Plus plus = Plus::is_plus) noexcept;

struct QueryParameter {
  std::string_view name;
  std::string_view value;  // empty also where there is no '='
};

// The parameters of "a=1&b=2" in order, not decoded. Empty ones ("&&") are skipped.
class QueryReader {
 public:
  explicit QueryReader(std::string_view query) noexcept : rest_(query) {}
  std::optional<QueryParameter> next() noexcept;

 private:
  std::string_view rest_;
};

// The value of the first parameter whose decoded name is `name`, not decoded; and how many have
// that name, where one alone makes sense.
std::optional<std::string_view> find_query(std::string_view query, std::string_view name) noexcept;
std::size_t count_query(std::string_view query, std::string_view name) noexcept;

}  // namespace hilo::ws

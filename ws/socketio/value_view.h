// SPDX-License-Identifier: MIT
//
// ValueView: a value that is written at once, not kept: no Json is made of a number or a text, and
// none is copied. Valid as long as what it was made of.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "ws/socketio/plain_json.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

class ValueView {
 public:
  // Whether a V can be seen as it is. Of anything else a Json can be made.
  template <class V, class Bare = std::decay_t<V>>
  static constexpr bool takes =
      std::is_same_v<Bare, Json> || std::is_arithmetic_v<Bare> || std::is_same_v<Bare, char*> ||
      std::is_same_v<Bare, const char*> || std::is_same_v<Bare, std::string> ||
      std::is_same_v<Bare, std::string_view>;

  ValueView() noexcept = default;
  template <class V>
  requires(takes<V>) explicit ValueView(const V& value) noexcept {
    if constexpr (std::is_same_v<V, Json>) {
      value_ = &value;
    } else if constexpr (std::is_same_v<V, bool>) {
      value_ = value;
    } else if constexpr (std::is_floating_point_v<V>) {
      value_ = static_cast<double>(value);
    } else if constexpr (!std::is_arithmetic_v<V>) {
      value_ = std::string_view(value);
    } else if constexpr (std::is_signed_v<V>) {
      value_ = static_cast<std::int64_t>(value);
    } else {
      value_ = static_cast<std::uint64_t>(value);
    }
  }

  bool has_binary() const noexcept {
    const auto* const json = std::get_if<const Json*>(&value_);
    return json != nullptr && socketio::has_binary(**json);
  }
  void write(bool ascii, std::string& out) const {
    if (const auto* const json = std::get_if<const Json*>(&value_)) {
      write_plain_json(**json, ascii, out);
    } else if (const auto* const text = std::get_if<std::string_view>(&value_)) {
      write_plain_text(*text, ascii, out);
    } else {
      write_plain_json(*to_json(), ascii, out);
    }
  }
  OwnedJson to_json() const {
    return std::visit(
        [](const auto& value) {
          if constexpr (std::is_same_v<decltype(value), const Json* const&>) {
            return OwnedJson(*value);
          } else {
            return owned(value);
          }
        },
        value_);
  }

 private:
  std::variant<std::nullptr_t, const Json*, std::string_view, bool, std::int64_t, std::uint64_t,
               double>
      value_;
};

}  // namespace hilo::socketio

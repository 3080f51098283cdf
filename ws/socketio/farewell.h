// SPDX-License-Identifier: MIT
//
// Farewell: the values of "disconnect", in memory that is there before it is needed: an end is told
// however little there is left.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "net/base/guard.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

class Farewell {
 public:
  // To be given back when they were told. Null if another has them and there is no memory.
  OwnedJson take(std::string_view reason) noexcept {
    OwnedJson values = std::move(values_);
    static_cast<void>(guarded([&] {
      if (values->is_null()) {
        values = array_of(reason);
      } else {
        values->front().get_ref<Json::string_t&>().assign(reason);
      }
    }));
    return values;
  }
  // What was called may have left anything in them.
  void give_back(OwnedJson values) noexcept {
    if (is_as_it_was(*values)) {
      values_ = std::move(values);
    } else {
      static_cast<void>(guarded([this] { values_ = make(); }));
    }
  }

 private:
  static constexpr std::size_t reason_bytes_max = 48;

  static OwnedJson make() { return array_of(std::string(reason_bytes_max, ' ')); }
  static bool is_as_it_was(const Json& values) noexcept {
    if (!values.is_array() || values.size() != 1) return false;
    const auto* const text = values.front().get_ptr<const Json::string_t*>();
    return text != nullptr && text->capacity() >= reason_bytes_max &&
           text->capacity() <= 2 * reason_bytes_max;
  }

  OwnedJson values_ = make();
};

}  // namespace hilo::socketio

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
    // What was called may have left anything in it.
    const bool is_one = values->is_array() && values->size() == 1;
    auto* const text = is_one ? values->front().get_ptr<Json::string_t*>() : nullptr;
    static_cast<void>(guarded([&] {
      if (text != nullptr) {
        text->assign(reason);
      } else {
        values = array_of(reason);
      }
    }));
    return values;
  }
  void give_back(OwnedJson values) noexcept { values_ = std::move(values); }

 private:
  static constexpr std::size_t reason_bytes_max = 48;
  OwnedJson values_ = array_of(std::string(reason_bytes_max, ' '));
};

}  // namespace hilo::socketio

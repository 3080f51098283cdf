// SPDX-License-Identifier: MIT
//
// How many members a struct has, at compile time: so that a table with a row for each of them does
// not compile any more once one is added.

#pragma once

#include <cstddef>
#include <utility>

namespace hilo::tools {

// With how many values, of whatever type, can it be initialised?
struct Anything {
  template <class T>
  operator T() const;
};
template <class T, std::size_t... I>
constexpr bool can_hold(std::index_sequence<I...>) {
  return requires {
    T{(static_cast<void>(I), Anything{})...};
  };
}
template <class T, std::size_t count = 0>
constexpr std::size_t member_count() {
  if constexpr (can_hold<T>(std::make_index_sequence<count + 1>{})) {
    return member_count<T, count + 1>();
  } else {
    return count;
  }
}

}  // namespace hilo::tools

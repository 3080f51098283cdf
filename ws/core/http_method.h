// SPDX-License-Identifier: MIT
//
// The methods of HTTP that hilo knows by name.

#pragma once

#include <cstdint>

namespace hilo::ws {

// RFC 9110 §9.3 and RFC 5789. `other` is any well-formed method beside these; methods are
// case-sensitive, so "get" is one.
enum class Method : std::uint8_t {
  get,
  head,
  post,
  put,
  delete_,
  options,
  patch,
  connect,
  trace,
  other,
};

}  // namespace hilo::ws

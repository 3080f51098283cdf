// SPDX-License-Identifier: MIT
//
// FieldView: a field line of an HTTP message (RFC 9112 §5), read or to be written. A view: what it
// is given or got from says how long the texts live.

#pragma once

#include <string_view>

namespace hilo::ws {

// One field line, the value without the white space around it.
struct FieldView {
  std::string_view name;
  std::string_view value;
};

}  // namespace hilo::ws

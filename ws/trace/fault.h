// SPDX-License-Identifier: MIT
//
// Fault: a rule that bytes break, as a person wants it told: its label, one sentence, the answer it
// gets, and its numbers in the catalogue of bad inputs that the tests cite ("106-108").
//
// All views refer to static text.

#pragma once

#include <cstdint>
#include <string_view>

#include "ws/core/error.h"
#include "ws/engineio/error.h"
#include "ws/socketio/error.h"

namespace hilo::trace {

struct Fault {
  std::string_view label;  // "len_msb"; empty: nothing is wrong
  std::string_view text;
  std::uint16_t answer = 0;  // an HTTP status below 1000, a close code from 1000 on, 0: silence
  std::string_view catalogue = {};
  std::string_view alert = {};  // of TLS, which is the answer then: "bad_record_mac"

  explicit operator bool() const noexcept { return !label.empty(); }
};

// No fault for `none`.
Fault fault_of(ws::Errc error) noexcept;
Fault fault_of(engineio::Errc error) noexcept;
Fault fault_of(socketio::Errc error) noexcept;

}  // namespace hilo::trace

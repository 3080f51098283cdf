// SPDX-License-Identifier: MIT
//
// Breaker: makes a frame that a client sends break a rule, to see what its server does.
//
// It changes one bit or a few of the frame's first two bytes. What is changed is what goes on to
// the server, so whoever tells what goes on tells which rule it breaks and which answer is due.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/base/bytes.h"

namespace hilo::tools::tap {

enum class Break : std::uint8_t {
  nothing,
  mask,    // the MASK bit is flipped
  rsv,     // RSV2 is set
  opcode,  // 3, which is reserved
  length,  // one more than there is
};

std::optional<Break> find_break(std::string_view name) noexcept;
// What is done to the frame, in words.
std::string_view to_string(Break what) noexcept;

class Breaker {
 public:
  explicit Breaker(Break what) noexcept : what_(what) {}

  Break what() const noexcept { return what_; }
  // The next bytes of the frame, from its first one on, changed in place.
  void pass(MutableBytes bytes) noexcept;

 private:
  void change(std::uint8_t& byte) noexcept;

  Break what_;
  std::size_t passed_ = 0;  // of the two
};

}  // namespace hilo::tools::tap

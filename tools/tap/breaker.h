// SPDX-License-Identifier: MIT
//
// Breaker: makes the first frame that a client sends break a rule, to see what its server does.
//
// It lets the request pass, and changes one bit or a few of the first two bytes behind it. What is
// changed is what goes on to the server, so a tap tells which rule it breaks and which answer is
// due.

#pragma once

#include <cstddef>
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

class Breaker {
 public:
  // Where its bytes begin: with the request, or with a frame behind it.
  enum class Begin : std::uint8_t { request, frame };
  explicit Breaker(Break what, Begin begin = Begin::request) noexcept;

  // The next bytes of the client, changed in place.
  void pass(MutableBytes bytes) noexcept;

 private:
  void change(std::uint8_t& byte) noexcept;

  Break what_;
  std::size_t matched_ = 0;  // of the empty line that ends the request
  std::size_t frame_bytes_ = 0;
};

}  // namespace hilo::tools::tap

// SPDX-License-Identifier: MIT

#include "tools/tap/breaker.h"

namespace hilo::tools::tap {

std::optional<Break> find_break(std::string_view name) noexcept {
  if (name == "mask") return Break::mask;
  if (name == "rsv") return Break::rsv;
  if (name == "opcode") return Break::opcode;
  if (name == "length") return Break::length;
  return std::nullopt;
}

std::string_view to_string(Break what) noexcept {
  switch (what) {
    case Break::nothing: break;
    case Break::mask: return "the MASK bit is flipped";
    case Break::rsv: return "RSV2 is set";
    case Break::opcode: return "the opcode is 3, which is reserved";
    case Break::length: return "the length is one more than there is";
  }
  return "as it was";
}

void Breaker::pass(MutableBytes bytes) noexcept {
  for (std::uint8_t& byte : bytes) {
    if (what_ == Break::nothing || passed_ == 2) return;
    change(byte);
    ++passed_;
  }
}

void Breaker::change(std::uint8_t& byte) noexcept {
  const bool first = passed_ == 0;
  switch (what_) {
    case Break::nothing: break;
    case Break::mask: byte = static_cast<std::uint8_t>(first ? byte : byte ^ 0x80); break;
    case Break::rsv: byte = static_cast<std::uint8_t>(first ? byte | 0x20 : byte); break;
    case Break::opcode: byte = static_cast<std::uint8_t>(first ? (byte & 0xF0) | 3 : byte); break;
    case Break::length: byte = static_cast<std::uint8_t>(first ? byte : byte + 1); break;
  }
}

}  // namespace hilo::tools::tap

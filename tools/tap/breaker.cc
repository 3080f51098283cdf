// SPDX-License-Identifier: MIT

#include "tools/tap/breaker.h"

namespace hilo::tools::tap {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";

}  // namespace

std::optional<Break> find_break(std::string_view name) noexcept {
  if (name == "mask") return Break::mask;
  if (name == "rsv") return Break::rsv;
  if (name == "opcode") return Break::opcode;
  if (name == "length") return Break::length;
  return std::nullopt;
}

Breaker::Breaker(Break what, Begin begin) noexcept
    : what_(what), matched_(begin == Begin::frame ? head_end.size() : 0) {}

void Breaker::pass(MutableBytes bytes) noexcept {
  if (what_ == Break::nothing) return;
  for (std::uint8_t& byte : bytes) {
    if (matched_ == head_end.size()) {
      if (frame_bytes_ == 2) return;
      change(byte);
      ++frame_bytes_;
    } else if (byte == static_cast<std::uint8_t>(head_end[matched_])) {
      ++matched_;
    } else {
      matched_ = byte == '\r' ? 1 : 0;
    }
  }
}

void Breaker::change(std::uint8_t& byte) noexcept {
  const bool first = frame_bytes_ == 0;
  switch (what_) {
    case Break::nothing: break;
    case Break::mask: byte = static_cast<std::uint8_t>(first ? byte : byte ^ 0x80); break;
    case Break::rsv: byte = static_cast<std::uint8_t>(first ? byte | 0x20 : byte); break;
    case Break::opcode: byte = static_cast<std::uint8_t>(first ? (byte & 0xF0) | 3 : byte); break;
    case Break::length: byte = static_cast<std::uint8_t>(first ? byte : byte + 1); break;
  }
}

}  // namespace hilo::tools::tap

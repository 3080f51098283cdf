// SPDX-License-Identifier: MIT
//
// How heads are written: all or nothing, into one block.
//
// A writer describes its head once, as calls on a sink. emit_head() runs it twice: first to check
// every part and to count, then, when the room is there, to write. So a part that is malformed or
// memory that is missing leaves the buffer as it was.
//
// Used by http_response and handshake only; no part of the public surface.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "net/base/buffer.h"
#include "net/base/result.h"
#include "ws/core/error.h"
#include "ws/core/http_fields.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {

class HeadSink {
 public:
  // With null, nothing is written: the sink checks and counts.
  explicit HeadSink(std::uint8_t* to) noexcept : to_(to) {}

  // Appends text that needs no check.
  void text(std::string_view text) noexcept {
    if (to_ != nullptr && !text.empty()) std::memcpy(to_ + bytes_, text.data(), text.size());
    bytes_ += text.size();
  }
  // Appends a field line. A name that is no token or a value with a control byte makes it all
  // invalid: it could otherwise end the line and begin another (CRLF injection). Whoever writes has
  // counted and checked before.
  void field(std::string_view name, std::string_view value) noexcept {
    if (to_ == nullptr) require(is_token(name) && all_in(value, ByteClass::value));
    text(name);
    text(": ");
    text(value);
    text("\r\n");
  }
  void require(bool condition) noexcept { is_valid_ = is_valid_ && condition; }

  bool is_valid() const noexcept { return is_valid_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::uint8_t* to_;
  std::size_t bytes_ = 0;
  bool is_valid_ = true;
};

// `emit` is called as emit(HeadSink&), twice, and must do the same both times.
template <class Emit>
Status emit_head(Buffer& out, const Emit& emit) noexcept {
  HeadSink counting(nullptr);
  emit(counting);
  if (!counting.is_valid()) return Errc::argument;
  if (Status status = out.reserve(counting.bytes()); !status) return status;
  HeadSink writing(out.writable().data());
  emit(writing);
  out.commit(writing.bytes());
  return {};
}

}  // namespace hilo::ws

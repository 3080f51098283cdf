// SPDX-License-Identifier: MIT
//
// TlsDialogue: a connection explained from its first byte of TCP on: as TLS where it begins with a
// record (tls_records.h), and what the records carry, or else all of it, as a Dialogue.
//
//   TlsDialogue dialogue({}, &keys, [](const Part& part) { ... });
//
// With TLS there are two streams, and a Part says in which its place is (Part::in_tls): records and
// their fields are where they were in that of TCP, heads, frames and messages in the clear one, as
// if there was no TLS. Who wants to show the bytes of both hears the clear ones by `on_clear`,
// before the parts that they make.
//
//   memory   that of a Dialogue and of a TlsReader
//   thread   one at a time
//   views    the keys outlive it

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "ws/trace/dialogue.h"
#include "ws/trace/part.h"
#include "ws/trace/tls_key_log.h"
#include "ws/trace/tls_records.h"

namespace hilo::trace {

class TlsDialogue {
 public:
  using OnClear = Callback<void(Direction, Bytes)>;

  // Without `keys` (null) records are told and stay closed.
  TlsDialogue(const DialogueOptions& options, const TlsKeyLog* keys, PartSink sink,
              OnClear on_clear = {});
  TlsDialogue(const TlsDialogue&) = delete;
  TlsDialogue& operator=(const TlsDialogue&) = delete;
  ~TlsDialogue() = default;

  void feed(Direction direction, Bytes bytes);
  void end(Direction direction);

  // See Dialogue.
  bool at_boundary(Direction direction) const noexcept { return dialogue_.at_boundary(direction); }
  const std::optional<ws::DeflateParameters>& deflate() const noexcept {
    return dialogue_.deflate();
  }

 private:
  bool decide(Direction direction, Bytes& bytes);
  void pass(Direction direction, Bytes bytes);
  void pass_first();

  PartSink sink_;
  OnClear on_clear_;
  const TlsKeyLog* keys_;
  bool is_decided_;                      // whether it is TLS
  std::array<std::uint8_t, 2> first_{};  // of each direction a byte that does not decide it yet
  std::array<bool, 2> has_first_{};
  std::optional<TlsReader> tls_;
  Dialogue dialogue_;
};

}  // namespace hilo::trace

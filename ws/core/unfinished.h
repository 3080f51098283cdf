// SPDX-License-Identifier: MIT
//
// Unfinished: what a Session keeps of input that has not come whole. A part of a header, the frame
// that its payload is read of, the payload of a control frame, the message that fragments are put
// together to; and what of these the last event showed.
//
// A session makes one in a block of the Pool for all but messages of less than 64 KiB that come
// whole, and gives it back with the next call that reads and finds nothing under way. So the many
// sessions that wait for nothing in particular are a few words each.
//
//   views   `reply` refers to the payload of the last event, here or in the input

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "net/base/pool.h"
#include "ws/core/frame.h"
#include "ws/core/mask.h"
#include "ws/core/message.h"
#include "ws/core/rfc6455.h"

namespace hilo::ws {

struct Unfinished {
  // The last one whose header was read.
  struct Frame {
    bool begun = false;  // and it has not ended
    bool final = false;
    bool compressed = false;  // and the first of its message
    Opcode opcode = Opcode::continuation;
    MaskKey key{};
    std::uint8_t key_offset = 0;  // payload position modulo 4
    std::uint64_t bytes_left = 0;

    void advance(std::size_t bytes) noexcept {
      bytes_left -= bytes;
      key_offset = static_cast<std::uint8_t>((key_offset + bytes) % sizeof(MaskKey));
    }
  };

  explicit Unfinished(Pool& pool) noexcept : message(pool) {}

  // Nothing is under way, and nothing is assembled.
  bool is_idle() const noexcept { return !frame.begun && carried == 0 && !message.active(); }

  Frame frame;
  MessageAssembly message;
  bool delivered = false;          // it is what the last event showed
  std::uint8_t carried = 0;        // bytes of a header that has not come whole
  std::uint8_t control_bytes = 0;  // arrived of a control payload that comes in pieces
  std::array<std::uint8_t, frame_header_bytes_max> carry;
  std::array<std::uint8_t, control_payload_bytes_max> control;
  Bytes reply;  // the payload of the Pong that is owed
};
static_assert(sizeof(Unfinished) <= Pool::block_bytes_min);

}  // namespace hilo::ws

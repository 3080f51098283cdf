// SPDX-License-Identifier: MIT
//
// EncodedMessage: one message made ready for many connections. What is the same for all of them,
// the header and whatever else stands on the wire, is made once; Connection::deliver() takes it
// from here.
//
//   views   the payload is the caller's own bytes and must outlive this
//   thread  one

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "ws/core/frame.h"
#include "ws/core/session.h"
#include "ws/sending.h"

namespace hilo::ws {

class EncodedMessage {
 public:
  EncodedMessage(Opcode opcode, Bytes payload, SendOptions options) noexcept
      : payload_(payload),
        opcode_(opcode),
        options_(options),
        header_bytes_(write_header(header_.data(), opcode, true, payload.size(), nullptr)) {}
  EncodedMessage(const EncodedMessage&) = delete;
  EncodedMessage& operator=(const EncodedMessage&) = delete;

  Opcode opcode() const noexcept { return opcode_; }
  Bytes payload() const noexcept { return payload_; }
  SendOptions options() const noexcept { return options_; }
  // As a server sends it, uncompressed.
  Outgoing plain() const noexcept { return {{Bytes{header_}.first(header_bytes_), payload_}}; }

 private:
  Bytes payload_;
  Opcode opcode_;
  SendOptions options_;
  std::array<std::uint8_t, frame_header_bytes_max> header_;
  std::size_t header_bytes_;  // behind header_, which it fills
};

}  // namespace hilo::ws

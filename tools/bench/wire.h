// SPDX-License-Identifier: MIT
//
// What a generator puts on the wire, made before the clock starts: the request for a WebSocket and
// the masked frames of the messages. All connections send the same bytes; a generator that masked
// each message anew would be measured itself.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "tools/bench/plan.h"
#include "ws/core/rfc6455.h"

namespace hilo::tools::bench {

// A masked frame with a key of its own; `compressed` sets RSV1.
std::string client_frame(ws::Opcode opcode, std::string_view payload, bool compressed = false);

// The payload of a message, before compression. The same plan makes the same payload.
std::string make_payload(const Plan& plan);

// The handshake's request. The key is that of RFC 6455 §1.3: what is measured is not secret.
std::string make_request(const Plan& plan);
// What the 101 to it has to say.
inline constexpr std::string_view expected_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// One message, and as many behind it as make a send worthwhile.
class Messages {
 public:
  explicit Messages(const Plan& plan);

  std::size_t frame_bytes() const noexcept { return frame_bytes_; }
  std::size_t payload_bytes() const noexcept { return payload_bytes_; }
  std::size_t most() const noexcept { return frames_.size() / frame_bytes_; }
  // So many frames, at most most().
  Bytes frames(std::size_t count) const noexcept {
    return as_bytes(std::string_view(frames_).substr(0, count * frame_bytes_));
  }
  ws::Opcode opcode() const noexcept { return opcode_; }

 private:
  ws::Opcode opcode_ = ws::Opcode::text;
  std::size_t payload_bytes_ = 0;  // before compression
  std::size_t frame_bytes_ = 0;
  std::string frames_;
};

}  // namespace hilo::tools::bench

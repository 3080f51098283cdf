// SPDX-License-Identifier: MIT
//
// A message as it is put together from frames (RFC 6455 §5.4, §5.6, §8.1), with the mistakes that
// can be made there. It is held whole and looked at again with each frame: short, not fast.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/broken/fault.h"
#include "ws/core/compression.h"
#include "ws/core/frame.h"

namespace hilo::tools::broken {

inline constexpr std::size_t message_bytes_max = std::size_t{1} << 20;

class Message {
 public:
  explicit Message(Fault fault) : fault_(fault) {}

  // The payload of the next data frame, unmasked. `compression`: null, if there is none.
  ws::Errc add(const ws::FrameHeader& header, std::string_view payload,
               ws::Compression* compression);
  // Frames have begun a message and not ended it.
  bool unfinished() const { return unfinished_; }
  // What the next frame may carry.
  std::size_t room() const { return message_bytes_max - (unfinished_ ? text_.size() : 0); }

  // Of the last one that was finished.
  ws::Opcode opcode() const { return opcode_; }
  std::string_view text() const { return text_; }

 private:
  ws::Errc finish(ws::Compression* compression);
  ws::Errc inflate(ws::Compression& compression);
  bool is_text_so_far(std::string_view piece, bool final) const;

  Fault fault_;
  ws::Opcode opcode_ = ws::Opcode::text;
  bool compressed_ = false;
  bool unfinished_ = false;
  std::string text_;
};

}  // namespace hilo::tools::broken

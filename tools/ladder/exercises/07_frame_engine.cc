// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 7: ws/core/frame.cc reads, ws/core/mask.h unmasks.

#include "tools/ladder/exercises/07_frame.h"
#include "ws/core/frame.h"

namespace hilo::exercise {

std::optional<FrameHead> read_frame_head(Bytes so_far) {
  const ws::FrameHeader header = ws::parse_header(so_far);
  if (header.progress != ws::HeaderProgress::complete) return std::nullopt;
  return FrameHead{.final = header.final,
                   .opcode = static_cast<std::uint8_t>(header.opcode),
                   .masked = header.masked,
                   .payload_bytes = header.payload_bytes,
                   .key = header.key,
                   .head_bytes = header.header_bytes};
}

void unmask(MutableBytes piece, std::array<std::uint8_t, 4> key, std::size_t offset) {
  ws::mask(piece, key, offset);
}

}  // namespace hilo::exercise

// SPDX-License-Identifier: MIT

#include "tools/broken/frame_rules.h"

namespace hilo::tools::broken {

using ws::FrameHeader;

FrameHeader understood(Fault fault, FrameHeader header) {
  if (header.length7 != 127) return header;
  if (fault == Fault::accepts_top_bit) header.payload_bytes &= ~(std::uint64_t{1} << 63);
  if (fault == Fault::length_of_32_bits) header.payload_bytes &= 0xFFFFFFFF;
  if (fault == Fault::length_of_16_bits) header.payload_bytes &= 0xFFFF;
  const bool is_cut = fault == Fault::length_of_32_bits || fault == Fault::length_of_16_bits;
  // The length is read in another way, but no shorter form is missed.
  if (is_cut || fault == Fault::accepts_top_bit) header.length7 = 0;
  return header;
}

ws::Errc judge(Fault fault, const FrameHeader& header, ws::FrameRules rules) {
  FrameHeader seen = header;
  const bool control = ws::is_control(seen.opcode);
  if (fault == Fault::accepts_unmasked) seen.masked = true;
  if (fault == Fault::accepts_rsv) seen.rsv = rules.may_compress ? seen.rsv & ws::rsv1 : 0;
  if (fault == Fault::accepts_rsv1_anywhere && rules.may_compress) seen.rsv &= 3;
  if (fault == Fault::accepts_long_form) seen.length7 = 0;
  if (fault == Fault::accepts_long_control && control) seen.length7 = 0;
  if (fault == Fault::accepts_fragmented_control && control) seen.final = true;
  if (fault == Fault::accepts_reserved_opcode && ws::is_reserved(seen.opcode)) {
    seen.opcode = ws::Opcode::pong;
    seen.final = true;
    seen.length7 = 0;
  }
  if (fault == Fault::accepts_orphan && seen.opcode == ws::Opcode::continuation) {
    rules.in_message = true;
  }
  if (fault == Fault::accepts_new_start && seen.opcode != ws::Opcode::continuation) {
    rules.in_message = false;
  }
  return check_header(seen, rules);
}

}  // namespace hilo::tools::broken
